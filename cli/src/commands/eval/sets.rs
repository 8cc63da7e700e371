//! The options that choose the labelled photos of a command.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::data::Set;

/// The options that choose the labelled photos of a command.
#[derive(Args)]
pub struct SetArguments {
    /// Folder with `SET.jsonl` and `SET.tar` of each set.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data"))]
    data: PathBuf,
    /// Sets to use, separated by commas.
    #[arg(long, value_delimiter = ',', default_value = "coco,ccp,carparts,faces,balloon,bsds500")]
    sets: Vec<String>,
    /// Split of the sets to use.
    #[arg(long, default_value = "val")]
    split: String,
    /// Only take photos on which people labelled nearly every pixel.
    #[arg(long)]
    complete: bool,
    /// Maximum number of photos of each set, spread evenly over the set.
    #[arg(long)]
    limit: Option<usize>,
}

impl SetArguments {
    /// Opens the sets.
    pub fn open(&self) -> Result<Vec<Set>> {
        let open =
            |name: &String| Set::open(&self.data, name, &self.split, self.complete, self.limit);
        self.sets.iter().map(open).collect()
    }
}
