//! The two ways to find the masks of a scene, behind one trait.

use super::EncodedPhoto;
use super::grid::PointGrid;
use super::learned::LearnedLevels;
use super::request::{Mode, Request};
use super::target::Area;
use crate::error::{Error, Result};
use crate::levels::{Level, LevelError, Scene};
use crate::progress::Progress;

/// A way to find the masks of a photo.
pub(super) trait Proposer {
    /// The scene of an `area`, with only the masks of the given `levels`. The parts of an entity,
    /// and the relation of two entities with its members, are there whatever the levels are.
    ///
    /// # Errors
    /// [`Error::InvalidPrompt`], [`Error::EmptyPrompt`], [`Error::Aborted`], [`Error::DeviceLost`].
    async fn scene(
        &self,
        photo: &EncodedPhoto,
        area: &Area,
        levels: &[Level],
        progress: &Progress<'_>,
    ) -> Result<Scene>;

    /// The masks that a scene of the whole photo is made from, as entities that may overlap.
    ///
    /// # Errors
    /// [`Error::Aborted`], [`Error::DeviceLost`].
    async fn proposals(&self, photo: &EncodedPhoto, progress: &Progress<'_>) -> Result<Scene>;
}

/// The proposer that a request asks for.
pub(super) enum Strategy<'a> {
    Learned(LearnedLevels<'a>),
    Grid(PointGrid<'a>),
}

impl Proposer for Strategy<'_> {
    async fn scene(
        &self,
        photo: &EncodedPhoto,
        area: &Area,
        levels: &[Level],
        progress: &Progress<'_>,
    ) -> Result<Scene> {
        match self {
            Strategy::Learned(learned) => learned.scene(photo, area, levels, progress).await,
            Strategy::Grid(grid) => grid.scene(photo, area, levels, progress).await,
        }
    }

    async fn proposals(&self, photo: &EncodedPhoto, progress: &Progress<'_>) -> Result<Scene> {
        match self {
            Strategy::Learned(learned) => learned.proposals(photo, progress).await,
            Strategy::Grid(grid) => grid.proposals(photo, progress).await,
        }
    }
}

/// Whether a request asks for the mode `grid`. `has_levels` says whether the model file has level
/// decoders.
///
/// # Errors
/// [`Error::InvalidOption`] if the request asks for the mode `learned` and the file has no level
/// decoders.
pub(super) fn wants_grid(request: &Request, has_levels: bool) -> Result<bool> {
    match request.mode {
        None => Ok(!has_levels),
        Some(Mode::Grid) => Ok(true),
        Some(Mode::Learned) if has_levels => Ok(false),
        Some(Mode::Learned) => Err(Error::InvalidOption(
            "this model file has no level decoders, which the mode 'learned' needs; use the mode 'grid'"
                .to_string(),
        )),
    }
}

/// The error of a prompt whose masks cannot be used.
pub(super) fn level_error(error: LevelError) -> Error {
    match error {
        LevelError::EmptyMask => Error::EmptyPrompt,
        error => Error::InvalidPrompt(error.to_string()),
    }
}
