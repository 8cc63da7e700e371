//! The commands for the terminal. Results go to files or to standard output, progress and messages
//! to standard error.

mod bench;
mod clicks;
mod convert;
mod cutout;
mod eval;
mod gallery;
mod mattes;
mod one_mask;
mod overlay;
mod profile;
mod segment;
mod setup;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Segment photos at three levels and write the masks as JSON lines.
    ///
    /// The same command continues a run that was stopped.
    Segment(segment::Arguments),
    /// Cut one thing out of a photo, with edges that follow the photo.
    Cutout(cutout::Arguments),
    /// Make a model file from MobileSAM's checkpoint or from SAM 2's weights.
    Convert(convert::Arguments),
    /// Measure how many of the masks drawn by people the model finds.
    Eval(eval::Arguments),
    /// Measure how well one click, and one box, finds each mask drawn by people.
    Clicks(clicks::Arguments),
    /// Draw what is found in a folder of photos.
    Gallery(gallery::Arguments),
    /// Refine the edges of things in many photos in all ways, to measure them.
    Mattes(mattes::Arguments),
    /// Measure how long the steps of one photo take.
    Bench(bench::Arguments),
    /// Show how long each layer and kernel takes.
    Profile(profile::Arguments),
}

/// Runs the command that the arguments name, and prints its error if it fails.
pub fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Segment(arguments) => pollster::block_on(segment::run(arguments)),
        Command::Cutout(arguments) => pollster::block_on(cutout::run(arguments)),
        Command::Convert(arguments) => convert::run(&arguments),
        Command::Eval(arguments) => pollster::block_on(eval::run(arguments)),
        Command::Clicks(arguments) => pollster::block_on(clicks::run(arguments)),
        Command::Gallery(arguments) => pollster::block_on(gallery::run(arguments)),
        Command::Mattes(arguments) => pollster::block_on(mattes::run(arguments)),
        Command::Bench(arguments) => pollster::block_on(bench::run(arguments)),
        Command::Profile(arguments) => pollster::block_on(profile::run(arguments)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
