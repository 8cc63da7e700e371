//! The three levels, and what a model file says of them: words that the network and the rules of `levels` share.

use serde::{Deserialize, Serialize};

/// The three levels of a scene.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Level {
    /// A region inside one entity.
    Part,
    /// A thing or a piece of surroundings; entities do not overlap.
    Entity,
    /// Two entities that touch.
    Relation,
}

/// Thresholds of levels that a network predicts, from the manifest of its model file. Each is a share of 0 to 1 unless it says otherwise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Thresholds {
    /// Masks of this confidence cover their places: queries of later rounds go elsewhere.
    pub cover_confidence: f32,
    /// What a covered place's heat (a logit) is lowered by: it comes after all that are free.
    pub covered_objectness: f32,
    /// After the first round: where all that is left is colder (a logit), no more queries are asked.
    pub min_objectness: f32,
    /// Of the logits, for the stability score: a mask that changes much when they all go up or down by this is worth less.
    pub stability_offset: f32,
    /// Masks with a lower score are no candidates.
    pub candidate_score: f32,
    /// Masks with a lower score are not in a scene, unless the caller asks for another limit.
    pub min_score: f32,
    /// A mask stays if better ones leave it this share of its pixels.
    pub visible: f32,
    /// Of two masks that may overlap, with a higher IoU the better one stays.
    pub same: f32,
    /// A relation with this IoU is that of the two entities asked about.
    pub r#match: f32,
    /// Links below this probability are none.
    pub link: f32,
    /// And so are those to a mask that holds less than this share of the linked one.
    pub held: f32,
    /// Islands below this share of their mask are not part of it.
    pub speck: f32,
    /// Where no link is predicted: a mask with this share of itself in another one belongs to it.
    pub contained: f32,
}
