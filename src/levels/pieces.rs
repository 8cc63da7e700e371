//! Candidates on the raster, cut to the region that a scene is made for.

use super::raster::Raster;
use super::{Candidate, LevelRules};
use crate::mask::BitMask;

/// The cells of a candidate that lie in the region.
pub(super) struct Piece {
    /// The index of the candidate.
    pub candidate: usize,
    pub score: f32,
    /// The cells of the candidate on the raster, cut to the region.
    pub cells: BitMask,
    /// The number of cells.
    pub area: u32,
    /// The share of the whole candidate, as far as it is on the raster, that lies in the region.
    pub containment: f32,
}

/// The candidates of which more than a few cells lie in the region. If it is `None`, the region is
/// the whole raster.
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

/// The indices of the pieces, the best score first.
pub(super) fn best_first(pieces: &[Piece]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..pieces.len()).collect();
    order.sort_by(|&a, &b| pieces[b].score.total_cmp(&pieces[a].score));
    order
}
