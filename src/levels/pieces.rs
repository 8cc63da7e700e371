//! Candidates as the decision raster shows them, confined to the region of interest.

use super::raster::Raster;
use super::{Candidate, LevelRules};
use crate::mask::BitMask;

/// A candidate's share of the region, on the decision raster.
pub(super) struct Piece {
    /// Index of the candidate.
    pub candidate: usize,
    pub score: f32,
    /// The candidate's cells, clipped to the region.
    pub cells: BitMask,
    /// Number of cells.
    pub area: u32,
    /// The share of the whole candidate, as far as the raster shows it, that lies in the region.
    pub containment: f32,
}

/// The candidates that reach into the region (`None`: the whole raster) by more than specks.
pub(super) fn pieces(
    candidates: &[Candidate],
    raster: &Raster,
    region: Option<&BitMask>,
    rules: &LevelRules,
) -> Vec<Piece> {
    let region_area = region.map_or(raster.cell_count(), BitMask::area);
    let min_area = (rules.min_area * region_area as f32).max(1.0);
    let piece = |(candidate, c): (usize, &Candidate)| {
        let mut cells = raster.render(c, rules.mask_threshold);
        let whole = cells.area();
        if let Some(region) = region {
            cells.intersect_with(region);
        }
        let area = cells.area();
        let containment = area as f32 / whole.max(1) as f32;
        let score = if c.score.is_nan() { 0.0 } else { c.score };
        (area as f32 >= min_area).then_some(Piece { candidate, score, cells, area, containment })
    };
    candidates.iter().enumerate().filter_map(piece).collect()
}

/// Order by score, the best first.
pub(super) fn best_first(pieces: &[Piece]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..pieces.len()).collect();
    order.sort_by(|&a, &b| pieces[b].score.total_cmp(&pieces[a].score));
    order
}
