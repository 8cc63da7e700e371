//! Candidates as the decision grid shows them, confined to the region of interest.

use super::grid::Grid;
use super::{Candidate, LevelOptions};
use crate::mask::BitMask;

/// A candidate's share of the region, on the decision grid.
pub(super) struct Piece {
    /// Index of the candidate.
    pub candidate: usize,
    pub score: f32,
    /// The candidate's cells, clipped to the region.
    pub cells: BitMask,
    /// Number of cells.
    pub area: u32,
    /// The share of the whole candidate, as far as the grid shows it, that lies in the region.
    pub containment: f32,
}

/// The candidates that reach into the region (`None`: the whole grid) by more than specks.
pub(super) fn pieces(
    candidates: &[Candidate],
    grid: &Grid,
    region: Option<&BitMask>,
    options: &LevelOptions,
) -> Vec<Piece> {
    let region_area = region.map_or(grid.cell_count(), BitMask::area);
    let min_area = (options.min_area * region_area as f32).max(1.0);
    let piece = |(candidate, c): (usize, &Candidate)| {
        let mut cells = grid.render(c, options.mask_threshold);
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
