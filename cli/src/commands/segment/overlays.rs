//! Draws the overlays of many photos, in folders like those of the photos.

use std::path::{Path, PathBuf};

use aims_web::Scene;
use aims_web::levels::Level;
use aims_web::photo::Photo;
use anyhow::Result;
use image::ImageFormat;

use super::super::overlay;
use super::files::{remove, write_whole};
use super::folder::Folder;
use super::photos::PhotoFile;
use super::report::{Failure, Report};

const LEVELS: [(Level, &str); 3] =
    [(Level::Part, "part"), (Level::Entity, "entity"), (Level::Relation, "relation")];

/// Draws the masks of a photo to `overlays/<photo>-part.png` and so on.
pub fn write(folder: &Path, name: &str, photo: &Photo, scene: &Scene) -> Result<()> {
    for (level, suffix) in LEVELS {
        let picture = overlay::draw(photo, scene, level)?;
        write_whole(&path_of(folder, name, suffix), |file| {
            Ok(picture.write_to(file, ImageFormat::Png)?)
        })?;
    }
    Ok(())
}

/// Draws the overlays that photos of earlier runs lack.
///
/// # Errors
/// If the folder's scenes cannot be read. What is wrong with a photo goes to the report.
pub fn complete(folder: &Folder, photos: &[PhotoFile], report: &mut Report) -> Result<()> {
    for file in photos {
        let name = &file.name;
        if LEVELS.iter().all(|(_, suffix)| path_of(&folder.path, name, suffix).exists()) {
            continue;
        }
        let Some(scene) = folder.scenes.get(name)? else { continue };
        let draw = || write(&folder.path, name, &file.read()?, &scene);
        if let Err(error) = draw() {
            report.skipped -= 1;
            report.fail(Failure { photo: name.clone(), error: format!("{error:#}") })?;
        }
    }
    Ok(())
}

/// Removes the overlays of a photo.
pub fn remove_all(folder: &Path, name: &str) -> Result<()> {
    LEVELS.iter().try_for_each(|(_, suffix)| remove(&path_of(folder, name, suffix)))
}

/// The path of an overlay. It is below the folder wherever the photo is, and no two names share a
/// path.
fn path_of(folder: &Path, name: &str, suffix: &str) -> PathBuf {
    let mut path = folder.join("overlays");
    let mut steps: Vec<_> = name.split('/').map(inside).collect();
    let last = steps.pop().unwrap_or_default();
    path.extend(steps);
    path.join(format!("{last}-{suffix}.png"))
}

/// A step of a path that stays below the folder: `_up` stands for `..`, and `_root` for the start
/// of an absolute path. Folders that really have these names get another underscore.
fn inside(step: &str) -> String {
    let bare = step.trim_start_matches('_');
    match step {
        ".." => "_up".to_string(),
        "" => "_root".to_string(),
        _ if bare.len() < step.len() && matches!(bare, "up" | "root") => format!("_{step}"),
        _ => step.replace(':', "_"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlays_stay_in_their_folder_and_apart() {
        let names = [
            "a.jpg",
            "a.png",
            "b/a.jpg",
            "../a.jpg",
            "/a.jpg",
            "_up/a.jpg",
            "_root/a.jpg",
            "__up/a.jpg",
            "/b/a.jpg",
            "../b/a.jpg",
            "up/a.jpg",
        ];
        let files = names.map(|name| path_of(Path::new("out"), name, "part"));
        for (index, path) in files.iter().enumerate() {
            assert!(path.starts_with("out/overlays"), "{path:?}");
            assert!(
                !path.components().any(|component| component == std::path::Component::ParentDir)
            );
            assert_eq!(files.iter().position(|other| other == path), Some(index), "{path:?}");
        }
        assert_eq!(files[2], Path::new("out/overlays/b/a.jpg-part.png"));
    }
}
