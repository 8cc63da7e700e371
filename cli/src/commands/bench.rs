//! `bench`: measures how long the steps of one photo take. `scripts/bench.mjs` compares the times
//! with a browser's.

use std::path::PathBuf;
use std::time::Instant;

use aims_web::photo::decode;
use aims_web::segmenter::Mode;
use aims_web::{GridOptions, Point, PointPrompt, Progress, Prompt, Request};
use anyhow::{Context, Result};
use clap::Args;
use serde::Serialize;

use super::setup::ModelArguments;

/// The arguments of `bench`.
#[derive(Args)]
pub struct Arguments {
    /// Photo to measure: a JPEG, PNG or WebP file.
    photo: PathBuf,
    #[command(flatten)]
    model: ModelArguments,
    /// Number of points along each side of the grid.
    #[arg(long, default_value_t = GridOptions::default().points_per_side)]
    points_per_side: u32,
    /// Number of runs of each step, of which the median counts.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    repeats: u32,
}

/// The times in milliseconds. Their names are those of the page `www/bench.html`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    adapter: String,
    /// The time to read the model file, open the device and load the weights.
    load: f64,
    /// The time to decode and encode the photo for the first time.
    first_image: f64,
    /// The median time to decode and encode it again.
    image: f64,
    /// The median time of a prompt with one point.
    prompt: f64,
    /// The median time to find the three levels of the whole photo in the mode `learned`.
    learned: f64,
    /// The same in the mode `grid`.
    grid: f64,
    /// The peak memory of the process in bytes, if the system reports it.
    peak_memory: Option<u64>,
}

/// Measures the steps, and prints the report as one line of JSON.
pub async fn run(arguments: Arguments) -> Result<()> {
    let path = &arguments.photo;
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let none = Progress::none();

    let start = Instant::now();
    let segmenter = arguments.model.open().await?;
    let load = milliseconds(start);

    let encode = async || anyhow::Ok(segmenter.encode(decode(&bytes)?, &none).await?);
    let start = Instant::now();
    let photo = encode().await?;
    let first_image = milliseconds(start);
    let image = median(arguments.repeats, async || encode().await.map(drop)).await?;

    let middle =
        Point { x: f64::from(photo.width) / 2.0, y: f64::from(photo.height) / 2.0, label: 1 };
    let point =
        Request { prompt: Prompt::Points(PointPrompt::at(vec![middle])), ..Request::default() };
    let options =
        GridOptions { points_per_side: arguments.points_per_side, ..GridOptions::default() };
    let learned = Request { mode: Some(Mode::Learned), ..Request::default() };
    let grid = Request { grid: options, mode: Some(Mode::Grid), ..Request::default() };
    let segment = async |request| {
        segmenter.segment(&photo, request, &none).await?;
        anyhow::Ok(())
    };
    segment(&point).await?;
    let report = Report {
        adapter: segmenter.adapter().name.clone(),
        load,
        first_image,
        image,
        prompt: median(arguments.repeats, async || segment(&point).await).await?,
        learned: median(arguments.repeats, async || segment(&learned).await).await?,
        grid: median(arguments.repeats, async || segment(&grid).await).await?,
        peak_memory: peak_memory(),
    };
    println!("{}", serde_json::to_string(&report)?);
    Ok(())
}

fn milliseconds(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e3
}

async fn median(repeats: u32, work: impl AsyncFn() -> Result<()>) -> Result<f64> {
    let mut times = Vec::new();
    for _ in 0..repeats {
        let start = Instant::now();
        work().await?;
        times.push(milliseconds(start));
    }
    times.sort_by(f64::total_cmp);
    let (low, high) = (times[(times.len() - 1) / 2], times[times.len() / 2]);
    Ok((low + high) / 2.0)
}

/// The high-water mark of the process's resident memory in bytes, which only Linux reports.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}
