//! Thresholds of the rules that sort the masks of the mode `grid` into levels.

use serde::{Deserialize, Serialize};

/// Thresholds of the rules that sort masks into levels. Each is a share from 0 to 1 unless it says
/// otherwise. "The region" is the whole photo, or the mask that a prompt confines the scene to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct LevelRules {
    /// Logits above this belong to the mask (SAM: 0).
    pub mask_threshold: f32,
    /// Holes and islands below this many pixels of the photo are removed; 0 keeps all.
    pub min_mask_region_area: u32,
    /// Candidates smaller than this share of the region are ignored.
    pub min_area: f32,

    /// A candidate that covers more of the region than this is its backdrop: it gets only what others leave.
    pub backdrop_area: f32,
    /// A candidate covered by larger entities by more than this is no entity (but may be a part).
    pub entity_max_covered: f32,
    /// An entity that keeps less than this of its pixels against better-scored ones is dropped.
    pub entity_min_kept: f32,
    /// A candidate in separate pieces is a mere group when each piece is a candidate itself, to this IoU.
    pub group_piece_iou: f32,
    /// A candidate filled to this share by two or more clearly better ones is a mere group.
    pub group_filled: f32,
    /// "Clearly better" in scores (0 to 1).
    pub group_score_margin: f32,

    /// A part has at least this much of itself in its entity.
    pub part_containment: f32,
    /// A part is at most this much of its entity's area.
    pub part_max_area: f32,
    /// Of two parts of an entity with a mask IoU above this only the better-scored stays.
    pub part_max_iou: f32,

    /// Inside a region prompt: a candidate belongs to the region when this much of it lies there.
    pub region_containment: f32,
    /// Inside a region prompt: a candidate that reaches further out still counts, as backdrop, when it covers
    /// this much of the region.
    pub region_backdrop: f32,

    /// Entities touch when their outlines come this close, in cells of the decision grid (256 along the
    /// longer side).
    pub contact_gap: u32,
    /// Relations scored below this are left out (0 to 1).
    pub relation_min_score: f32,
    /// At most this many relations, the best.
    pub relation_max_count: usize,
}

impl Default for LevelRules {
    fn default() -> Self {
        Self {
            mask_threshold: 0.0,
            min_mask_region_area: 0,
            min_area: 0.0002,
            backdrop_area: 0.95,
            entity_max_covered: 0.6,
            entity_min_kept: 0.4,
            group_piece_iou: 0.7,
            group_filled: 0.85,
            group_score_margin: 0.05,
            part_containment: 0.8,
            part_max_area: 0.8,
            part_max_iou: 0.7,
            region_containment: 0.6,
            region_backdrop: 0.1,
            contact_gap: 2,
            relation_min_score: 0.05,
            relation_max_count: 64,
        }
    }
}
