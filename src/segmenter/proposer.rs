//! The two ways to find the masks of a scene, behind one trait.

use super::EncodedPhoto;
use super::grid::PointGrid;
use super::learned::LearnedLevels;
use super::request::{Mode, Request};
use super::target::Area;
use crate::error::{Error, Result};
use crate::levels::{Level, LevelError, Scene};
use crate::progress::Progress;

/// Finds the masks of a photo.
pub trait Proposer {
    /// The scene of an `area`, with masks of the `levels` alone. The parts of an entity, and two entities with their relation,
    /// come whatever the levels are.
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

    /// What a scene of the whole photo is made from, as entities that may overlap.
    ///
    /// # Errors
    /// [`Error::Aborted`], [`Error::DeviceLost`].
    async fn proposals(&self, photo: &EncodedPhoto, progress: &Progress<'_>) -> Result<Scene>;
}

/// The proposer that a request means.
pub enum Strategy<'a> {
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

/// Whether a request wants the grid, in a model file that has learned levels or not.
///
/// # Errors
/// [`Error::InvalidOption`] for learned levels that the file does not have.
pub fn wants_grid(request: &Request, has_levels: bool) -> Result<bool> {
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

/// As errors of the prompt that the masks came from.
pub fn level_error(error: LevelError) -> Error {
    match error {
        LevelError::EmptyMask => Error::EmptyPrompt,
        error => Error::InvalidPrompt(error.to_string()),
    }
}
