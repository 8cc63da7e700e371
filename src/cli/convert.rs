use std::path::PathBuf;

use aims_web::convert::{Precision, convert};
use anyhow::{Context, Result};
use clap::Args;

#[derive(Args)]
pub struct Arguments {
    /// MobileSAM's `mobile_sam.pt`.
    checkpoint: PathBuf,
    /// Where to write the model file.
    #[arg(long, default_value = "models/mobile-sam-q8.safetensors")]
    out: PathBuf,
    /// What `training/train.py` made: adds the AIMS head.
    #[arg(long)]
    trained: Option<PathBuf>,
    /// Keep 32-bit weights, for comparisons.
    #[arg(long)]
    float: bool,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let precision = if arguments.float { Precision::Float32 } else { Precision::Q8 };
    let bytes = convert(&arguments.checkpoint, arguments.trained.as_deref(), precision)?;
    if let Some(folder) = arguments.out.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(&arguments.out, &bytes)
        .with_context(|| format!("cannot write {}", arguments.out.display()))?;
    eprintln!("{}: {:.2} MB", arguments.out.display(), bytes.len() as f64 / 1e6);
    Ok(())
}
