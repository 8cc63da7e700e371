//! `eval`: how many of the masks that people drew are found.

mod data;
mod links;
mod matching;
mod measure;
mod plot;
mod predict;
mod predictions;
mod score;
mod table;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use aims_web::GridOptions;
use aims_web::segmenter::Mode;
use anyhow::{Context, Result, ensure};
use clap::Args;

use super::setup::ModelArguments;
use data::Set;
use predict::{Predictor, Times};
use predictions::Writer;
use score::Scores;
use table::Row;

#[derive(Args)]
pub struct Arguments {
    /// Folder with `SET.jsonl` and `SET.tar` of each set.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data"))]
    data: PathBuf,
    #[arg(long, value_delimiter = ',', default_value = "coco,ccp,carparts,faces,balloon,bsds500")]
    sets: Vec<String>,
    #[arg(long, default_value = "val")]
    split: String,
    /// Only images of which people have labelled nearly every pixel.
    #[arg(long)]
    complete: bool,
    /// At most this many images of each set, evenly spread over it.
    #[arg(long)]
    limit: Option<usize>,
    #[command(flatten)]
    model: ModelArguments,
    /// SAM at every point of a grid, sorted by rules, instead of the levels that the model has learned; at its best with
    /// --input-size 1024.
    #[arg(long)]
    thorough: bool,
    /// Points along each side of the grid.
    #[arg(long, default_value_t = GridOptions::default().points_per_side)]
    points_per_side: u32,
    /// Further layers of crops.
    #[arg(long, default_value_t = GridOptions::default().crop_n_layers)]
    crop_layers: u32,
    /// The thresholds that the paper's supplement used for SAM, instead of SAM's own.
    #[arg(long)]
    supplement: bool,
    /// Learned masks with a lower score are left out. Low: recall counts the best 100 of an image anyway.
    #[arg(long, default_value_t = 0.05)]
    min_score: f32,
    /// Judge as entities all masks that were found, which overlap: before rules sort them into levels, and before better
    /// ones paint over others. Of the figures, those of entities then count.
    #[arg(long, conflicts_with = "prompted")]
    proposals: bool,
    /// Also look for parts inside each human entity mask, given as prompt. About doubles the time.
    #[arg(long)]
    prompted: bool,
    /// Folder for `predictions.jsonl` and, with --prompted, `prompted.jsonl`.
    #[arg(long, default_value = "out/eval")]
    out: PathBuf,
    /// Draw recall at each IoU threshold, of all sets together, to this SVG file.
    #[arg(long)]
    plot: Option<PathBuf>,
    /// Score the predictions in these files instead of running the model.
    #[arg(long, num_args = 1..)]
    predictions: Vec<PathBuf>,
}

pub async fn run(arguments: Arguments) -> Result<()> {
    let open = |name: &String| {
        Set::open(&arguments.data, name, &arguments.split, arguments.complete, arguments.limit)
    };
    let sets: Vec<Set> = arguments.sets.iter().map(open).collect::<Result<_>>()?;
    let mut rows = match arguments.predictions.as_slice() {
        [] => run_model(&arguments, &sets).await?,
        paths => score_files(paths, &sets)?,
    };
    rows.push(total(&rows));
    print!("{}", table::report(&rows));
    match (&arguments.plot, rows.last()) {
        (Some(path), Some(total)) => plot::draw(path, &total.scores),
        _ => Ok(()),
    }
}

async fn run_model(arguments: &Arguments, sets: &[Set]) -> Result<Vec<Row>> {
    let thresholds = match arguments.supplement {
        true => GridOptions {
            pred_iou_thresh: 0.86,
            stability_score_thresh: 0.92,
            crop_n_points_downscale_factor: 2,
            min_mask_region_area: 100,
            ..GridOptions::default()
        },
        false => GridOptions::default(),
    };
    let grid = GridOptions {
        points_per_side: arguments.points_per_side,
        crop_n_layers: arguments.crop_layers,
        ..thresholds
    };
    let segmenter = arguments.model.open().await?;
    let predictor = Predictor {
        segmenter,
        mode: arguments.thorough.then_some(Mode::Thorough),
        grid,
        min_score: arguments.min_score,
        proposals: arguments.proposals,
        prompted: arguments.prompted,
    };
    let mut full_file = Writer::create(&arguments.out, "predictions.jsonl")?;
    let mut prompted_file =
        arguments.prompted.then(|| Writer::create(&arguments.out, "prompted.jsonl")).transpose()?;
    let mut rows = Vec::new();
    for set in sets {
        let (mut scores, mut times) = (Scores::default(), Times::default());
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
            scores.add(image, &predictions).with_context(|| image.name.clone())?;
            times.add(spent);
        }
        rows.push(Row { name: set.name.clone(), scores, times: Some(times) });
    }
    Ok(rows)
}

fn score_files(paths: &[PathBuf], sets: &[Set]) -> Result<Vec<Row>> {
    let predictions = predictions::read(paths)?;
    let mut rows = Vec::new();
    for set in sets {
        let mut scores = Scores::default();
        for image in &set.images {
            if let Some(predictions) = predictions.get(&image.name) {
                scores.add(image, predictions).with_context(|| image.name.clone())?;
            }
        }
        let missing = set.images.len() - scores.images;
        if missing > 0 {
            eprintln!("{}: {missing} images have no predictions and are left out", set.name);
        }
        rows.push(Row { name: set.name.clone(), scores, times: None });
    }
    ensure!(rows.iter().any(|row| row.scores.images > 0), "no image of these sets has predictions");
    Ok(rows)
}

/// All human masks of all sets together.
fn total(rows: &[Row]) -> Row {
    let (mut scores, mut times) = (Scores::default(), None);
    for row in rows {
        scores.merge(&row.scores);
        if let Some(spent) = row.times {
            times.get_or_insert_with(Times::default).add(spent);
        }
    }
    Row { name: "all".to_string(), scores, times }
}
