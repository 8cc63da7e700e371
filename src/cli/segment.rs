use std::path::PathBuf;

use aims_web::levels::Level;
use aims_web::photo::{Photo, decode};
use aims_web::segmenter::Mode;
use aims_web::{GridOptions, Request};
use anyhow::{Context, Result};
use clap::Args;

use super::overlay;
use super::setup::{ModelArguments, bar, progress};

#[derive(Args)]
pub struct Arguments {
    /// JPEG, PNG or WebP.
    photo: PathBuf,
    /// Folder for `part.png`, `entity.png`, `relation.png` and `scene.json`.
    #[arg(long, default_value = "out")]
    out: PathBuf,
    #[command(flatten)]
    model: ModelArguments,
    /// A prompt as JSON, as the JavaScript API takes it; the whole photo if there is none.
    #[arg(long)]
    prompt: Option<String>,
    /// SAM at every point of a grid, sorted by rules, instead of the levels that the model has learned; at its best with
    /// --input-size 1024.
    #[arg(long)]
    thorough: bool,
    /// Points along each side of that grid.
    #[arg(long, default_value_t = GridOptions::default().points_per_side)]
    points_per_side: u32,
    /// Further layers of crops: finds smaller things, takes longer.
    #[arg(long, default_value_t = GridOptions::default().crop_n_layers)]
    crop_layers: u32,
}

pub async fn run(arguments: Arguments) -> Result<()> {
    let path = &arguments.photo;
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let photo = decode(&bytes).with_context(|| path.display().to_string())?;
    let mut request = Request {
        mode: arguments.thorough.then_some(Mode::Thorough),
        grid: GridOptions {
            points_per_side: arguments.points_per_side,
            crop_n_layers: arguments.crop_layers,
            ..GridOptions::default()
        },
        ..Request::default()
    };
    if let Some(prompt) = &arguments.prompt {
        request.prompt = serde_json::from_str(prompt).context("the prompt is not valid")?;
    }

    let segmenter = arguments.model.open().await?;
    let encoding = bar("encoding");
    let encoded = segmenter.encode(photo.clone(), &progress(&encoding)).await?;
    encoding.finish();
    let segmenting = bar("segmenting");
    let scene = segmenter.segment(&encoded, &request, &progress(&segmenting)).await?;
    segmenting.finish();

    std::fs::create_dir_all(&arguments.out)?;
    let json = arguments.out.join("scene.json");
    std::fs::write(&json, serde_json::to_string(&scene)?)?;
    for (level, name) in [(Level::Part, "part"), (Level::Entity, "entity"), (Level::Relation, "relation")] {
        let count = scene.level(level).count();
        let file = arguments.out.join(format!("{name}.png"));
        overlay(&photo, &scene, level, &file)?;
        eprintln!("{count:4} {name} masks: {}", file.display());
    }
    eprintln!("everything: {}", json.display());
    Ok(())
}

fn overlay(photo: &Photo, scene: &aims_web::Scene, level: Level, file: &std::path::Path) -> Result<()> {
    overlay::draw(photo, scene, level)?.save(file).with_context(|| format!("cannot write {}", file.display()))
}
