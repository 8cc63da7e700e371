//! Makes a scene of parts, entities and relations from candidate masks.
//!
//! There are three ways. `by_head` takes what the scene head chose, and `by_score` takes what the
//! level decoders predict. `by_rules` sorts the masks of the mode `grid`, for which no network
//! predicts a level, by geometric rules that know no classes:
//! * **Entities** tile the photo without overlap. They are the largest candidates, except mere
//!   groups of other candidates and those that are mostly covered by larger entities. A pixel that
//!   several entities contest goes to the one with the best score.
//! * **Parts** are candidates that lie in one entity and are clearly smaller than it.
//! * **Relations** join two entities whose outlines touch.
//!
//! The rules compare masks on a raster of at most 256 cells per side (`raster`). Masks are rendered
//! at the photo's full size only for the result.

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

pub use by_head::{ChosenMasks, scene_by_head};
pub use by_rules::{entities_in, parts_of, relation_of, scene_by_rules, single_mask};
pub use by_score::{LevelCandidates, proposals, relation_score_of_levels, scene_by_score};
pub use candidate::Candidate;
pub use rules::LevelRules;
pub use scene::{LevelError, Mask, Scene};

pub use crate::level::{Level, Thresholds};

#[cfg(test)]
mod tests;
