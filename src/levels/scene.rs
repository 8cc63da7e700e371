//! The result: masks at three levels and how they belong together.

use crate::level::Level;
use crate::mask::{BBox, BitMask, Rle};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// One mask of a scene.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Mask {
    /// Unique within the scene, from 1.
    pub id: u32,
    pub level: Level,
    /// Confidence, 0 to 1.
    pub score: f32,
    /// Set pixels of the photo.
    pub area: u32,
    /// Smallest box around the set pixels, `[x, y, width, height]` in pixels of the photo.
    pub bbox: BBox,
    /// The pixels, at the photo's size.
    pub rle: Rle,
    /// For a part the entity that it belongs to, when that is in the scene.
    pub parent: Option<u32>,
    /// For a relation its two entities, when they are in the scene; empty otherwise.
    pub members: Vec<u32>,
}

impl Mask {
    /// Describes a mask of the photo's size; `None` when it is empty. The id is still to be given.
    pub(super) fn describe(level: Level, score: f32, pixels: &BitMask) -> Option<Mask> {
        let bbox = pixels.bbox()?;
        Some(Mask {
            id: 0,
            level,
            score: clean_score(score),
            area: pixels.area(),
            bbox,
            rle: Rle::encode(pixels),
            parent: None,
            members: Vec::new(),
        })
    }
}

/// A score as the scene shows it: 0 to 1, and 0 for what is no number.
pub(super) fn clean_score(score: f32) -> f32 {
    if score.is_nan() { 0.0 } else { score.clamp(0.0, 1.0) }
}

/// All masks of a photo: entities first, then parts, then relations, the best-scored of each level first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Scene {
    /// Width of the upright photo in pixels.
    pub width: u32,
    /// Height of the upright photo in pixels.
    pub height: u32,
    pub masks: Vec<Mask>,
}

impl Scene {
    /// The masks of one level, in order.
    pub fn level(&self, level: Level) -> impl Iterator<Item = &Mask> {
        self.masks.iter().filter(move |m| m.level == level)
    }
}

/// Why a mask given as a prompt cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum LevelError {
    #[error(
        "the mask is {got:?} pixels but {expected:?} are needed (width, height); use a mask of this photo's size"
    )]
    SizeMismatch { expected: (u32, u32), got: (u32, u32) },
    #[error("the mask has no pixels set; mark at least one pixel of the photo")]
    EmptyMask,
}
