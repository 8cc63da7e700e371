//! `gallery`: draws what is found in a folder of photos, and writes a page that shows the pictures.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use aims_web::levels::{Level, Mask, Scene};
use aims_web::mask::BBox;
use aims_web::photo::{Photo, decode};
use aims_web::{EncodedPhoto, Progress, Prompt, Request, Segmenter};
use anyhow::{Context, Result, ensure};
use clap::Args;
use clap::builder::ArgPredicate;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, FilterType};
use image::{Rgb, RgbImage};

use super::overlay;
use super::setup::ModelArguments;

/// The arguments of `gallery`.
#[derive(Args)]
pub struct Arguments {
    /// Folder of JPEG photos.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/gallery/photos"))]
    photos: PathBuf,
    /// Folder for the pictures and the page.
    ///
    /// With `--before` it is `docs/before-after` of the checkout by default.
    #[arg(
        long,
        default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/gallery"),
        default_value_if(
            "before",
            ArgPredicate::IsPresent,
            concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/before-after")
        )
    )]
    out: PathBuf,
    #[command(flatten)]
    model: ModelArguments,
    /// Model file to compare with `--model`.
    ///
    /// The pictures then show what this file finds on the left, and what `--model` finds on the
    /// right.
    #[arg(long)]
    before: Option<PathBuf>,
}

/// The height of a panel in pixels.
const HEIGHT: u32 = 300;
/// The distance between panels in pixels.
const GAP: u32 = 6;
const JPEG_QUALITY: u8 = 82;
/// The number of entities whose parts are shown.
const OPENED: usize = 2;
/// The number of entities, largest first, whose parts are looked for.
const TRIED: usize = 5;

/// Draws the pictures, and writes the page.
pub async fn run(arguments: Arguments) -> Result<()> {
    let mut photos: Vec<PathBuf> = std::fs::read_dir(&arguments.photos)
        .with_context(|| format!("cannot read {}", arguments.photos.display()))?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    photos.retain(|path| path.extension().is_some_and(|extension| extension == "jpg"));
    photos.sort();
    ensure!(!photos.is_empty(), "{} has no .jpg files", arguments.photos.display());

    let segmenter = arguments.model.open().await?;
    let before = match &arguments.before {
        Some(model) => Some(
            ModelArguments { model: Some(model.clone()), ..arguments.model.clone() }.open().await?,
        ),
        None => None,
    };
    let name_of = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let model = name_of(&arguments.model.model_file()?);
    let size = segmenter.input_size();
    let mut page = match (&arguments.before, &before) {
        (Some(path), Some(before)) => format!(
            "# Before and after\n\nMade by `cargo run --release -- gallery --before {}`. On the \
             left what this file finds at an input of {} pixels, on the right what `{model}` finds \
             at {size}: parts, entities and relations. Photos: \
             [LICENSES.md](../gallery/photos/LICENSES.md).\n",
            path.display(),
            before.input_size()
        ),
        _ => format!(
            "# Gallery\n\nMade by `npm run gallery` with `{model}` at an input of {size} pixels. \
             Above: the photo, its parts, entities and relations. Below: the parts of the largest \
             entities that have any, each prompted with its mask, and the entities of the best \
             relation. Photos: [photos/LICENSES.md](photos/LICENSES.md).\n"
        ),
    };
    for path in photos {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let shown = match &before {
            Some(before) => compare(before, &segmenter, &path).await,
            None => show(&segmenter, &path).await,
        };
        let shown = shown.with_context(|| path.display().to_string())?;
        let file = format!("{name}.jpg");
        save(&shown.picture, &arguments.out.join(&file))?;
        eprintln!("{file}: {}", shown.caption);
        write!(page, "\n## {name}\n\n![{name}]({file})\n\n{}\n", shown.caption)?;
    }
    std::fs::write(arguments.out.join("README.md"), page)?;
    Ok(())
}

struct Shown {
    picture: RgbImage,
    caption: String,
}

