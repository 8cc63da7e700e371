//! Writes the model file that `model::Weights` reads.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Result, ensure};
use half::f16;
use rayon::prelude::*;
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};

use super::checkpoint::Matrix;
use super::quantise::{pack_nibbles, quantise};
use super::{Calibration, Family, Precision, gptq};
use aims_web::model::{FORMAT_VERSION, MANIFEST_KEY, Manifest, data_sha256};
use aims_web::ops::{Bits, GROUP};

struct Stored {
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl Stored {
    fn halves(shape: Vec<usize>, values: &[f16]) -> Self {
        Self { dtype: Dtype::F16, shape, bytes: bytemuck::cast_slice(values).to_vec() }
    }
}

/// The bytes of the model file that has these tensors.
pub fn write(
    tensors: BTreeMap<String, Matrix>,
    family: &Family,
    precision: Precision,
    calibration: &Calibration,
) -> Result<Vec<u8>> {
    // The largest tensors take most of the time, so they must not all end up in one thread's share.
    let stored: Vec<Vec<(String, Stored)>> = tensors
        .into_iter()
        .collect::<Vec<_>>()
        .into_par_iter()
        .with_max_len(1)
        .map(|(name, matrix)| store(name, matrix, family, precision, calibration))
        .collect::<Result<_>>()?;
    let stored = stored.into_iter().flatten().collect();

    // The manifest holds the checksum of the data behind it. So the file is written twice: first
    // without the checksum to get the data, then with it.
    let draft = encode(&stored, family, precision, String::new())?;
    let (header_length, _) = SafeTensors::read_metadata(&draft)?;
    encode(&stored, family, precision, data_sha256(&draft[8 + header_length..]))
}

/// A tensor as it is stored in the file, with its scales if it is quantised.
fn store(
    name: String,
    Matrix { shape, values, is_weight }: Matrix,
    family: &Family,
    precision: Precision,
    calibration: &Calibration,
) -> Result<Vec<(String, Stored)>> {
    let Precision::Quantised(bits) = precision else {
        let bytes = bytemuck::cast_slice(&values).to_vec();
        return Ok(vec![(name, Stored { dtype: Dtype::F32, shape, bytes })]);
    };
    let is_among = |parts: &[String]| parts.iter().any(|part| name.starts_with(part));
    let is_kept = is_among(&family.quantisation.float);
    let in_eight_bits = is_among(&family.quantisation.eight_bits);
    if !is_weight || is_kept || !(shape[1].is_multiple_of(GROUP) || in_eight_bits) {
        let halves: Vec<f16> = values.iter().map(|&value| f16::from_f32(value)).collect();
        return Ok(vec![(name, Stored::halves(shape, &halves))]);
    }
    let bits = if in_eight_bits { Bits::Eight } else { bits };
    let (values, shape) = whole_groups(values, [shape[0], shape[1]]);
    let [outputs, inputs] = shape;
    let (values, scales) = if let Some(moments) = calibration.moments.get(&name) {
        // The zeros behind the rows have no inputs.
        gptq::quantise(&values, bits, &moments.clone().resize(inputs, inputs, 0.0))
    } else {
        let importance = calibration.squares.get(&name).map(Vec::as_slice);
        ensure!(
            importance.is_none_or(|importance| importance.len() == inputs),
            "the calibration of '{name}' is not for {inputs} inputs"
        );
        quantise(&values, inputs, bits, importance)
    };
    let scales = (format!("{name}.scales"), Stored::halves(vec![outputs, inputs / GROUP], &scales));
    let packed = match bits {
        Bits::Eight => {
            let bytes = bytemuck::cast_slice(&values).to_vec();
            Stored { dtype: Dtype::I8, shape: shape.to_vec(), bytes }
        }
        Bits::Four => Stored {
            dtype: Dtype::U8,
            shape: vec![outputs, inputs / 2],
            bytes: pack_nibbles(&values),
        },
    };
    Ok(vec![scales, (name, packed)])
}

/// The matrix with zeros behind its rows, so that they are whole groups.
fn whole_groups(values: Vec<f32>, [outputs, inputs]: [usize; 2]) -> (Vec<f32>, [usize; 2]) {
    let stored = inputs.next_multiple_of(GROUP);
    if stored == inputs {
        return (values, [outputs, inputs]);
    }
    let zeros = std::iter::repeat_n(0.0, stored - inputs);
    let rows = values.chunks_exact(inputs);
    let values = rows.flat_map(|row| row.iter().copied().chain(zeros.clone())).collect();
    (values, [outputs, stored])
}

fn encode(
    stored: &BTreeMap<String, Stored>,
    family: &Family,
    precision: Precision,
    data_sha256: String,
) -> Result<Vec<u8>> {
    let manifest = Manifest {
        format: FORMAT_VERSION,
        description: family.description.clone(),
        precision: match precision {
            Precision::Float32 => "float32",
            Precision::Quantised(Bits::Eight) => "q8-group32",
            Precision::Quantised(Bits::Four) => "q4-group32",
        }
        .to_string(),
        data_sha256,
    };
    // There is only one entry, because the order of several would change from run to run.
    let metadata = HashMap::from([(MANIFEST_KEY.to_string(), serde_json::to_string(&manifest)?)]);
    let views = stored
        .iter()
        .map(|(name, tensor)| {
            Ok((name, TensorView::new(tensor.dtype, tensor.shape.clone(), &tensor.bytes)?))
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(serialize(views, Some(metadata))?)
}
