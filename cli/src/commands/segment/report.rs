//! Counts what became of the photos, and lists what failed.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use serde::Serialize;

use super::folder::Folder;

/// A photo without masks, and why.
#[derive(Serialize)]
pub struct Failure {
    pub photo: String,
    pub error: String,
}

pub struct Report {
    pub done: usize,
    /// Photos that an earlier run has done.
    pub skipped: usize,
    failures: Vec<Failure>,
    file: PathBuf,
}

impl Report {
    pub fn new(folder: &Folder) -> Self {
        Self { done: 0, skipped: 0, failures: Vec::new(), file: folder.failures_file() }
    }

    /// Notes a failure, and adds it to the file of failures: programs that call this one read it, also after a stop.
    pub fn fail(&mut self, failure: Failure) -> Result<()> {
        let mut line = serde_json::to_vec(&failure)?;
        line.push(b'\n');
        self.failures.push(failure);
        let file = OpenOptions::new().append(true).create(true).open(&self.file);
        let written = file.and_then(|mut file| file.write_all(&line));
        written.with_context(|| format!("cannot write {}", self.file.display()))
    }

    /// Lists what failed on standard error, with the counts.
    ///
    /// # Errors
    /// That which ended the work early; otherwise the counts, if a photo failed.
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
