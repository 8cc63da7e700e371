//! The three levels, and what a model file says about them. The network and the rules of `levels`
//! share these types.

use serde::{Deserialize, Serialize};

/// One of the three levels of a scene.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Level {
    /// A region of one entity.
    Part,
    /// A thing or a piece of the surroundings. Entities do not overlap.
    Entity,
    /// Two entities that belong together.
    Relation,
}

/// The thresholds for levels that a network predicts, from the manifest of its model file. Each is
/// a share from 0 to 1 unless its text says otherwise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Thresholds {
    /// The least confidence of a mask that suppresses objectness: the queries of later rounds are
    /// not where such masks lie.
    pub cover_confidence: f32,
    /// How much the objectness (a logit) is lowered where it is suppressed. These positions then
    /// come after all others.
    pub covered_objectness: f32,
    /// After the first round, no more queries are made once the highest objectness that is left (a
    /// logit) is below this.
    pub min_objectness: f32,
    /// The offset of the logits for the stability score: a mask gets a lower score if it changes
    /// much when all its logits go up or down by this.
    pub stability_offset: f32,
    /// Masks with a lower score do not become candidates.
    pub candidate_score: f32,
    /// Masks with a lower score are not in a scene, unless the caller sets another limit.
    pub min_score: f32,
    /// A mask stays if better masks leave it at least this share of its pixels.
    pub visible: f32,
    /// Of two masks that may overlap and have a higher IoU than this, only the better one stays.
    pub same: f32,
    /// A predicted relation is that of the two entities of a prompt if its mask has at least this
    /// IoU with their union.
    pub r#match: f32,
    /// Links with a lower probability do not count.
    pub link: f32,
    /// A link counts only if one mask holds at least this share of the other: an entity of its
    /// part, or a relation of its entity.
    pub held: f32,
    /// Islands smaller than this share of their mask are specks, which are removed.
    pub speck: f32,
    /// If no link is predicted, a mask belongs to another one that holds at least this share of it.
    pub contained: f32,
}
