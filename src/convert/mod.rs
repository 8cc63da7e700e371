//! From MobileSAM's PyTorch checkpoint, and an AIMS head trained on it, to this project's model file.

mod checkpoint;
mod file;
mod quantise;
mod trained;

use std::path::Path;

use anyhow::Result;

pub use checkpoint::Matrix;

/// Precision of the weight matrices; everything else stays 32-bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    Float32,
    Q8,
}

/// Reads the checkpoint, and what was trained on it if there is such a file, and returns the bytes of a model file.
///
/// # Errors
/// If a file cannot be read or has other tensors than it should.
pub fn convert(checkpoint: &Path, trained: Option<&Path>, precision: Precision) -> Result<Vec<u8>> {
    let mut tensors = checkpoint::read(checkpoint)?;
    if let Some(trained) = trained {
        trained::add(trained, &mut tensors)?;
    }
    let model = if trained.is_some() { "aims-tiny" } else { "mobile-sam" };
    file::write(tensors, model, precision)
}
