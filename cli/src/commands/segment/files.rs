//! Writes files in one piece, and removes files.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result};

/// Writes a file under another name and renames it, so that a stop leaves the whole file or none.
/// Creates its folder if there is none.
pub fn write_whole(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<File>) -> Result<()>,
) -> Result<()> {
    let write = || -> Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut name = path.file_name().context("it has no name")?.to_os_string();
        name.push(".part");
        let part = path.with_file_name(name);
        let mut file = BufWriter::new(File::create(&part)?);
        fill(&mut file)?;
        file.flush()?;
        drop(file);
        Ok(fs::rename(part, path)?)
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

/// Removes a file if it exists.
pub fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}
