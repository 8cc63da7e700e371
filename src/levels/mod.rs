//! From mask candidates to a scene of parts, entities and relations.
//!
//! The rules are geometric and know no classes; they stand in for a model that predicts the levels itself:
//! * **entities** tile the picture without overlap: the largest candidates that are neither mere groups of
//!   others nor mostly covered by entities already taken, painted so that the better score wins a contested
//!   pixel;
//! * **parts** are candidates that lie in one entity and are clearly smaller than it;
//! * **relations** join two entities whose outlines touch.
//!
//! Which candidate becomes what is decided on a grid of at most 256 cells a side (`grid`); masks are
//! rendered at the photo's full size only for the result (`build`).

mod build;
mod candidate;
mod canvas;
mod chosen;
mod entities;
mod grid;
mod options;
mod parts;
mod pieces;
mod predicted;
mod relations;
mod scene;

pub use build::{build_scene, entities_in, parts_of, relation_of, single_mask};
pub use candidate::Candidate;
pub use chosen::{Decision, chosen_scene};
pub use options::LevelOptions;
pub use predicted::{Prediction, predicted_relation_score, predicted_scene, proposals};
pub use scene::{LevelError, Mask, Scene};

pub use crate::level::{Level, Thresholds};

#[cfg(test)]
mod tests;
