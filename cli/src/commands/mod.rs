//! Commands for the terminal. Results go to files, progress and messages to standard error.

mod bench;
mod clicks;
mod convert;
mod eval;
mod gallery;
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
    /// Segments photos at three levels, as JSON lines; a run that was stopped goes on where it was.
    Segment(segment::Arguments),
    /// Makes the model file from MobileSAM's PyTorch checkpoint.
    Convert(convert::Arguments),
    /// Measures how many masks drawn by people the model finds.
    Eval(eval::Arguments),
    /// Measures how well one click, and one box, gets at each mask drawn by people.
    Clicks(clicks::Arguments),
    /// Shows what is found in a folder of photos.
    Gallery(gallery::Arguments),
    /// Measures how long one photo takes.
    Bench(bench::Arguments),
    /// Shows which layers and kernels take how long.
    Profile(profile::Arguments),
}

pub fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Segment(arguments) => pollster::block_on(segment::run(arguments)),
        Command::Convert(arguments) => convert::run(&arguments),
        Command::Eval(arguments) => pollster::block_on(eval::run(arguments)),
        Command::Clicks(arguments) => pollster::block_on(clicks::run(arguments)),
        Command::Gallery(arguments) => pollster::block_on(gallery::run(arguments)),
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
