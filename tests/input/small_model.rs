//! A model file of a few hundred bytes, which holds a tensor of each type that model files have.

use std::collections::HashMap;

use aims_web::error::Result;
use aims_web::model::{FORMAT_VERSION, MANIFEST_KEY, Manifest, Weights};
use burn::tensor::Device;
use safetensors::tensor::{Dtype, TensorView, serialize};

use crate::model_file::mend;

/// The bytes of the model file.
pub fn small() -> Vec<u8> {
    let tensors = [
        ("floats", Dtype::F32, vec![2, 3], 24),
        ("halves", Dtype::F16, vec![4], 8),
        ("eight.scales", Dtype::F16, vec![2, 1], 4),
        ("eight", Dtype::I8, vec![2, 32], 64),
        ("four.scales", Dtype::F16, vec![2, 1], 4),
        ("four", Dtype::U8, vec![2, 16], 32),
    ];
    let data: Vec<u8> = (0..64_u8).map(|i| i.wrapping_mul(5)).collect();
    let views = tensors.map(|(name, dtype, shape, length)| {
        (name, TensorView::new(dtype, shape, &data[..length]).expect("the sizes fit"))
    });
    let manifest = Manifest {
        format: FORMAT_VERSION,
        description: serde_json::from_str(include_str!("../../models/aims-tiny.json"))
            .expect("a description"),
        precision: "q8-group32".to_string(),
        data_sha256: "0".repeat(64),
    };
    let manifest = serde_json::to_string(&manifest).expect("it serialises");
    let metadata = HashMap::from([(MANIFEST_KEY.to_string(), manifest)]);
    let mut file = serialize(views, Some(metadata)).expect("it serialises");
    mend(&mut file);
    file
}

/// Reads everything in the small file.
pub fn read(file: &[u8]) -> Result<()> {
    let weights = Weights::new(file, &Device::flex())?;
    weights.bits();
    // All tensors are read, so that an error in one does not hide another.
    let results = [
        weights.float("floats", [2, 3]).map(drop),
        weights.float("halves", [4]).map(drop),
        weights.float_vec("halves", 4).map(drop),
        weights.float_vec("floats", 6).map(drop),
        weights.matrix("eight", 2, 32).map(drop),
        weights.matrix("four", 2, 32).map(drop),
        weights.matrix("floats", 2, 3).map(drop),
    ];
    results.into_iter().collect()
}
