//! Candidates: the masks that the decoders find in a photo, what the scene head reads of each and
//! of each two, and the choice among them.
//!
//! `training/data/candidates.py` and `training/data/scenes.py` compute the same. Masks have the
//! cells of the decoder's grid, but only those that show the photo.

mod choose;
mod describe;
mod distinct;
mod output;
mod pool;
mod segments;

use crate::mask::BitMask;

pub use choose::{Choice, Chosen, Pick, choose};
pub use describe::{GEOMETRY, PAIRS, Region, geometry, pairs};
pub use distinct::{Limits, add_distinct, distinct};
pub use output::{PairOutput, SceneOutput};
pub use pool::{Surroundings, pool};
pub use segments::{ClassMaps, Named, Segment};

/// The token that a mask comes from: one of SAM's nested masks or one of the level decoders' output
/// tokens. A segment of the semantic head counts as a mask of its level's token. The scene head reads
/// the number of the variant, so their order is fixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The largest of SAM's nested masks.
    Large,
    /// The smallest of SAM's nested masks.
    Small,
    /// The one between these two.
    Medium,
    /// The mask of the output token for parts.
    Part,
    /// The larger of the two masks for entities.
    Entity,
    /// The mask of the output token for relations.
    Relation,
    /// The smaller of the two masks for entities.
    SmallEntity,
}

impl Kind {
    /// The number of kinds.
    pub const COUNT: usize = 7;
    /// The kinds of SAM 2's nested masks for a point, in the order of its tokens.
    pub const NESTED: [Self; 3] = [Self::Large, Self::Small, Self::Medium];

    /// The kind of an output token of the level decoders, by the token's name in the manifest.
    pub fn of_token(name: &str) -> Option<Self> {
        match name {
            "part" => Some(Self::Part),
            "entity" => Some(Self::Entity),
            "relation" => Some(Self::Relation),
            "small_entity" => Some(Self::SmallEntity),
            _ => None,
        }
    }
}

/// A mask that a decoder found, and what the decoder says of it.
#[derive(Clone, Debug)]
pub struct Found {
    /// The mask: the cells of the decoder's grid that show the photo.
    pub cells: BitMask,
    /// The predicted IoU, 0 to 1.
    pub predicted_iou: f32,
    /// How likely it is that there is such a mask, 0 to 1. For SAM's own masks it is the predicted
    /// IoU again, and for segments both are the mean probability.
    pub score: f32,
    /// SAM's stability score, 0 to 1.
    pub stability: f32,
    /// The token that the mask comes from.
    pub kind: Kind,
    /// The values of that token after the decoder; zeros for a segment.
    pub token: Vec<f32>,
}

/// A mask that may be chosen for the scene. It also stands for the masks that repeat it.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The mask.
    pub found: Found,
    /// The index of the mask among all that were found.
    pub index: usize,
    /// How many masks it stands for, including itself.
    pub repeats: u32,
}
