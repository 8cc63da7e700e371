//! `mattes`: refined edges of many photos in all ways, for `npm run bench:edges`.

use std::path::{Path, PathBuf};
use std::time::Instant;

use aims_web::edges::{self, Alpha, RefineOptions};
use aims_web::mask::BitMask;
use aims_web::ops::{self, Device};
use aims_web::photo::{Photo, decode};
use aims_web::{Progress, Prompt, Segmenter};
use anyhow::{Context, Result, ensure};
use clap::Args;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use serde::Deserialize;
use serde_json::json;

use super::one_mask::{self, OneMask};
use super::setup::ModelArguments;

/// The arguments of `mattes`.
#[derive(Args)]
pub struct Arguments {
    /// A JSON file with a list of cases.
    ///
    /// Each is {"name", "photo", "prompt" or "mask", "radius"}: the paths of a photo and of a mask
    /// as a grey PNG file, or a prompt that gives the mask; "radius" may be null.
    cases: PathBuf,
    /// Folder to write: NAME-mask.png, and NAME-quick.png and NAME-careful.png with the subject's
    /// own colours and its alpha.
    #[arg(long)]
    out: PathBuf,
    /// Refine this many times and print the shortest time.
    #[arg(long, default_value_t = 1)]
    times: u32,
    /// Do not find small things again at full detail.
    #[arg(long)]
    no_zoom: bool,
    #[command(flatten)]
    model: ModelArguments,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    photo: PathBuf,
    prompt: Option<Prompt>,
    mask: Option<PathBuf>,
    radius: Option<f32>,
}

/// Writes the mattes, and prints one line of JSON for each: its radius, and its times in
/// milliseconds.
pub async fn run(arguments: Arguments) -> Result<()> {
    let text = std::fs::read(&arguments.cases)
        .with_context(|| format!("cannot read {}", arguments.cases.display()))?;
    let cases: Vec<Case> = serde_json::from_slice(&text).context("the cases are not valid")?;
    std::fs::create_dir_all(&arguments.out)?;
    // If all masks are given, no network is opened, and the work is done on the CPU.
    let needs_network = cases.iter().any(|case| case.mask.is_none());
    let segmenter = if needs_network { Some(arguments.model.open().await?) } else { None };
    let device = segmenter.as_ref().map_or_else(ops::cpu, Segmenter::edge_device);
    for case in &cases {
        let bytes = std::fs::read(&case.photo)
            .with_context(|| format!("cannot read {}", case.photo.display()))?;
        let photo = decode(&bytes)?;
        let whole = edges::default_radius(photo.width, photo.height);
        let OneMask { mask, radius } = match &case.mask {
            Some(path) => OneMask { mask: read_mask(path, &photo)?, radius: whole },
            None => {
                let segmenter = segmenter.as_ref().context("it was opened")?;
                let prompt = case.prompt.clone().with_context(|| {
                    format!("the case {} has neither prompt nor mask", case.name)
                })?;
                let nothing =
                    || OneMask { mask: BitMask::new(photo.width, photo.height), radius: whole };
                one_mask::find(segmenter, &photo, prompt, !arguments.no_zoom)
                    .await?
                    .unwrap_or_else(nothing)
            }
        };
        let radius = case.radius.unwrap_or(radius);
        let subject = Subject { name: &case.name, photo: &photo, mask: &mask, radius };
        write_mattes(&arguments, subject, &device).await?;
    }
    Ok(())
}

fn read_mask(path: &Path, photo: &Photo) -> Result<BitMask> {
    let picture =
        image::open(path).with_context(|| format!("cannot read {}", path.display()))?.to_luma8();
    let size = (photo.width, photo.height);
    ensure!(picture.dimensions() == size, "{} is not of the photo's size", path.display());
    Ok(BitMask::from_fn(size.0, size.1, |x, y| picture.get_pixel(x, y)[0] > 127))
}

/// A subject to cut out of its photo.
struct Subject<'a> {
    name: &'a str,
    photo: &'a Photo,
    mask: &'a BitMask,
    radius: f32,
}

async fn write_mattes(arguments: &Arguments, subject: Subject<'_>, device: &Device) -> Result<()> {
    let Subject { name, photo, mask, radius } = subject;
    let file = |what: &str| arguments.out.join(format!("{name}-{what}.png"));
    let size = (photo.width, photo.height);
    let at = |i: u32| if mask.get(i % size.0, i / size.0) { 255 } else { 0 };
    let grey: Vec<u8> = (0..size.0 * size.1).map(at).collect();
    write(&file("mask"), &grey, size, ExtendedColorType::L8)?;
    let none = Progress::none();
    for (way, hair) in [("quick", false), ("careful", true)] {
        let options = RefineOptions { radius: Some(radius), hair };
        let (alpha, refine) =
            fastest(arguments.times, || edges::refine(photo, mask, &options, device, &none))
                .await?;
        let (own, colours) =
            fastest(arguments.times, || edges::subject_colours(photo, &alpha, &none)).await?;
        let mut painted = photo.clone();
        if let Some(own) = own {
            own.paint(&mut painted);
        }
        write(&file(way), &with_alpha(&painted, &alpha), size, ExtendedColorType::Rgba8)?;
        println!(
            "{}",
            json!({"name": name, "way": way, "radius": radius, "refine": refine, "colours": colours})
        );
    }
    Ok(())
}

/// The result of some work, and the shortest of the times that it took, in milliseconds.
async fn fastest<T, F: Future<Output = aims_web::Result<T>>>(
    times: u32,
    work: impl Fn() -> F,
) -> Result<(T, f64)> {
    let mut best = None;
    for _ in 0..times {
        let start = Instant::now();
        let result = work().await?;
        let time = start.elapsed().as_secs_f64() * 1000.0;
        best = match best {
            Some((first, shortest)) => Some((first, time.min(shortest))),
            None => Some((result, time)),
        };
    }
    best.context("--times must be at least 1")
}

fn with_alpha(photo: &Photo, alpha: &Alpha) -> Vec<u8> {
    let pixels = photo.rgb.chunks_exact(3).zip(&alpha.values);
    pixels.flat_map(|(rgb, &alpha)| [rgb[0], rgb[1], rgb[2], alpha]).collect()
}

/// Writes a PNG file in a hurry.
fn write(path: &Path, bytes: &[u8], size: (u32, u32), colour: ExtendedColorType) -> Result<()> {
    let file =
        std::fs::File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    let file = std::io::BufWriter::new(file);
    PngEncoder::new_with_quality(file, CompressionType::Fast, FilterType::Sub)
        .write_image(bytes, size.0, size.1, colour)
        .with_context(|| format!("cannot write {}", path.display()))
}
