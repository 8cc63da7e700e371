//! From mask candidates to a scene of parts, entities and relations.
//!
//! The rules are geometric and know no classes; they stand in for a model that predicts the levels itself:
//! * **entities** tile the picture without overlap: the largest candidates that are neither mere groups of
//!   others nor mostly covered by entities already taken, painted so that the better score wins a contested
//!   pixel;
//! * **parts** are candidates that lie in one entity and are clearly smaller than it;
//! * **relations** join two entities whose outlines touch.
//!
//! Which candidate becomes what is decided on a raster of at most 256 cells a side (`raster`); masks are
//! rendered at the photo's full size only for the result (`by_rules`).

mod by_head;
mod by_rules;
mod by_score;
mod candidate;
mod canvas;
mod entities;
mod parts;
mod pieces;
mod raster;
mod relations;
mod rules;
mod scene;

pub use by_head::{Decision, scene_by_head};
pub use by_rules::{entities_in, parts_of, relation_of, scene_by_rules, single_mask};
pub use by_score::{LevelCandidates, proposals, relation_score_of_levels, scene_by_score};
pub use candidate::Candidate;
pub use rules::LevelRules;
pub use scene::{LevelError, Mask, Scene};

pub use crate::level::{Level, Thresholds};

#[cfg(test)]
mod tests;
