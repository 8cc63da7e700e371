//! The folder for results. Only one program uses it at a time.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::files::remove;
use super::overlays;
use super::scenes::{self, Scenes};
use super::settings::Settings;

/// A folder for results, locked by this program.
pub struct Folder {
    /// The path of the folder.
    pub path: PathBuf,
    /// The scenes in the folder.
    pub scenes: Scenes,
    settings: Settings,
    /// The lock is held as long as the folder is in use. The system releases it when the program
    /// ends in any way.
    _lock: File,
}

impl Folder {
    /// Creates the folder, or continues with what an earlier run left there. With `restart`, that
    /// is deleted first.
    ///
    /// # Errors
    /// If another program uses the folder, or if its scenes were made with other settings.
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

    /// Writes the settings for later runs. The input size is known only once the model is open.
    ///
    /// # Errors
    /// If an earlier run had another input size.
    pub fn keep_settings(&mut self, input_size: u32) -> Result<()> {
        self.settings.set_input_size(input_size);
        self.check_settings()?;
        self.settings.write(&settings_file(&self.path))
    }

    /// Compares the settings with those of the scenes that the folder has. A folder without scenes
    /// takes any settings.
    fn check_settings(&self) -> Result<()> {
        if self.scenes.is_empty() {
            return Ok(());
        }
        match Settings::read(&settings_file(&self.path))? {
            Some(before) => self.settings.check_against(&before, &self.path),
            None => bail!(
                "{} exists without settings.json, which says what was asked. Name another folder \
                 with --out, or start again with --restart",
                self.scenes.path().display()
            ),
        }
    }

    /// The path of the list of photos that failed.
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
            "another aims-web is writing to {}. Wait until it ends, or name another folder with \
             --out",
            folder.display()
        ),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}", path.display()))
        }
    }
}

/// Deletes what earlier runs have written, and nothing else. The settings are deleted last, because
/// they show that the rest was written by such runs.
fn clear(folder: &Path) -> Result<()> {
    for photo in scenes::photos_in(folder)? {
        overlays::remove_all(folder, &photo)?;
    }
    remove(&scenes::file_in(folder))?;
    remove(&settings_file(folder))
}
