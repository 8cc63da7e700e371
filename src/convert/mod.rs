//! From the weights of others, and what was trained on them, to this project's model file.

mod checkpoint;
mod file;
mod quantise;
mod trained;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::model::Description;
use crate::ops::Bits;
pub use checkpoint::Matrix;

/// Precision of the weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    Float32,
    /// Matrices in groups of so many bits; everything else is 16-bit.
    Quantised(Bits),
}

/// A family of models, as `models/*.json` describe it.
#[derive(Clone, Debug, Deserialize)]
pub struct Family {
    #[serde(flatten)]
    pub description: Description,
    pub quantisation: Quantisation,
}

/// Which matrices keep more bits than the file's precision says: beginnings of their names. They are the first layers of the encoder: a small
/// share of the weights, but every later layer sees their errors. With MobileSAM's as floats the worst of the test's ten masks has IoU 0.984
/// with the float model's, with 8 bits throughout 0.973; `docs/quality.md` has what 8 bits give in the 4-bit file.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Quantisation {
    pub float: Vec<String>,
    /// Never less than eight.
    pub eight_bits: Vec<String>,
}

impl Family {
    /// # Errors
    /// If the file cannot be read or is no such description.
    pub fn read(path: &Path) -> Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let family: Self = serde_json::from_str(&text).with_context(|| path.display().to_string())?;
        family.description.check()?;
        Ok(family)
    }
}

/// By the name of a matrix: the mean square of each of its inputs on some photos.
pub type Calibration = HashMap<String, Vec<f32>>;

/// Reads weights, a PyTorch checkpoint of MobileSAM or a safetensors file of `training`, and what was trained on them and its calibration
/// if there are such files, and returns the bytes of a model file.
///
/// # Errors
/// If a file cannot be read or has other tensors than it should.
pub fn convert(
    family: &Family,
    weights: &Path,
    trained: Option<&Path>,
    calibration: Option<&Path>,
    precision: Precision,
) -> Result<Vec<u8>> {
    let mut tensors = BTreeMap::new();
    if weights.extension().is_some_and(|extension| extension == "safetensors") {
        trained::add(weights, &mut tensors)?;
    } else {
        tensors = checkpoint::read(weights)?;
    }
    if let Some(trained) = trained {
        trained::add(trained, &mut tensors)?;
    }
    let mut family = family.clone();
    if tensors.keys().any(|name| name.starts_with("aims.")) {
        ensure!(family.description.levels.is_some(), "the description has no levels, but the weights have");
    } else {
        family.description.levels = None;
    }
    let calibration = calibration.map(trained::calibration).transpose()?.unwrap_or_default();
    file::write(tensors, &family, precision, &calibration)
}