async fn show(segmenter: &Segmenter, path: &Path) -> Result<Shown> {
    let photo = decode(&std::fs::read(path)?)?;
    let encoded = segmenter.encode(photo.clone(), &Progress::none()).await?;
    let scene = ask(segmenter, &encoded, Prompt::Full).await?;
    let mut above = vec![overlay::draw(
        &photo,
        &Scene { width: scene.width, height: scene.height, masks: Vec::new() },
        Level::Entity,
    )?];
    for level in [Level::Part, Level::Entity, Level::Relation] {
        above.push(overlay::draw(&photo, &scene, level)?);
    }

    let mut below = Vec::new();
    let mut entities: Vec<&Mask> = scene.level(Level::Entity).collect();
    entities.sort_by_key(|mask| std::cmp::Reverse(mask.area));
    for entity in entities.into_iter().take(TRIED) {
        if below.len() == OPENED {
            break;
        }
        let parts = ask(segmenter, &encoded, Prompt::Entity { mask: entity.rle.clone() }).await?;
        if parts.level(Level::Part).count() >= 2 {
            below.push(detail(&photo, &parts, Level::Part, entity.bbox)?);
        }
    }
    if let Some(relation) = scene.level(Level::Relation).next() {
        let members =
            ask(segmenter, &encoded, Prompt::Relation { mask: relation.rle.clone() }).await?;
        below.push(detail(&photo, &members, Level::Entity, relation.bbox)?);
    }

    let picture = stacked([above, below].into_iter().filter(|row| !row.is_empty()).map(row));
    Ok(Shown { picture, caption: format!("{}.", counts(&scene)) })
}

fn counts(scene: &Scene) -> String {
    let [parts, entities, relations] =
        [Level::Part, Level::Entity, Level::Relation].map(|level| scene.level(level).count());
    format!("{parts} parts, {entities} entities, {relations} relations")
}

/// Shows what two segmenters find side by side, level by level.
async fn compare(before: &Segmenter, after: &Segmenter, path: &Path) -> Result<Shown> {
    let photo = decode(&std::fs::read(path)?)?;
    let mut scenes = Vec::new();
    for segmenter in [before, after] {
        let encoded = segmenter.encode(photo.clone(), &Progress::none()).await?;
        scenes.push(ask(segmenter, &encoded, Prompt::Full).await?);
    }
    let levels = [Level::Part, Level::Entity, Level::Relation];
    let panels = |level| {
        scenes.iter().map(|scene| overlay::draw(&photo, scene, level)).collect::<Result<Vec<_>>>()
    };
    let rows = levels.map(panels).into_iter().collect::<Result<Vec<_>>>()?;
    let caption = format!("Before: {}. After: {}.", counts(&scenes[0]), counts(&scenes[1]));
    Ok(Shown { picture: stacked(rows.into_iter().map(row)), caption })
}

async fn ask(segmenter: &Segmenter, photo: &EncodedPhoto, prompt: Prompt) -> Result<Scene> {
    let request = Request { prompt, ..Request::default() };
    Ok(segmenter.segment(photo, &request, &Progress::none()).await?)
}

/// The masks of a level, drawn on the part of the photo around a box.
fn detail(photo: &Photo, scene: &Scene, level: Level, bbox: BBox) -> Result<RgbImage> {
    let image = overlay::draw(photo, scene, level)?;
    let (dx, dy) = (bbox.width / 10 + 1, bbox.height / 10 + 1);
    let (x, y) = (bbox.x.saturating_sub(dx), bbox.y.saturating_sub(dy));
    let (right, bottom) =
        ((bbox.right() + dx).min(photo.width), (bbox.bottom() + dy).min(photo.height));
    Ok(imageops::crop_imm(&image, x, y, right - x, bottom - y).to_image())
}

/// Puts panels side by side, scaled to the same height.
fn row(panels: Vec<RgbImage>) -> RgbImage {
    let panels: Vec<RgbImage> = panels
        .into_iter()
        .map(|panel| {
            let width = (u64::from(panel.width()) * u64::from(HEIGHT) / u64::from(panel.height()))
                .max(1) as u32;
            imageops::resize(&panel, width, HEIGHT, FilterType::Triangle)
        })
        .collect();
    let width = panels.iter().map(|panel| panel.width() + GAP).sum::<u32>() - GAP;
    let mut row = blank(width, HEIGHT);
    let mut x = 0;
    for panel in panels {
        imageops::replace(&mut row, &panel, x, 0);
        x += i64::from(panel.width() + GAP);
    }
    row
}

fn stacked(rows: impl Iterator<Item = RgbImage>) -> RgbImage {
    let rows: Vec<RgbImage> = rows.collect();
    let width = rows.iter().map(image::ImageBuffer::width).max().unwrap_or(1);
    let mut picture = blank(width, rows.len() as u32 * (HEIGHT + GAP) - GAP);
    for (row, y) in rows.iter().zip((0..).step_by((HEIGHT + GAP) as usize)) {
        imageops::replace(&mut picture, row, 0, y);
    }
    picture
}

fn blank(width: u32, height: u32) -> RgbImage {
    RgbImage::from_pixel(width, height, Rgb([255; 3]))
}

fn save(image: &RgbImage, path: &Path) -> Result<()> {
    let mut bytes = Vec::new();
    image.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY))?;
    std::fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}
