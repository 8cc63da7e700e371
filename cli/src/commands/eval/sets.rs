//! The arguments that choose the labelled photos of a command.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::data::Set;

#[derive(Args)]
pub struct SetArguments {
    /// Folder with `SET.jsonl` and `SET.tar` of each set.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data"))]
    data: PathBuf,
    #[arg(long, value_delimiter = ',', default_value = "coco,ccp,carparts,faces,balloon,bsds500")]
    sets: Vec<String>,
    #[arg(long, default_value = "val")]
    split: String,
    /// Only photos of which people have labelled nearly every pixel.
    #[arg(long)]
    complete: bool,
    /// At most this many photos of each set, evenly spread over it.
    #[arg(long)]
    limit: Option<usize>,
}

impl SetArguments {
    pub fn open(&self) -> Result<Vec<Set>> {
        let open =
            |name: &String| Set::open(&self.data, name, &self.split, self.complete, self.limit);
        self.sets.iter().map(open).collect()
    }
}
