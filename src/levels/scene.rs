//! The result: masks of three levels, and how they belong together.

use crate::level::Level;
use crate::mask::{BBox, BitMask, Rle};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// One mask of a scene.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Mask {
    /// The number of the mask. It is unique in the scene and starts at 1.
    pub id: u32,
    /// The level of the mask.
    pub level: Level,
    /// How sure the network is of the mask, from 0 to 1.
    pub score: f32,
    /// The number of pixels of the mask.
    pub area: u32,
    /// The smallest box around the mask, `[x, y, width, height]` in pixels of the photo.
    pub bbox: BBox,
    /// The pixels of the mask, at the photo's size.
    pub rle: Rle,
    /// For a part, the id of the entity that it belongs to, if that is in the scene.
    pub parent: Option<u32>,
    /// For a relation, the ids of its two entities, if they are in the scene. Otherwise it is
    /// empty.
    pub members: Vec<u32>,
}

impl Mask {
    /// Describes a mask of the photo's size; `None` if it is empty. Its id is set later.
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

/// A score as scenes have it: from 0 to 1, and 0 instead of NaN.
pub(super) fn clean_score(score: f32) -> f32 {
    if score.is_nan() { 0.0 } else { score.clamp(0.0, 1.0) }
}

/// All masks of a photo: entities first, then parts, then relations. In each level the best score
/// comes first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Scene {
    /// The width of the upright photo, in pixels.
    pub width: u32,
    /// The height of the upright photo, in pixels.
    pub height: u32,
    /// The masks. The id of each is its position, counted from 1.
    pub masks: Vec<Mask>,
}

impl Scene {
    /// The masks of one level, in their order.
    pub fn level(&self, level: Level) -> impl Iterator<Item = &Mask> {
        self.masks.iter().filter(move |m| m.level == level)
    }
}

/// Why a mask that is given as a prompt cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[expect(missing_docs, reason = "the message of each variant describes it and its fields")]
pub enum LevelError {
    #[error(
        "the mask has {got:?} pixels (width, height), but it must have {expected:?}; use a mask of this photo's size"
    )]
    SizeMismatch { expected: (u32, u32), got: (u32, u32) },
    #[error("the mask is empty; set at least one pixel of it")]
    EmptyMask,
}
