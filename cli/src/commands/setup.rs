//! Commands that segment share these options: the device, the model, and how masks are looked for. They also share the display of progress.

use std::path::{Path, PathBuf};

use aims_web::model::{INPUT_SIZES, is_input_size};
use aims_web::segmenter::Mode;
use aims_web::{Compute, DeviceKind, Error, GridOptions, Precision, Progress, Request, Segmenter};
use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};

#[derive(Clone, Copy, ValueEnum)]
pub enum DeviceChoice {
    /// A real GPU if there is one, else the CPU.
    Auto,
    Gpu,
    Cpu,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum PrecisionChoice {
    F32,
    /// Faster on much hardware, and less exact; only on a GPU that has 16-bit floats.
    F16,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum ModeChoice {
    /// The level decoders of the model file.
    Learned,
    /// SAM's decoder at every point of a grid; rules sort the masks into levels. Slow, and best with --input-size 1024.
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

/// How masks are looked for.
#[derive(Args)]
pub struct SearchArguments {
    /// Where masks come from; by default from the level decoders, if the model file has them.
    #[arg(long, value_enum)]
    mode: Option<ModeChoice>,
    /// With --mode grid: points along each side of the grid.
    #[arg(long, default_value_t = GridOptions::default().points_per_side)]
    points_per_side: u32,
    /// With --mode grid: further layers of crops, which find smaller things and take longer.
    #[arg(long, default_value_t = GridOptions::default().crop_n_layers)]
    crop_layers: u32,
    /// With --mode learned: at most so many queries a photo, 1 to 192; by default as the model file says.
    #[arg(long)]
    max_queries: Option<u32>,
}

impl SearchArguments {
    /// A request for the whole photo at all levels.
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

#[derive(Clone, Args)]
pub struct ModelArguments {
    #[arg(long, value_enum, default_value = "auto")]
    pub device: DeviceChoice,
    /// The numbers that a GPU multiplies.
    #[arg(long, value_enum, default_value = "f32")]
    pub precision: PrecisionChoice,
    /// Model file; by default aims-base-q4.safetensors in `models` beside this program, or in the checkout that it was built in.
    #[arg(long)]
    pub model: Option<PathBuf>,
    /// Long side of a photo as the network sees it, in pixels, a multiple of 64 from 64 to 2048; by default as the model file says.
    #[arg(long, value_parser = input_size)]
    pub input_size: Option<u32>,
}

const DEFAULT_MODEL: &str = "aims-base-q4.safetensors";

impl ModelArguments {
    /// The file that is named, or else the default one.
    pub fn model_file(&self) -> Result<PathBuf, Error> {
        self.model.clone().map_or_else(|| first_of(default_models()), Ok)
    }

    pub fn read_model(&self) -> Result<Vec<u8>, Error> {
        let model = self.model_file()?;
        std::fs::read(&model)
            .map_err(|error| Error::ModelMissing(format!("{}: {error}", model.display())))
    }

    /// Opens device and model, and says on which adapter and why.
    pub async fn open(&self) -> Result<Segmenter> {
        self.open_bytes(&self.read_model()?).await
    }

    /// [`Self::open`] for a model file that was read before.
    pub async fn open_bytes(&self, bytes: &[u8]) -> Result<Segmenter> {
        let precision = match self.precision {
            PrecisionChoice::F32 => Precision::F32,
            PrecisionChoice::F16 => Precision::F16,
        };
        let open = |device| Segmenter::new(Compute { device, precision }, bytes, self.input_size);
        let (segmenter, reason) = match self.device {
            DeviceChoice::Cpu => (open(DeviceKind::Cpu).await?, "as asked"),
            DeviceChoice::Gpu => (open(DeviceKind::Gpu).await?, "as asked"),
            DeviceChoice::Auto => match open(DeviceKind::Gpu).await {
                Ok(segmenter) if !segmenter.adapter().software => (segmenter, "a GPU is there"),
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

/// Where the default model may be, the first choice first.
fn default_models() -> Vec<PathBuf> {
    let program = std::env::current_exe().ok();
    let beside = program.as_deref().and_then(Path::parent);
    let folders = beside.into_iter().chain([Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))]);
    folders.map(|folder| folder.join("models").join(DEFAULT_MODEL)).collect()
}

/// The first of these files that is there.
fn first_of(places: Vec<PathBuf>) -> Result<PathBuf, Error> {
    if let Some(found) = places.iter().find(|place| place.is_file()) {
        return Ok(found.clone());
    }
    let places: Vec<_> = places.iter().map(|place| place.display().to_string()).collect();
    Err(Error::ModelMissing(format!(
        "it is not in any of {}. Copy {DEFAULT_MODEL} from the project's folder `models` to the first of these places, or name a \
         file with --model.",
        places.join(", ")
    )))
}

/// A bar on standard error.
pub fn bar(label: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg:10} {wide_bar} {percent:>3} %  {elapsed}");
    let bar = ProgressBar::new(1000).with_message(label);
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

/// A bar over photos, with an estimate of the time left.
pub fn photo_bar(count: usize) -> ProgressBar {
    let style = ProgressStyle::with_template(
        "photo {human_pos} of {human_len} {wide_bar} {elapsed}, {eta} left",
    );
    let bar = ProgressBar::new(count as u64);
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
