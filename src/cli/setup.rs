//! What commands that segment have in common: device, model, progress.

use std::path::PathBuf;

use aims_web::{DeviceKind, Error, Progress, Segmenter};
use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};

#[derive(Clone, Copy, ValueEnum)]
pub enum DeviceChoice {
    /// A real GPU if there is one, else the CPU.
    Auto,
    Gpu,
    /// As `gpu`, with products of 16-bit floats if it has them.
    HalfGpu,
    Cpu,
}

#[derive(Clone, Args)]
pub struct ModelArguments {
    #[arg(long, value_enum, default_value = "auto")]
    pub device: DeviceChoice,
    /// Model file.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/models/aims-base-q4.safetensors"))]
    pub model: PathBuf,
    /// Long side of a photo as the network sees it, in pixels, a multiple of 64; by default as the model file says.
    #[arg(long)]
    pub input_size: Option<u32>,
}

impl ModelArguments {
    /// Opens device and model, and says on which adapter and why.
    pub async fn open(&self) -> Result<Segmenter> {
        let bytes = std::fs::read(&self.model)
            .map_err(|error| Error::ModelMissing(format!("{}: {error}", self.model.display())))?;
        let open = |device| Segmenter::new(device, &bytes, self.input_size);
        let (segmenter, reason) = match self.device {
            DeviceChoice::Cpu => (open(DeviceKind::Cpu).await?, "as asked"),
            DeviceChoice::Gpu => (open(DeviceKind::Gpu).await?, "as asked"),
            DeviceChoice::HalfGpu => (open(DeviceKind::HalfGpu).await?, "as asked"),
            DeviceChoice::Auto => match open(DeviceKind::Gpu).await {
                Ok(segmenter) if !segmenter.adapter().software => (segmenter, "a GPU is there"),
                Ok(_) => (open(DeviceKind::Cpu).await?, "the only GPU is a software one"),
                Err(Error::NoGpu(_)) => (open(DeviceKind::Cpu).await?, "no usable GPU"),
                Err(error) => return Err(error).context("cannot load the model"),
            },
        };
        let adapter = segmenter.adapter();
        let half = if adapter.half { ", 16-bit floats" } else { "" };
        eprintln!("device: {}{half} ({reason})", adapter.name);
        Ok(segmenter)
    }
}

/// A bar on standard error.
pub fn bar(label: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg:10} {wide_bar} {percent:>3} %  {elapsed}");
    let bar = ProgressBar::new(1000).with_message(label);
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

/// Shows progress on `bar`.
pub fn progress(bar: &ProgressBar) -> Progress<'_> {
    Progress::new(|fraction| {
        bar.set_position((fraction * 1000.0) as u64);
        std::future::ready(true)
    })
}
