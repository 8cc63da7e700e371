//! Reads MobileSAM's PyTorch checkpoint, and converts its tensors to the layouts of `model`: batch
//! norm is folded into the convolution before it, kernels become channels-last, and transposed
//! convolutions become linear layers.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use burn_store::pytorch_reader::{DType, PytorchReader};

/// PyTorch's default for `nn.BatchNorm2d`.
const BATCH_NORM_EPSILON: f32 = 1e-5;

/// A tensor of the model file.
#[derive(Clone, Debug)]
pub struct Matrix {
    /// The shape, outermost axis first.
    pub shape: Vec<usize>,
    /// The values, row-major.
    pub values: Vec<f32>,
    /// Whether the tensor may be quantised: it is the `[outputs, inputs]` matrix of a linear layer
    /// or a convolution.
    pub is_weight: bool,
}

/// Reads all tensors that inference needs, by the checkpoint's names.
pub fn read(path: &Path) -> Result<BTreeMap<String, Matrix>> {
    let source = Source {
        reader: PytorchReader::new(path)
            .with_context(|| format!("cannot read the checkpoint {}", path.display()))?,
    };
    let mut out = BTreeMap::new();
    for name in source.reader.keys() {
        // The classification head is left over from pre-training.
        if name.contains("norm_head")
            || name.starts_with("image_encoder.head.")
            || name.contains(".bn.")
        {
            continue;
        }
        if let Some(name) = name.strip_suffix(".c.weight") {
            fold(&source, name, &mut out)?;
        } else if name.contains("output_upscaling") && source.shape(&name)?.len() != 1 {
            transposed(&source, name.trim_end_matches(".weight"), &mut out)?;
        } else if !name.contains("output_upscaling") || name.contains("output_upscaling.1.") {
            plain(&source, &name, &mut out)?;
        }
    }
    Ok(out)
}

struct Source {
    reader: PytorchReader,
}

impl Source {
    fn shape(&self, name: &str) -> Result<Vec<usize>> {
        let tensor = self.reader.get(name).with_context(|| format!("no tensor '{name}'"))?;
        Ok(tensor.shape().to_vec())
    }

    fn values(&self, name: &str) -> Result<Vec<f32>> {
        let tensor = self.reader.get(name).with_context(|| format!("no tensor '{name}'"))?;
        ensure!(tensor.dtype() == DType::F32, "tensor '{name}' is {:?}, not F32", tensor.dtype());
        Ok(bytemuck::pod_collect_to_vec(&tensor.read()?))
    }
}

/// Folds the batch norm of a `Conv2d_BN` into its convolution: w' = w γ / σ, b' = β - μ γ / σ.
fn fold(source: &Source, name: &str, out: &mut BTreeMap<String, Matrix>) -> Result<()> {
    let shape = source.shape(&format!("{name}.c.weight"))?;
    let mut weight = source.values(&format!("{name}.c.weight"))?;
    let norm = |part: &str| source.values(&format!("{name}.bn.{part}"));
    let (gamma, beta) = (norm("weight")?, norm("bias")?);
    let (mean, variance) = (norm("running_mean")?, norm("running_var")?);
    let scale: Vec<f32> =
        gamma.iter().zip(&variance).map(|(g, v)| g / (v + BATCH_NORM_EPSILON).sqrt()).collect();
    let per_output = weight.len() / shape[0];
    for (filter, scale) in weight.chunks_mut(per_output).zip(&scale) {
        filter.iter_mut().for_each(|value| *value *= scale);
    }
    let bias = (0..shape[0]).map(|i| beta[i] - mean[i] * scale[i]).collect();
    // A depthwise filter has one input channel. The network has no other convolution with one input
    // channel and batch norm.
    let matrix =
        if shape[1] == 1 { depthwise(&shape, &weight) } else { channels_last(&shape, &weight)? };
    out.insert(format!("{name}.weight"), matrix);
    out.insert(format!("{name}.bias"), vector(bias));
    Ok(())
}

/// Reorders the weights of a convolution from `[outputs, inputs, height, width]` to `[outputs,
/// height * width * inputs]`.
fn channels_last(shape: &[usize], values: &[f32]) -> Result<Matrix> {
    let [outputs, inputs, height, width] = shape[..] else { bail!("not a convolution: {shape:?}") };
    let taps = height * width;
    let mut weight = vec![0.0; values.len()];
    for (filter, from) in weight.chunks_mut(inputs * taps).zip(values.chunks(inputs * taps)) {
        for (i, value) in filter.iter_mut().enumerate() {
            *value = from[(i % inputs) * taps + i / inputs];
        }
    }
    Ok(Matrix { shape: vec![outputs, taps * inputs], values: weight, is_weight: true })
}

/// Reorders the weights of a depthwise convolution from `[channels, 1, 3, 3]` to `[9, channels]`.
fn depthwise(shape: &[usize], values: &[f32]) -> Matrix {
    let channels = shape[0];
    let taps = values.len() / channels;
    let values = (0..values.len()).map(|i| values[(i % channels) * taps + i / channels]).collect();
    Matrix { shape: vec![taps, channels], values, is_weight: false }
}

/// Converts a transposed 2 x 2 convolution of stride 2, `[inputs, outputs, 2, 2]`, to the linear
/// layer `[4 * outputs, inputs]` that makes the four pixels of a cell, in the order (y, x).
fn transposed(source: &Source, name: &str, out: &mut BTreeMap<String, Matrix>) -> Result<()> {
    let shape = source.shape(&format!("{name}.weight"))?;
    let values = source.values(&format!("{name}.weight"))?;
    let bias = source.values(&format!("{name}.bias"))?;
    let [inputs, outputs, 2, 2] = shape[..] else {
        bail!("unexpected shape {shape:?} of '{name}'")
    };
    let mut weight = Vec::with_capacity(values.len());
    for tap in 0..4 {
        for output in 0..outputs {
            weight.extend((0..inputs).map(|input| values[(input * outputs + output) * 4 + tap]));
        }
    }
    let matrix = Matrix { shape: vec![4 * outputs, inputs], values: weight, is_weight: true };
    out.insert(format!("{name}.weight"), matrix);
    out.insert(format!("{name}.bias"), vector(bias.repeat(4)));
    Ok(())
}

/// Converts a linear layer, a convolution without batch norm, a norm or an embedding.
fn plain(source: &Source, name: &str, out: &mut BTreeMap<String, Matrix>) -> Result<()> {
    let shape = source.shape(name)?;
    let values = source.values(name)?;
    let matrix = match shape.len() {
        4 => {
            let matrix = channels_last(&shape, &values)?;
            let bias = name.replace(".weight", ".bias");
            if source.reader.get(&bias).is_none() {
                out.insert(bias, vector(vec![0.0; shape[0]]));
            }
            matrix
        }
        2 => Matrix { shape, values, is_weight: !is_table(name) },
        _ => Matrix { shape, values, is_weight: false },
    };
    out.insert(name.to_string(), matrix);
    Ok(())
}

/// Whether a tensor with two axes is a table, such as one of embeddings, and not the matrix of a
/// product.
pub fn is_table(name: &str) -> bool {
    const TABLES: [&str; 10] = [
        "not_a_point_embed",
        "no_mask_embed",
        "point_embeddings",
        "obj_score_token",
        "iou_token",
        "mask_tokens",
        "pe_layer",
        "attention_biases",
        ".local_conv.",
        ".depthwise.",
    ];
    TABLES.iter().any(|part| name.contains(part))
}

fn vector(values: Vec<f32>) -> Matrix {
    Matrix { shape: vec![values.len()], values, is_weight: false }
}
