//! Finds the photos to segment: the files that are named, and all photos in the folders that are
//! named.

use std::collections::HashSet;
use std::path::{Component, Path, PathBuf};

use aims_web::photo::{Photo, decode};
use anyhow::{Context, Result};
use walkdir::{DirEntry, WalkDir};

use super::report::Failure;

const EXTENSIONS: [&str; 4] = ["jpg", "jpeg", "png", "webp"];

/// The file of a photo, which may turn out not to be readable.
pub struct PhotoFile {
    /// The path as it was given, with forward slashes. This is the photo's name in everything that
    /// is written.
    pub name: String,
    /// The path to read.
    pub path: PathBuf,
}

impl PhotoFile {
    /// Reads and decodes the photo.
    pub fn read(&self) -> Result<Photo> {
        Ok(decode(&std::fs::read(&self.path).context("it cannot be read")?)?)
    }
}

/// The photos that were found, and the paths that cannot be used.
#[derive(Default)]
pub struct Selection {
    /// The photos, in order.
    pub photos: Vec<PhotoFile>,
    /// The paths that cannot be used, and why.
    pub failures: Vec<Failure>,
}

/// The photos at these paths in order, each file once. The folder for results, `out`, is not
/// searched.
pub fn select(given: &[PathBuf], out: &Path) -> Selection {
    let mut search = Search::default();
    if let Ok(out) = out.canonicalize() {
        search.left_out = [out.join("overlays"), out].to_vec();
    }
    for path in given {
        if path.is_dir() {
            search.walk(path);
        } else {
            search.add(path);
        }
    }
    search.found
}

#[derive(Default)]
struct Search {
    left_out: Vec<PathBuf>,
    seen: HashSet<PathBuf>,
    found: Selection,
}

impl Search {
    fn walk(&mut self, folder: &Path) {
        let left_out = std::mem::take(&mut self.left_out);
        let walk =
            WalkDir::new(folder).min_depth(1).follow_links(true).sort_by_file_name().into_iter();
        for entry in walk.filter_entry(|entry| !is_hidden(entry) && !is_one_of(entry, &left_out)) {
            match entry {
                Ok(entry) if entry.file_type().is_file() && is_photo(entry.path()) => {
                    self.add(entry.path());
                }
                Ok(_) => {}
                Err(error) if matters(&error) => self.fail(error.path().unwrap_or(folder), &error),
                Err(_) => {}
            }
        }
        self.left_out = left_out;
    }

    fn add(&mut self, path: &Path) {
        let file = path.canonicalize();
        if !self.seen.insert(file.as_deref().unwrap_or(path).to_path_buf()) {
            return;
        }
        match (file, name_of(path)) {
            (Err(error), _) => self.fail(path, &error),
            (_, None) => self.fail(path, &"its path is not Unicode, which JSON needs; rename it"),
            (_, Some(name)) => self.found.photos.push(PhotoFile { name, path: path.to_path_buf() }),
        }
    }

    fn fail(&mut self, path: &Path, error: &dyn std::fmt::Display) {
        let photo = name_of(path).unwrap_or_else(|| path.display().to_string());
        self.found.failures.push(Failure { photo, error: error.to_string() });
    }
}

fn is_hidden(entry: &DirEntry) -> bool {
    entry.file_name().as_encoded_bytes().starts_with(b".")
}

fn is_one_of(entry: &DirEntry, folders: &[PathBuf]) -> bool {
    entry.file_type().is_dir()
        && entry.path().canonicalize().is_ok_and(|path| folders.contains(&path))
}

fn is_photo(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    EXTENSIONS.contains(&extension.to_lowercase().as_str())
}

/// Whether photos may be missing because of an error. Links back to a folder that is being searched
/// hide no photos, and neither do broken links to other files.
fn matters(error: &walkdir::Error) -> bool {
    let path = error.path().unwrap_or(Path::new(""));
    error.loop_ancestor().is_none() && (is_photo(path) || !path.is_symlink())
}

/// A path with forward slashes and without `./`.
fn name_of(path: &Path) -> Option<String> {
    let mut name = String::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::RootDir => name.push('/'),
            _ => {
                if !name.is_empty() && !name.ends_with('/') {
                    name.push('/');
                }
                name.push_str(component.as_os_str().to_str()?);
            }
        }
    }
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_forward_slashes_and_no_dots() {
        for (path, name) in [
            ("./photos//a.jpg", "photos/a.jpg"),
            ("/data/./photos/a.jpg", "/data/photos/a.jpg"),
            ("../a.jpg", "../a.jpg"),
            ("a.jpg", "a.jpg"),
        ] {
            assert_eq!(name_of(Path::new(path)).as_deref(), Some(name));
        }
    }

    #[test]
    fn photos_are_known_by_their_extension() {
        for (path, expected) in
            [("a.JPG", true), ("b/c.WebP", true), ("jpg", false), ("a.jpg.txt", false)]
        {
            assert_eq!(is_photo(Path::new(path)), expected, "{path}");
        }
    }
}
