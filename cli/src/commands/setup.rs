//! The options that all commands which run the model share (the device, the model, and how masks
//! are found), and the display of progress.

use std::path::{Path, PathBuf};

use aims_web::model::{INPUT_SIZES, is_input_size};
use aims_web::segmenter::Mode;
use aims_web::{Compute, DeviceKind, Error, GridOptions, Precision, Progress, Request, Segmenter};
use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};

/// The device to compute on.
#[derive(Clone, Copy, ValueEnum)]
pub enum DeviceChoice {
    /// A hardware GPU if there is one, otherwise the CPU.
    Auto,
    Gpu,
    Cpu,
}

/// The precision of the numbers that a GPU multiplies.
#[derive(Clone, Copy, ValueEnum)]
pub enum PrecisionChoice {
    F32,
    /// Faster on much hardware, but less exact; only on a GPU that has 16-bit floats.
    F16,
}

/// How the masks of a scene are found.
#[derive(Clone, Copy, ValueEnum)]
pub enum ModeChoice {
    /// The level decoders of the model file find the masks.
    Learned,
    /// SAM's decoder is prompted at every point of a grid, and rules sort the masks into levels.
    /// This is slow, and best with --input-size 1024.
    Grid,
}

impl From<ModeChoice> for Mode {
    fn from(choice: ModeChoice) -> Self {
        match choice {
            ModeChoice::Learned => Self::Learned,
            ModeChoice::Grid => Self::Grid,
        }
    }
}

/// The options for how masks are found.
#[derive(Args)]
pub struct SearchArguments {
    /// Way to find masks; by default the level decoders, if the model file has them.
    #[arg(long, value_enum)]
    mode: Option<ModeChoice>,
    /// With --mode grid: number of points along each side of the grid.
    #[arg(long, default_value_t = GridOptions::default().points_per_side)]
    points_per_side: u32,
    /// With --mode grid: number of further layers of crops.
    ///
    /// They find smaller things and take longer.
    #[arg(long, default_value_t = GridOptions::default().crop_n_layers)]
    crop_layers: u32,
    /// With --mode learned: maximum number of queries per photo, 1 to 192; by default as the model
    /// file says.
    #[arg(long)]
    max_queries: Option<u32>,
}

impl SearchArguments {
    /// A request for all levels of the whole photo.
    pub fn request(&self) -> Request {
        Request {
            mode: self.mode.map(Mode::from),
            grid: GridOptions {
                points_per_side: self.points_per_side,
                crop_n_layers: self.crop_layers,
                ..GridOptions::default()
            },
            max_queries: self.max_queries,
            ..Request::default()
        }
    }
}

/// The options for the device and the model.
#[derive(Clone, Args)]
pub struct ModelArguments {
    /// Device to compute on.
    #[arg(long, value_enum, default_value = "auto")]
    pub device: DeviceChoice,
    /// Precision of the numbers that a GPU multiplies.
    #[arg(long, value_enum, default_value = "f32")]
    pub precision: PrecisionChoice,
    /// Model file.
    ///
    /// By default aims-base-q4.safetensors in the folder `models` next to this program, or in the
    /// checkout that it was built in.
    #[arg(long)]
    pub model: Option<PathBuf>,
    /// Long side of the photo in pixels, as the network reads it.
    ///
    /// A multiple of 64 from 64 to 2048; by default as the model file says.
    #[arg(long, value_parser = input_size)]
    pub input_size: Option<u32>,
}

const DEFAULT_MODEL: &str = "aims-base-q4.safetensors";

impl ModelArguments {
    /// The model file that is named, or the default one.
    pub fn model_file(&self) -> Result<PathBuf, Error> {
        self.model.clone().map_or_else(|| first_of(default_models()), Ok)
    }

    /// Reads the model file.
    pub fn read_model(&self) -> Result<Vec<u8>, Error> {
        let model = self.model_file()?;
        std::fs::read(&model)
            .map_err(|error| Error::ModelMissing(format!("{}: {error}", model.display())))
    }

    /// Opens the device and the model, and prints which adapter is used and why.
    pub async fn open(&self) -> Result<Segmenter> {
        self.open_bytes(&self.read_model()?).await
    }

