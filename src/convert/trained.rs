//! Reads what `training/train.py` writes: a float safetensors file in the layouts of `model` already.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use safetensors::SafeTensors;
use safetensors::tensor::Dtype;

use super::Calibration;
use super::checkpoint::Matrix;

/// What `training/calibrate.py` makes.
pub fn calibration(path: &Path) -> Result<Calibration> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let file = SafeTensors::deserialize(&bytes).with_context(|| path.display().to_string())?;
    file.iter()
        .map(|(name, view)| {
            ensure!(view.dtype() == Dtype::F32, "tensor '{name}' is {:?}, not F32", view.dtype());
            Ok((name.to_string(), bytemuck::pod_collect_to_vec(view.data())))
        })
        .collect()
}

/// Adds the AIMS head to MobileSAM's tensors, and replaces the encoder's by those trained with it.
pub fn add(path: &Path, tensors: &mut BTreeMap<String, Matrix>) -> Result<()> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let file = SafeTensors::deserialize(&bytes).with_context(|| path.display().to_string())?;
    for (name, view) in file.iter() {
        ensure!(view.dtype() == Dtype::F32, "tensor '{name}' is {:?}, not F32", view.dtype());
        let shape = view.shape().to_vec();
        let is_weight = match tensors.get(name) {
            Some(old) => {
                ensure!(old.shape == shape, "tensor '{name}' is {shape:?}, not {:?}", old.shape);
                old.is_weight
            }
            // Depthwise kernels are no matrices of a product.
            None => shape.len() == 2 && name.ends_with(".weight") && !name.ends_with(".local_conv.weight"),
        };
        let values = bytemuck::pod_collect_to_vec(view.data());
        tensors.insert(name.to_string(), Matrix { shape, values, is_weight });
    }
    Ok(())
}
