//! From MobileSAM's PyTorch checkpoint to this project's model file.

mod checkpoint;
mod file;
mod quantise;

use std::path::Path;

use anyhow::Result;

pub use checkpoint::Matrix;

/// Precision of the weight matrices; everything else stays 32-bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    Float32,
    Q8,
}

/// Reads the checkpoint and returns the bytes of a model file.
///
/// # Errors
/// If the checkpoint cannot be read or has other tensors than MobileSAM's.
pub fn convert(checkpoint: &Path, precision: Precision) -> Result<Vec<u8>> {
    let tensors = checkpoint::read(checkpoint)?;
    file::write(tensors, precision)
}
