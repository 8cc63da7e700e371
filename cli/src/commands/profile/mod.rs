//! `profile`: shows where the time of one photo goes, by layer and kernel, as tables and as a flame
//! graph.

mod flame;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use aims_web::ops::profile::{self, Cost, Record};
use aims_web::ops::{Counters, Memory};
use aims_web::photo::decode;
use aims_web::{Plan, Point, PointPrompt, Progress, Prompt, Request};
use anyhow::{Context, Result};
use clap::{Args, ValueEnum};

use super::setup::ModelArguments;

/// The arguments of `profile`.
#[derive(Args)]
pub struct Arguments {
    /// Photo to measure: a JPEG, PNG or WebP file.
    photo: PathBuf,
    #[command(flatten)]
    model: ModelArguments,
    /// Calls to measure, separated by commas.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Which::Image, Which::Levels, Which::Point])]
    calls: Vec<Which>,
    /// Only show what a GPU would be asked to do, and with how much memory.
    ///
    /// Nothing is computed, so this is quick for any input size.
    #[arg(long, conflicts_with = "svg")]
    plan: bool,
    /// Also draw a flame graph to this SVG file.
    #[arg(long)]
    svg: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Which {
    /// `setImage`: decoding and the image encoder.
    Image,
    /// All levels of the whole photo.
    Levels,
    /// A prompt with one point.
    Point,
}

/// One call of the API, and what it took.
struct Call {
    name: &'static str,
    wall: Duration,
    records: Vec<Record>,
    /// The number of command buffers that are sent in a run that is not measured.
    submissions: usize,
    /// The number of read-backs that such a run waits for.
    reads: usize,
}

/// Prints a Markdown table for each call, whose kernels are waited for one by one, and then a table
/// of how the calls use a GPU. For a plan, it prints only the last table.
pub async fn run(arguments: Arguments) -> Result<()> {
    let path = &arguments.photo;
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let photo = decode(&bytes)?;
    let size = (photo.width, photo.height);
    let which = &arguments.calls;
    let (calls, weights) = if arguments.plan {
        let plan = Plan::new(&arguments.model.read_model()?, arguments.model.input_size).await?;
        println!("A plan, input {}\n", plan.input_size());
        let weights = plan.memory();
        let photo = plan.encode(photo).await?;
        let encode = async || anyhow::Ok(plan.encode(decode(&bytes)?).await.map(drop)?);
        let segment = async |request: &Request| anyhow::Ok(plan.segment(&photo, request).await?);
        (measured(which, size, &|| plan.counters(), encode, segment).await?, weights)
    } else {
        let segmenter = arguments.model.open().await?;
        println!("{}, input {}\n", segmenter.adapter().name, segmenter.input_size());
        let none = Progress::none();
        let weights = segmenter.memory();
        let photo = segmenter.encode(photo, &none).await?;
        let encode = async || anyhow::Ok(segmenter.encode(decode(&bytes)?, &none).await.map(drop)?);
        let segment = async |request: &Request| {
            anyhow::Ok(segmenter.segment(&photo, request, &none).await.map(drop)?)
        };
        let calls = measured(which, size, &|| segmenter.counters(), encode, segment).await?;
        calls.iter().for_each(|call| print!("{}", table(call)));
        (calls, weights)
    };
    print!("{}", use_of_gpu(&calls, weights));
    if let Some(path) = &arguments.svg {
        let drawing = flame::draw(calls.iter().map(|call| (call.name, &call.records[..])));
        std::fs::write(path, drawing)
            .with_context(|| format!("cannot write {}", path.display()))?;
        eprintln!("{}", path.display());
    }
    Ok(())
}

/// Measures the calls `which` on a photo of a size (width, height).
async fn measured(
    which: &[Which],
    (width, height): (u32, u32),
    counters: &dyn Fn() -> Counters,
    encode: impl AsyncFn() -> Result<()>,
    segment: impl AsyncFn(&Request) -> Result<()>,
) -> Result<Vec<Call>> {
    let middle = Point { x: f64::from(width) / 2.0, y: f64::from(height) / 2.0, label: 1 };
    let prompt = Prompt::Points(PointPrompt::at(vec![middle]));
    let (levels, point) = (Request::default(), Request { prompt, ..Request::default() });
    let mut calls = Vec::new();
    for which in which {
        calls.push(match which {
            Which::Image => measure("setImage", counters, &encode).await?,
            Which::Levels => {
                measure("three levels", counters, async || segment(&levels).await).await?
            }
            Which::Point => measure("one point", counters, async || segment(&point).await).await?,
        });
    }
    Ok(calls)
}

async fn measure(
    name: &'static str,
    counters: &dyn Fn() -> Counters,
    work: impl AsyncFn() -> Result<()>,
) -> Result<Call> {
    // The counters are those of a run that is not measured. It also warms up.
    let before = counters();
    work().await?;
    let after = counters();
    profile::start();
    let start = Instant::now();
    let result = work().await;
    let wall = start.elapsed();
    let records = profile::finish();
    let (submissions, reads) = (after.submissions - before.submissions, after.reads - before.reads);
    result.map(|()| Call { name, wall, records, submissions, reads })
}

/// A table of how each call uses a GPU, and the most memory that the calls take; empty for the CPU.
fn use_of_gpu(calls: &[Call], weights: Memory) -> String {
    let peak = |of: fn(&Memory) -> u64| {
        let records = calls.iter().flat_map(|call| &call.records);
        records.map(|record| of(&record.memory)).max().unwrap_or_default()
    };
    let (in_use, reserved) = (peak(|memory| memory.in_use), peak(|memory| memory.reserved));
    if in_use == 0 {
        return String::new();
    }
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    let mut text =
        "| call | kernels | GFLOP | MB at least | command buffers | read-backs |\n".to_string();
    text += "|---|---:|---:|---:|---:|---:|\n";
    for Call { name, records, submissions, reads, .. } in calls {
        let mut all = Row::default();
        records.iter().for_each(|record| all.add(record));
        let Row { calls: kernels, cost: Cost { flops, bytes }, .. } = all;
        let (gflop, bytes) = (flops as f64 / 1e9, megabytes(bytes));
        text += &format!(
            "| {name} | {kernels} | {gflop:.2} | {bytes:.0} | {submissions} | {reads} |\n"
        );
    }
    text += &format!(
        "\nGPU memory in MB: {:.1} for the weights; during the calls at most {:.1} in use and \
         {:.1} reserved.\n",
        megabytes(weights.in_use),
        megabytes(in_use),
        megabytes(reserved)
    );
    text
}

/// The sums over the operations of one kernel in one layer.
#[derive(Default)]
struct Row {
    calls: u32,
    time: Duration,
    cost: Cost,
}

impl Row {
    fn add(&mut self, record: &Record) {
        self.calls += 1;
        self.time += record.time;
        self.cost.flops += record.cost.flops;
        self.cost.bytes += record.cost.bytes;
    }

