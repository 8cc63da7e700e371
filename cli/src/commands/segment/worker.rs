//! Segments one photo after another with one model.

use aims_web::photo::Photo;
use aims_web::{Error, Level, Request, Scene, Segmenter};
use anyhow::{Context, Result};
use indicatif::ProgressBar;

use super::super::setup::{bar, photo_bar, progress};
use super::folder::Folder;
use super::overlays;
use super::photos::PhotoFile;
use super::report::{Failure, Report};
use super::scenes::PhotoScene;

/// Segments photos.
pub struct Worker {
    /// The model.
    pub segmenter: Segmenter,
    /// What is asked of each photo.
    pub request: Request,
    /// Whether overlays are drawn.
    pub overlays: bool,
}

impl Worker {
    /// Segments photos, and adds their scenes to the folder. If one fails, the error goes to the
    /// report and the next photo follows.
    ///
    /// # Errors
    /// If something concerns all photos: results cannot be written, or the device is lost.
    pub async fn segment_all(
        &self,
        photos: &[PhotoFile],
        folder: &mut Folder,
        report: &mut Report,
    ) -> Result<()> {
        let is_only = photos.len() == 1;
        let bar = if is_only { ProgressBar::hidden() } else { photo_bar(photos.len()) };
        bar.tick();
        for photo in photos {
            match self.segment(photo, folder, is_only).await {
                Ok(scene) => {
                    folder.scenes.add(&PhotoScene { photo: photo.name.clone(), scene })?;
                    report.done += 1;
                }
                Err(error) => {
                    let is_lost = matches!(error.downcast_ref(), Some(Error::DeviceLost(_)));
                    report
                        .fail(Failure { photo: photo.name.clone(), error: format!("{error:#}") })?;
                    if is_lost {
                        return Err(error)
                            .context("the same command continues where this one stopped");
                    }
                }
            }
            bar.inc(1);
        }
        bar.finish();
        Ok(())
    }

    /// Segments a photo. Its overlays are drawn before its line is written, so that a photo with a
    /// line needs nothing more.
    async fn segment(&self, file: &PhotoFile, folder: &Folder, is_only: bool) -> Result<Scene> {
        let photo = file.read()?;
        let drawn = self.overlays.then(|| photo.clone());
        let scene = self.scene_of(photo, is_only).await?;
        if let Some(photo) = drawn {
            overlays::write(&folder.path, &file.name, &photo, &scene)?;
        }
        if is_only {
            let count = |level| scene.level(level).count();
            let [parts, entities, relations] =
                [Level::Part, Level::Entity, Level::Relation].map(count);
            eprintln!("{parts} part, {entities} entity and {relations} relation masks");
        }
        Ok(scene)
    }

    async fn scene_of(&self, photo: Photo, shows_stages: bool) -> Result<Scene> {
        let stage = |label| if shows_stages { bar(label) } else { ProgressBar::hidden() };
        let encoding = stage("encoding");
        let encoded = self.segmenter.encode(photo, &progress(&encoding)).await?;
        encoding.finish();
        let segmenting = stage("segmenting");
        let scene = self.segmenter.segment(&encoded, &self.request, &progress(&segmenting)).await?;
        segmenting.finish();
        Ok(scene)
    }
}
