//! The folder that results go to. One program at a time has it.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::files::remove;
use super::overlays;
use super::scenes::{self, Scenes};
use super::settings::Settings;

pub struct Folder {
    pub path: PathBuf,
    pub scenes: Scenes,
    settings: Settings,
    /// Held as long as the folder is in use; when the program ends in whatever way, the system frees it.
    _lock: File,
}

impl Folder {
    /// Makes the folder, or takes up what an earlier run has left there.
    ///
    /// # Errors
    /// If another program has it, or if it holds answers to something else; with `restart` those are deleted.
    pub fn open(path: &Path, settings: Settings, restart: bool) -> Result<Self> {
        std::fs::create_dir_all(path)
            .with_context(|| format!("cannot make the folder {}", path.display()))?;
        let lock = lock(path)?;
        if restart {
            clear(path)?;
        }
        let folder =
            Self { path: path.to_path_buf(), scenes: Scenes::open(path)?, settings, _lock: lock };
        folder.check_settings()?;
        remove(&folder.failures_file())?;
        Ok(folder)
    }

    /// Keeps what is asked, for later runs; the input size is known once the model is open.
    ///
    /// # Errors
    /// If an earlier run had another input size.
    pub fn keep_settings(&mut self, input_size: u32) -> Result<()> {
        self.settings.set_input_size(input_size);
        self.check_settings()?;
        self.settings.write(&settings_file(&self.path))
    }

    /// Compares the settings with those of the scenes that are there. A folder without scenes takes any settings.
    fn check_settings(&self) -> Result<()> {
        if self.scenes.is_empty() {
            return Ok(());
        }
        match Settings::read(&settings_file(&self.path))? {
            Some(before) => self.settings.check_against(&before, &self.path),
            None => bail!(
                "{} is there without settings.json, which tells what was asked. Name another folder with --out, or begin \
                 anew with --restart",
                self.scenes.path().display()
            ),
        }
    }

    pub fn failures_file(&self) -> PathBuf {
        self.path.join("failures.jsonl")
    }
}

fn settings_file(folder: &Path) -> PathBuf {
    folder.join("settings.json")
}

fn lock(folder: &Path) -> Result<File> {
    let path = folder.join(".lock");
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(&path);
    let file = file.with_context(|| format!("cannot write {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => bail!(
            "another aims-web is writing to {}. Wait until it ends, or name another folder with --out",
            folder.display()
        ),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}", path.display()))
        }
    }
}

/// Deletes what earlier runs have written, and nothing else. Settings go last: they are what makes the folder theirs.
fn clear(folder: &Path) -> Result<()> {
    for photo in scenes::photos_in(folder)? {
        overlays::remove_all(folder, &photo)?;
    }
    remove(&scenes::file_in(folder))?;
    remove(&settings_file(folder))
}
