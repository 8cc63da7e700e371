//! From MobileSAM's PyTorch checkpoint, and an AIMS head trained on it, to this project's model file.

mod checkpoint;
mod file;
mod quantise;
mod trained;

use std::collections::HashMap;
use std::path::Path;

use anyhow::Result;

use crate::ops::Bits;
pub use checkpoint::Matrix;

/// Precision of the weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    Float32,
    /// Matrices in groups of so many bits; everything else is 16-bit.
    Quantised(Bits),
}

/// By the name of a matrix: the mean square of each of its inputs on some photos.
pub type Calibration = HashMap<String, Vec<f32>>;

/// Reads the checkpoint, and what was trained on it and its calibration if there are such files, and returns the bytes
/// of a model file.
///
/// # Errors
/// If a file cannot be read or has other tensors than it should.
pub fn convert(
    checkpoint: &Path,
    trained: Option<&Path>,
    calibration: Option<&Path>,
    precision: Precision,
) -> Result<Vec<u8>> {
    let mut tensors = checkpoint::read(checkpoint)?;
    if let Some(trained) = trained {
        trained::add(trained, &mut tensors)?;
    }
    let model = if trained.is_some() { "aims-tiny" } else { "mobile-sam" };
    let calibration = calibration.map(trained::calibration).transpose()?.unwrap_or_default();
    file::write(tensors, model, precision, &calibration)
}
