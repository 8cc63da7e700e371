//! `convert`: makes a model file from published weights and from what was trained on top of them.

use std::path::PathBuf;

use aims_web_cli::convert::{Family, Precision, Sources, convert};
use anyhow::{Context, Result};
use clap::{Args, ValueEnum};

/// The arguments of `convert`.
#[derive(Args)]
pub struct Arguments {
    /// Weights: MobileSAM's `mobile_sam.pt`, or the safetensors file that `training/extract.py`
    /// makes from SAM 2.
    weights: PathBuf,
    /// Description of the network: one of `models/*.json`.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/aims-tiny.json"))]
    family: PathBuf,
    /// File to write the model to.
    #[arg(long)]
    out: PathBuf,
    /// Files with weights that were trained on top.
    ///
    /// `training/export.py` makes the file of the AIMS head, and `training/scene.py` that of the
    /// scene head.
    #[arg(long, num_args = 1..)]
    trained: Vec<PathBuf>,
    /// File that says how much the inputs of each layer matter, made by `training/export.py` as
    /// well.
    #[arg(long)]
    calibration: Option<PathBuf>,
    /// Folder of photos for rounding the weights of linear layers together (GPTQ).
    ///
    /// The result is better, but this takes minutes.
    #[arg(long)]
    photos: Option<PathBuf>,
    /// Number of bits of each weight.
    #[arg(long, default_value = "8")]
    bits: Bits,
}

#[derive(Clone, Copy, ValueEnum)]
enum Bits {
    #[value(name = "4")]
    Four,
    #[value(name = "8")]
    Eight,
    #[value(name = "32")]
    Float,
}

/// Makes the model file, and prints its size.
pub fn run(arguments: &Arguments) -> Result<()> {
    let precision = match arguments.bits {
        Bits::Four => Precision::Quantised(aims_web::ops::Bits::Four),
        Bits::Eight => Precision::Quantised(aims_web::ops::Bits::Eight),
        Bits::Float => Precision::Float32,
    };
    let sources = Sources {
        weights: &arguments.weights,
        trained: &arguments.trained,
        calibration: arguments.calibration.as_deref(),
        photos: arguments.photos.as_deref(),
    };
    let bytes = convert(&Family::read(&arguments.family)?, sources, precision)?;
    if let Some(folder) = arguments.out.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(&arguments.out, &bytes)
        .with_context(|| format!("cannot write {}", arguments.out.display()))?;
    eprintln!("{}: {:.2} MB", arguments.out.display(), bytes.len() as f64 / 1e6);
    Ok(())
}
