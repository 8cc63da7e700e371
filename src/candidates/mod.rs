//! Candidates: the masks that a decoder has at some points of a photo, and what the scene head reads of each and of each two.
//!
//! `training/data/candidates.py` and `training/data/scenes.py` do the same; masks are those of the decoder's grid, of which only the cells
//! that show the photo count.

mod choose;
mod describe;
mod distinct;
mod output;
mod pool;

use crate::mask::BitMask;

pub use choose::{Choice, Chosen, Pick, choose};
pub use describe::{GEOMETRY, PAIRS, Region, geometry, pairs};
pub use distinct::{Limits, distinct};
pub use output::{PairOutput, SceneOutput};
pub use pool::{Surroundings, pool};

/// The token that a mask comes from: one of SAM's nested masks, in the order of its tokens, or one of the level decoders'.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Large,
    Small,
    Middle,
    Part,
    Entity,
    Relation,
    SmallEntity,
}

impl Kind {
    pub const COUNT: usize = 7;
    /// SAM 2's for a point, in the order of its tokens.
    pub const NESTED: [Self; 3] = [Self::Large, Self::Small, Self::Middle];

    /// That of an output token of the level decoders, by its name in the manifest.
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

/// A mask, and what its decoder says of it.
#[derive(Clone, Debug)]
pub struct Found {
    /// The cells that show the photo.
    pub cells: BitMask,
    /// Predicted IoU, 0 to 1.
    pub quality: f32,
    /// Whether there is such a mask, 0 to 1; of SAM's own masks the predicted IoU again.
    pub score: f32,
    /// SAM's stability score.
    pub stability: f32,
    pub kind: Kind,
    /// The mask token after the decoder.
    pub token: Vec<f32>,
}

/// One that stands for its repeats.
#[derive(Clone, Debug)]
pub struct Candidate {
    pub found: Found,
    /// Its place among all that were found.
    pub index: usize,
    /// How many masks it stands for, itself included.
    pub repeats: u32,
}