    fn line(&self, layer: &str, kernel: &str, whole: Duration) -> String {
        let ms = self.time.as_secs_f64() * 1e3;
        let share = 100.0 * self.time.as_secs_f64() / whole.as_secs_f64();
        let (gflop, megabytes) = (self.cost.flops as f64 / 1e9, self.cost.bytes as f64 / 1e6);
        let rate = gflop / self.time.as_secs_f64().max(1e-9);
        let calls = self.calls;
        format!(
            "| {layer} | {kernel} | {calls} | {ms:.1} | {share:.1} | {gflop:.2} | {rate:.1} | \
             {megabytes:.0} |\n"
        )
    }
}

fn table(call: &Call) -> String {
    let mut rows: BTreeMap<(usize, String, &str), Row> = BTreeMap::new();
    // The layers, in the order in which they run.
    let mut order: Vec<String> = Vec::new();
    let mut all = Row::default();
    for record in &call.records {
        let layer = record.layers.join(" / ");
        let place = order.iter().position(|other| *other == layer).unwrap_or_else(|| {
            order.push(layer.clone());
            order.len() - 1
        });
        rows.entry((place, layer, record.kernel)).or_default().add(record);
        all.add(record);
    }
    let mut text = format!("### {}\n\n", call.name);
    text += "| layer | kernel | calls | ms | % | GFLOP | GFLOP/s | MB |\n|---|---|---:|---:|---:|---:|---:|---:|\n";
    for ((_, layer, kernel), row) in &rows {
        text += &row.line(layer, kernel, call.wall);
    }
    text += &all.line("**all**", "", call.wall);
    let rest = call.wall.saturating_sub(all.time).as_secs_f64() * 1e3;
    text += &format!(
        "\nThe whole call took {:.1} ms, of which {rest:.1} ms were outside these kernels.\n\n",
        call.wall.as_secs_f64() * 1e3
    );
    text
}
