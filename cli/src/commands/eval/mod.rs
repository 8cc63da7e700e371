//! `eval`: measures how many of the masks that people drew are found.

pub(super) mod bootstrap;
pub(super) mod data;
mod links;
pub(super) mod markdown;
pub(super) mod matching;
pub(super) mod mean;
mod measure;
mod overrides;
mod plot;
mod predict;
mod predictions;
mod score;
pub(super) mod sets;
pub(super) mod size;
mod table;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use aims_web::GridOptions;
use anyhow::{Context, Result, ensure};
use clap::Args;

use super::setup::{ModelArguments, SearchArguments};
use data::Set;
use overrides::Override;
use predict::{Predictor, Times};
use predictions::Writer;
use score::PhotoScores;
use sets::SetArguments;
use table::Row;

/// The arguments of `eval`.
#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    sets: SetArguments,
    #[command(flatten)]
    model: ModelArguments,
    #[command(flatten)]
    search: SearchArguments,
    /// Change a threshold for this run. Can be given several times.
    ///
    /// For example, scene.entities.visible=0.6 or levels.thresholds.minObjectness=-3 changes the
    /// manifest of the model file, grid.predIouThresh=0.8 changes an option of the grid, and
    /// rules.partMaxArea=0.7 changes the rules of the mode grid.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = Override::parse)]
    overrides: Vec<Override>,
    /// Use the thresholds that the paper's supplement used for SAM, instead of SAM's own.
    #[arg(long)]
    supplement: bool,
    /// Leave out learned masks with a lower score.
    ///
    /// Recall counts only the best 100 masks of a photo in any case.
    #[arg(long, default_value_t = 0.0)]
    min_score: f32,
    /// Judge all masks that were found as entities, although they overlap.
    ///
    /// These are the masks before rules sort them into levels, and before better ones are painted
    /// over others. Only the figures of entities then count.
    #[arg(long, conflicts_with = "prompted")]
    proposals: bool,
    /// Also look for parts inside each human entity mask, given as a prompt.
    ///
    /// This about doubles the time.
    #[arg(long)]
    prompted: bool,
    /// Folder for `predictions.jsonl` and, with --prompted, `prompted.jsonl`.
    #[arg(long, default_value = "out/eval")]
    out: PathBuf,
    /// Draw the recall of all sets together at each IoU threshold to this SVG file.
    #[arg(long)]
    plot: Option<PathBuf>,
    /// Score the predictions in these files instead of running the model.
    #[arg(long, num_args = 1..)]
    predictions: Vec<PathBuf>,
}

/// Measures the sets, and prints the tables.
pub async fn run(arguments: Arguments) -> Result<()> {
    let sets = arguments.sets.open()?;
    let mut rows = match arguments.predictions.as_slice() {
        [] => run_model(&arguments, &sets).await?,
        paths => score_files(paths, &sets)?,
    };
    let all = total(&rows);
    if let Some(path) = &arguments.plot {
        plot::draw(path, &all.photos)?;
    }
    if rows.len() > 1 {
        rows.push(all);
    }
    print!("{}", table::report(&rows));
    Ok(())
}

async fn run_model(arguments: &Arguments, sets: &[Set]) -> Result<Vec<Row>> {
    let mut request = arguments.search.request();
    request.min_score = Some(arguments.min_score);
    if arguments.supplement {
        request.grid = GridOptions {
            pred_iou_thresh: 0.86,
            stability_score_thresh: 0.92,
            crop_n_points_downscale_factor: 2,
            min_mask_region_area: 100,
            ..request.grid
        };
    }
    request.grid = overrides::grid(&request.grid, &arguments.overrides)?;
    let file = overrides::model(arguments.model.read_model()?, &arguments.overrides)?;
    let mut segmenter = arguments.model.open_bytes(&file).await?;
    overrides::set_rules(&mut segmenter, &arguments.overrides)?;
    let predictor = Predictor {
        segmenter,
        request,
        proposals: arguments.proposals,
        prompted: arguments.prompted,
    };
    let mut full_file = Writer::create(&arguments.out, "predictions.jsonl")?;
    let mut prompted_file =
        arguments.prompted.then(|| Writer::create(&arguments.out, "prompted.jsonl")).transpose()?;
    let mut rows = Vec::new();
    for set in sets {
        let (mut photos, mut times) = (Vec::new(), Times::default());
        for (image, number) in set.images.iter().zip(1..) {
            let (predictions, spent) = predictor.predict(image, &set.read(&image.name)?).await?;
            eprintln!(
                "{number}/{} {}: encoder {:.1} s, levels {:.1} s",
                set.images.len(),
                image.name,
                spent.encoder.as_secs_f64(),
                spent.levels.as_secs_f64()
            );
            if let Some(prediction) = &predictions.full {
                full_file.add(prediction)?;
            }
            if let Some(file) = &mut prompted_file {
                for prediction in &predictions.prompted {
                    file.add(prediction)?;
                }
            }
            photos.push(PhotoScores::new(image, &predictions).with_context(|| image.name.clone())?);
            times.add(spent);
        }
        rows.push(Row { name: set.name.clone(), photos, times: Some(times) });
    }
    Ok(rows)
}

fn score_files(paths: &[PathBuf], sets: &[Set]) -> Result<Vec<Row>> {
    let predictions = predictions::read(paths)?;
    let mut rows = Vec::new();
    for set in sets {
        let mut photos = Vec::new();
        for image in &set.images {
            if let Some(predictions) = predictions.get(&image.name) {
                photos.push(
                    PhotoScores::new(image, predictions).with_context(|| image.name.clone())?,
                );
            }
        }
        let missing = set.images.len() - photos.len();
        if missing > 0 {
            eprintln!("{}: {missing} photos have no predictions and are left out", set.name);
        }
        rows.push(Row { name: set.name.clone(), photos, times: None });
    }
    ensure!(
        rows.iter().any(|row| !row.photos.is_empty()),
        "no photo of these sets has predictions"
    );
    Ok(rows)
}

/// The photos and times of all sets together.
fn total(rows: &[Row]) -> Row {
    let photos = rows.iter().flat_map(|row| &row.photos).cloned().collect();
    let mut times = None;
    for spent in rows.iter().filter_map(|row| row.times) {
        times.get_or_insert_with(Times::default).add(spent);
    }
    Row { name: "all".to_string(), photos, times }
}
