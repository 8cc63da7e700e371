//! Counts how many photos were done, skipped and failed, and lists the failures.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use serde::Serialize;

use super::folder::Folder;

/// A photo without masks, and the reason.
#[derive(Serialize)]
pub struct Failure {
    /// The name of the photo.
    pub photo: String,
    /// What went wrong.
    pub error: String,
}

/// The counts of a run, and its failures.
pub struct Report {
    /// The number of photos that this run has done.
    pub done: usize,
    /// The number of photos that an earlier run has done.
    pub skipped: usize,
    failures: Vec<Failure>,
    file: PathBuf,
}

impl Report {
    /// An empty report of a run in this folder.
    pub fn new(folder: &Folder) -> Self {
        Self { done: 0, skipped: 0, failures: Vec::new(), file: folder.failures_file() }
    }

    /// Adds a failure to the report and to the file of failures. Programs that call this one read
    /// that file, even after a stop.
    pub fn fail(&mut self, failure: Failure) -> Result<()> {
        let mut line = serde_json::to_vec(&failure)?;
        line.push(b'\n');
        self.failures.push(failure);
        let file = OpenOptions::new().append(true).create(true).open(&self.file);
        let written = file.and_then(|mut file| file.write_all(&line));
        written.with_context(|| format!("cannot write {}", self.file.display()))
    }

    /// Prints the failures and the counts to standard error.
    ///
    /// # Errors
    /// The error that ended the work early; otherwise, if a photo failed, an error with the counts.
    pub fn finish(&self, folder: &Folder, worked: Result<()>) -> Result<()> {
        let Self { done, skipped, failures, .. } = self;
        for Failure { photo, error } in failures {
            eprintln!("failed: {photo}: {error}");
        }
        let photos = if *done == 1 { "photo" } else { "photos" };
        let counts = format!("{done} {photos} done, {skipped} skipped, {} failed", failures.len());
        let file = folder.scenes.path().display();
        if worked.is_ok() && !failures.is_empty() {
            bail!("{counts}; what was found is in {file}");
        }
        eprintln!("{counts}: {file}");
        worked
    }
}
