//! Which candidates are parts, and of which entity.

use super::LevelRules;
use super::pieces::{Piece, best_first};
use crate::mask::BitMask;

/// A candidate that was chosen as a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// The index of its piece.
    pub piece: usize,
    /// The index of its entity.
    pub parent: usize,
}

/// The parts of the entities whose cells are given, the best score first.
///
/// `is_entity(piece)` says which pieces are entities themselves. A part belongs to the entity that
/// holds most of it. The cells that it has there are compared with the entity and with the entity's
/// other parts.
pub(super) fn select_parts(
    pieces: &[Piece],
    entities: &[&BitMask],
    is_entity: impl Fn(usize) -> bool,
    rules: &LevelRules,
) -> Vec<Part> {
    let areas: Vec<u32> = entities.iter().map(|e| e.area()).collect();
    let mut parts: Vec<Part> = Vec::new();
    let mut own_cells: Vec<BitMask> = Vec::new();
    for i in best_first(pieces) {
        if is_entity(i) {
            continue;
        }
        let piece = &pieces[i];
        let overlap = |e: usize| piece.cells.intersection_area(entities[e]);
        // If several overlaps are equal, the first entity wins.
        let holder = (0..entities.len()).rev().map(|e| (overlap(e), e)).max_by_key(|&(o, _)| o);
        let Some((area, parent)) = holder.filter(|&(area, _)| area > 0) else {
            continue;
        };
        let containment = piece.containment * area as f32 / piece.area as f32;
        if containment < rules.part_containment
            || area as f32 > rules.part_max_area * areas[parent] as f32
        {
            continue;
        }
        let mut cells = piece.cells.clone();
        cells.intersect_with(entities[parent]);
        let mut siblings = parts.iter().zip(&own_cells).filter(|(p, _)| p.parent == parent);
        if siblings.any(|(_, other)| other.iou(&cells) > rules.part_max_iou) {
            continue;
        }
        parts.push(Part { piece: i, parent });
        own_cells.push(cells);
    }
    parts
}
