//! Keeps `scenes.jsonl`, which has one line for each photo. A line is written in one piece.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use aims_web::Scene;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// A line of the file: the path of a photo, and its scene.
#[derive(Serialize, Deserialize)]
pub struct PhotoScene {
    /// The name of the photo.
    pub photo: String,
    /// The masks of the photo.
    #[serde(flatten)]
    pub scene: Scene,
}

/// The part of a line that says which photo it is about.
#[derive(Deserialize)]
struct PhotoName {
    photo: String,
}

/// The file of scenes, and where each photo's line is.
pub struct Scenes {
    path: PathBuf,
    file: File,
    /// Where the line of each photo begins, in bytes.
    places: HashMap<String, u64>,
    /// The length of the whole lines in bytes.
    length: u64,
}

/// The path of the file of scenes in a folder.
pub fn file_in(folder: &Path) -> PathBuf {
    folder.join("scenes.jsonl")
}

/// The photos in a folder's file, as far as the file is readable. This is for those who delete the
/// file.
pub fn photos_in(folder: &Path) -> Result<Vec<String>> {
    let path = file_in(folder);
    if !path.exists() {
        return Ok(Vec::new());
    }
    let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let names =
        bytes.split(|&byte| byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok());
    Ok(names.map(|PhotoName { photo }| photo).collect())
}

impl Scenes {
    /// Opens the file in a folder, or creates it. If a stop cut the last line, this line is
    /// removed.
    ///
    /// # Errors
    /// If another line is damaged.
    pub fn open(folder: &Path) -> Result<Self> {
        let path = file_in(folder);
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let file = file.with_context(|| format!("cannot write {}", path.display()))?;
        let mut scenes = Self { path, file, places: HashMap::new(), length: 0 };
        let total = scenes.index()?;
        if total > scenes.length {
            eprintln!("{}: the last line was cut and is removed", scenes.path.display());
            scenes.file.set_len(scenes.length).with_context(|| scenes.cannot_write())?;
        }
        Ok(scenes)
    }

    /// Records where the whole lines are, and returns the length of the file.
    fn index(&mut self) -> Result<u64> {
        let mut reader = BufReader::new(&self.file);
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            let at = || format!("{}, line {number}", self.path.display());
            let length = reader.read_until(b'\n', &mut line).with_context(at)? as u64;
            if line.last() != Some(&b'\n') {
                return Ok(self.length + length);
            }
            let name = serde_json::from_slice(&line).with_context(|| {
                format!("{} is damaged. Remove the line, or start again with --restart", at())
            });
            let PhotoName { photo } = name?;
            self.places.insert(photo, self.length);
            self.length += length;
        }
        Ok(self.length)
    }

    /// The path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether no photo has a line.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Whether a photo has a line.
    pub fn contains(&self, photo: &str) -> bool {
        self.places.contains_key(photo)
    }

    /// Adds a line. It is in the file when this returns.
    pub fn add(&mut self, entry: &PhotoScene) -> Result<()> {
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        let written =
            self.file.seek(SeekFrom::Start(self.length)).and_then(|_| self.file.write_all(&line));
        written.with_context(|| self.cannot_write())?;
        self.places.insert(entry.photo.clone(), self.length);
        self.length += line.len() as u64;
        Ok(())
    }

    /// Reads the scene of a photo, if it has a line.
    pub fn get(&self, photo: &str) -> Result<Option<Scene>> {
        let Some(&place) = self.places.get(photo) else { return Ok(None) };
        let entry = self.read_from(place)?.next().transpose()?;
        Ok(entry.map(|PhotoScene { scene, .. }| scene))
    }

    /// Reads all lines in order.
    pub fn read(&self) -> Result<impl Iterator<Item = Result<PhotoScene>>> {
        self.read_from(0)
    }

    fn read_from(&self, place: u64) -> Result<impl Iterator<Item = Result<PhotoScene>>> {
        let at = || format!("cannot read {}", self.path.display());
        let mut file = File::open(&self.path).with_context(at)?;
        file.seek(SeekFrom::Start(place)).with_context(at)?;
        let lines = BufReader::new(file.take(self.length - place)).lines();
        Ok(lines.map(move |line| serde_json::from_str(&line.with_context(at)?).with_context(at)))
    }

    fn cannot_write(&self) -> String {
        format!("cannot write {}", self.path.display())
    }
}
