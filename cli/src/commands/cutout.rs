//! `cutout`: one thing of a photo on a transparent ground, with edges that follow the photo.

use std::path::{Path, PathBuf};

use aims_web::edges::{self, Alpha, RefineOptions};
use aims_web::photo::{Photo, decode};
use aims_web::{Point, PointPrompt, Progress, Prompt};
use anyhow::{Context, Result, bail};
use clap::Args;
use image::{ImageFormat, Rgba, RgbaImage};

use super::one_mask::{self, OneMask};
use super::setup::ModelArguments;

/// The arguments of `cutout`.
#[derive(Args)]
pub struct Arguments {
    /// A JPEG, PNG or WebP file.
    photo: PathBuf,
    /// The PNG file to write; it is cropped to the thing.
    #[arg(long, default_value = "cutout.png")]
    out: PathBuf,
    /// Prompt as JSON, as the JavaScript API takes it, that gives one mask; by default a point in
    /// the middle of the photo.
    #[arg(long)]
    prompt: Option<String>,
    /// Look for hair and fur, which takes longer.
    #[arg(long)]
    hair: bool,
    /// How far the true edge may be from the mask's, in pixels of the photo.
    #[arg(long)]
    radius: Option<f32>,
    /// Take the mask as it was found in the whole photo, and do not look for a small thing again at
    /// full detail.
    #[arg(long)]
    no_zoom: bool,
    /// Keep the photo's colours in soft pixels, with what they have of the background.
    #[arg(long)]
    photo_colours: bool,
    #[command(flatten)]
    model: ModelArguments,
}

/// Writes the cut-out.
pub async fn run(arguments: Arguments) -> Result<()> {
    let path = &arguments.photo;
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let photo = decode(&bytes)?;
    let prompt = match &arguments.prompt {
        Some(prompt) => serde_json::from_str(prompt).context("the prompt is not valid")?,
        None => middle(&photo),
    };
    let none = Progress::none();
    let segmenter = arguments.model.open().await?;
    let Some(OneMask { mask, radius }) =
        one_mask::find(&segmenter, &photo, prompt, !arguments.no_zoom).await?
    else {
        bail!("nothing was found there. Try another prompt");
    };
    let radius = Some(arguments.radius.unwrap_or(radius));
    let options = RefineOptions { radius, hair: arguments.hair };
    let alpha = edges::refine(&photo, &mask, &options, &segmenter.edge_device(), &none).await?;
    let mut photo = photo;
    if !arguments.photo_colours
        && let Some(colours) = edges::subject_colours(&photo, &alpha, &none).await?
    {
        colours.paint(&mut photo);
    }
    write(&arguments.out, &photo, &alpha)
}

fn middle(photo: &Photo) -> Prompt {
    let (x, y) = (f64::from(photo.width) / 2.0, f64::from(photo.height) / 2.0);
    Prompt::Points(PointPrompt::at(vec![Point { x, y, label: 1 }]))
}

/// Writes the smallest rectangle that holds all pixels that are not fully transparent. Pixels that
/// are have no colour, so that the file shows no more than the thing.
fn write(path: &Path, photo: &Photo, alpha: &Alpha) -> Result<()> {
    let width = photo.width as usize;
    let visible = || alpha.values.iter().enumerate().filter(|(_, alpha)| **alpha > 0);
    let columns = || visible().map(|(i, _)| (i % width) as u32);
    let rows = || visible().map(|(i, _)| (i / width) as u32);
    let bounds = (columns().min(), columns().max(), rows().min(), rows().max());
    let (Some(left), Some(right), Some(top), Some(bottom)) = bounds else {
        bail!("nothing is left of the mask at this radius");
    };
    let picture = RgbaImage::from_fn(right - left + 1, bottom - top + 1, |x, y| {
        let i = (top + y) as usize * width + (left + x) as usize;
        if alpha.values[i] == 0 {
            return Rgba([0; 4]);
        }
        let [r, g, b] = [0, 1, 2].map(|channel| photo.rgb[3 * i + channel]);
        Rgba([r, g, b, alpha.values[i]])
    });
    picture
        .save_with_format(path, ImageFormat::Png)
        .with_context(|| format!("cannot write {}", path.display()))
}