    /// Does the same as [`Self::open`] for a model file that was read before.
    pub async fn open_bytes(&self, bytes: &[u8]) -> Result<Segmenter> {
        let precision = match self.precision {
            PrecisionChoice::F32 => Precision::F32,
            PrecisionChoice::F16 => Precision::F16,
        };
        let open = |device| Segmenter::new(Compute { device, precision }, bytes, self.input_size);
        let (segmenter, reason) = match self.device {
            DeviceChoice::Cpu => (open(DeviceKind::Cpu).await?, "as requested"),
            DeviceChoice::Gpu => (open(DeviceKind::Gpu).await?, "as requested"),
            DeviceChoice::Auto => match open(DeviceKind::Gpu).await {
                Ok(segmenter) if !segmenter.adapter().software => (segmenter, "a GPU is available"),
                Ok(_) => (open(DeviceKind::Cpu).await?, "the only GPU is a software one"),
                Err(Error::NoGpu(_)) => (open(DeviceKind::Cpu).await?, "no usable GPU"),
                Err(error) => return Err(error).context("cannot load the model"),
            },
        };
        let adapter = segmenter.adapter();
        let half = if adapter.precision == Precision::F16 { ", 16-bit floats" } else { "" };
        eprintln!("device: {}{half} ({reason})", adapter.name);
        Ok(segmenter)
    }
}

fn input_size(text: &str) -> Result<u32, String> {
    let size = text.parse().ok().filter(|&size| is_input_size(size));
    size.ok_or_else(|| format!("it must be {INPUT_SIZES}"))
}

/// The places where the default model may be, the first choice first.
fn default_models() -> Vec<PathBuf> {
    let program = std::env::current_exe().ok();
    let beside = program.as_deref().and_then(Path::parent);
    let folders = beside.into_iter().chain([Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))]);
    folders.map(|folder| folder.join("models").join(DEFAULT_MODEL)).collect()
}

/// The first of these files that exists.
fn first_of(places: Vec<PathBuf>) -> Result<PathBuf, Error> {
    if let Some(found) = places.iter().find(|place| place.is_file()) {
        return Ok(found.clone());
    }
    let places: Vec<_> = places.iter().map(|place| place.display().to_string()).collect();
    Err(Error::ModelMissing(format!(
        "it is not in any of {}. Copy {DEFAULT_MODEL} from the project's folder `models` to the \
         first of these places, or name a file with --model.",
        places.join(", ")
    )))
}

/// A progress bar on standard error.
pub fn bar(label: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg:10} {wide_bar} {percent:>3} %  {elapsed}");
    let bar = ProgressBar::new(1000).with_message(label);
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

/// A progress bar over photos, with an estimate of the time left.
pub fn photo_bar(count: usize) -> ProgressBar {
    let style = ProgressStyle::with_template(
        "photo {human_pos} of {human_len} {wide_bar} {elapsed}, {eta} left",
    );
    let bar = ProgressBar::new(count as u64);
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

/// A progress that is shown on `bar`.
pub fn progress(bar: &ProgressBar) -> Progress<'_> {
    Progress::new(|fraction| {
        bar.set_position((fraction * 1000.0) as u64);
        std::future::ready(true)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_model_that_is_there_is_taken() {
        let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let [missing, cargo, readme] =
            ["no-such-file", "Cargo.toml", "src/main.rs"].map(|name| here.join(name));
        assert_eq!(
            first_of(vec![missing.clone(), cargo.clone(), readme]).expect("two are there"),
            cargo
        );
        let message = first_of(vec![missing.clone()]).expect_err("none is there").to_string();
        assert!(
            message.contains(&missing.display().to_string()) && message.contains("--model"),
            "{message}"
        );
        let default = first_of(default_models()).expect("that of the checkout");
        assert!(default.ends_with("models/aims-base-q4.safetensors"));
    }

    #[test]
    fn input_sizes_are_checked() {
        assert_eq!(input_size("640"), Ok(640));
        for wrong in ["100", "0", "2112", "-64", "big", ""] {
            assert!(input_size(wrong).is_err(), "{wrong}");
        }
    }
}
