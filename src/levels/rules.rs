//! The thresholds of the rules that sort the masks of the mode `grid` into levels.

use serde::{Deserialize, Serialize};

/// The thresholds of the rules that sort masks into levels. Each is a share from 0 to 1 unless its
/// text says otherwise. "The region" is the whole photo, or the mask to which a prompt limits the
/// scene.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct LevelRules {
    /// Logits above this belong to the mask (SAM: 0).
    pub mask_threshold: f32,
    /// Holes and islands of fewer pixels of the photo than this are removed; 0 keeps all.
    pub min_mask_region_area: u32,
    /// Candidates that are smaller than this share of the region are ignored.
    pub min_area: f32,

    /// A candidate that covers more than this share of the region is its backdrop: it gets only
    /// what the others leave.
    pub backdrop_area: f32,
    /// A candidate of which larger entities cover more than this share is not an entity, but it may
    /// be a part.
    pub entity_max_covered: f32,
    /// An entity is dropped if entities with better scores leave it less than this share of itself.
    pub entity_min_kept: f32,
    /// A candidate that consists of separate regions is a mere group if each region is a candidate
    /// itself, with at least this IoU.
    pub group_piece_iou: f32,
    /// A candidate is a mere group if two or more clearly better ones fill at least this share of
    /// it.
    pub group_filled: f32,
    /// A candidate is clearly better than another if its score (0 to 1) is higher by at least this.
    pub group_score_margin: f32,

    /// A part has at least this share of itself in its entity.
    pub part_containment: f32,
    /// A part has at most this share of its entity's area.
    pub part_max_area: f32,
    /// Of two parts of an entity whose masks have a higher IoU than this, only the one with the
    /// better score stays.
    pub part_max_iou: f32,

    /// In a region of the photo, a candidate counts if at least this share of it lies in the
    /// region.
    pub region_containment: f32,
    /// In a region of the photo, a candidate that reaches further out still counts, as a backdrop,
    /// if it covers at least this share of the region.
    pub region_backdrop: f32,

    /// Two entities touch if their outlines come this close, in cells of the raster (256 along the
    /// longer side).
    pub contact_gap: u32,
    /// Relations with a lower score (0 to 1) are left out.
    pub relation_min_score: f32,
    /// The most relations in a scene. The best ones are kept.
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
