//! Which entities touch.

use super::LevelRules;
use super::scene::clean_score;
use crate::mask::BitMask;
use crate::mask::contact::{boundary, dilate};

/// A relation of two entities that touch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Relation {
    /// The indices of the entities.
    pub members: [usize; 2],
    pub score: f32,
}

/// The outline of a mask on the raster, and the cells near the mask.
pub(super) struct Outline {
    boundary: BitMask,
    perimeter: u32,
    near: BitMask,
}

impl Outline {
    pub(super) fn new(cells: &BitMask, rules: &LevelRules) -> Self {
        let boundary = boundary(cells);
        let perimeter = boundary.area();
        Self { boundary, perimeter, near: dilate(cells, rules.contact_gap) }
    }

    /// The length along which two entities touch, as a share of the shorter outline (0 to 1).
    pub(super) fn contact(&self, other: &Outline) -> f32 {
        let (small, large) =
            if self.perimeter <= other.perimeter { (self, other) } else { (other, self) };
        small.boundary.intersection_area(&large.near) as f32 / small.perimeter.max(1) as f32
    }
}

/// The score of a relation: how much its entities touch, times how sure they are (the geometric
/// mean of their scores).
pub(super) fn relation_score(contact: f32, a: f32, b: f32) -> f32 {
    clean_score(contact * (clean_score(a) * clean_score(b)).sqrt())
}

/// The relations of the entities that touch, the best score first. `entities` are the cells and the
/// score of each.
pub(super) fn select_relations(entities: &[(&BitMask, f32)], rules: &LevelRules) -> Vec<Relation> {
    let outlines: Vec<Outline> =
        entities.iter().map(|(cells, _)| Outline::new(cells, rules)).collect();
    let mut relations = Vec::new();
    for a in 0..entities.len() {
        for b in a + 1..entities.len() {
            let contact = outlines[a].contact(&outlines[b]);
            let score = relation_score(contact, entities[a].1, entities[b].1);
            if contact > 0.0 && score >= rules.relation_min_score {
                relations.push(Relation { members: [a, b], score });
            }
        }
    }
    relations.sort_by(|a, b| b.score.total_cmp(&a.score));
    relations.truncate(rules.relation_max_count);
    relations
}
