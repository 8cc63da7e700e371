//! Candidates from the semantic head: connected cells of one class.

use super::{Found, Kind, Surroundings};
use crate::level::Level;
use crate::mask::BitMask;
use crate::mask::grow::grow;
use crate::mask::regions::connected_regions;

/// A cell belongs to a class whose probability is above this.
const LIKELY: f32 = 0.5;
/// How far the two thresholds of the stability of a segment are from [`LIKELY`].
const OFFSET: f32 = 0.15;
/// How far around a segment its stability is measured, in cells.
const NEAR: u32 = 2;
/// The smallest area of a segment, in cells.
const LEAST: u32 = 9;
/// The most segments of a level.
const MOST: usize = 80;
/// The logit of cells that are far from the segment.
const FAR: f32 = -10.0;

/// The probabilities of the semantic head's classes for a photo.
#[derive(Clone, Debug)]
pub struct ClassMaps {
    /// The number of rows of cells, which are the cells of masks, including the padding.
    pub rows: usize,
    /// The number of columns of cells.
    pub columns: usize,
    /// The number of classes: those of parts, then those of entities.
    pub classes: usize,
    /// The probabilities, row-major `[rows, columns, classes]`. Those of the parts add up to one,
    /// and so do those of the entities.
    pub values: Vec<f32>,
}

/// What the cells of a segment have in common: one class, or several that people name as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The indices of the classes.
    pub classes: Vec<usize>,
    /// The level of the segments.
    pub level: Level,
}

/// A segment of a photo.
#[derive(Clone, Debug)]
pub struct Segment {
    /// The segment as a candidate. Its token is empty, because no decoder found it.
    pub found: Found,
    /// The logits of all cells, row-major, including the padding.
    pub logits: Vec<f32>,
}

impl ClassMaps {
    /// The segments of a photo that fills `size`, the columns and rows of cells. Each is a region
    /// of connected cells that most likely belong to one of `named`. If an entity has several such
    /// regions, as the sky between houses, all of them together are a segment as well.
    pub fn segments(&self, named: &[Named], size: (u32, u32)) -> Vec<Segment> {
        let mut all = Vec::new();
        for level in [Level::Part, Level::Entity] {
            let named = named.iter().filter(|named| named.level == level);
            let mut found: Vec<_> = named.flat_map(|named| self.of_one(named, size)).collect();
            let rank = |(found, _): &(Found, _)| found.score * found.stability;
            found.sort_by(|a, b| rank(b).total_cmp(&rank(a)));
            found.truncate(MOST);
            all.extend(found.into_iter().map(|(found, named)| {
                let logits = self.logits(named, &found.cells);
                Segment { found, logits }
            }));
        }
        all
    }

    /// The maps as what candidates are described by.
    pub fn surroundings(&self) -> Surroundings<'_> {
        let &Self { columns, classes, .. } = self;
        Surroundings { values: &self.values, columns, channels: classes, cells: 1 }
    }

    fn of_one<'a>(
        &self,
        named: &'a Named,
        (columns, rows): (u32, u32),
    ) -> impl Iterator<Item = (Found, &'a Named)> + use<'a> {
        let inside = BitMask::from_fn(columns, rows, |x, y| self.probability(named, x, y) > LIKELY);
        let mut masks = connected_regions(&inside);
        let several = masks.len() > 1;
        masks.retain(|mask| mask.area() >= LEAST);
        if named.level == Level::Entity && several && inside.area() >= LEAST {
            masks.push(inside);
        }
        let found: Vec<_> = masks.into_iter().map(|cells| self.found(named, cells)).collect();
        found.into_iter().map(move |found| (found, named))
    }

    fn found(&self, named: &Named, cells: BitMask) -> Found {
        let (mut sum, mut sure, mut possible) = (0.0, 0u32, 0u32);
        for (x, y) in grow(&cells, NEAR).pixels() {
            let value = self.probability(named, x, y);
            possible += u32::from(value > LIKELY - OFFSET);
            if cells.get(x, y) {
                sum += value;
                sure += u32::from(value > LIKELY + OFFSET);
            }
        }
        let score = sum / cells.area() as f32;
        Found {
            predicted_iou: score,
            score,
            stability: sure as f32 / possible.max(1) as f32,
            kind: if named.level == Level::Part { Kind::Part } else { Kind::Entity },
            token: Vec::new(),
            cells,
        }
    }

    /// The logits of a segment. Cells of the same class in another region do not belong to it.
    fn logits(&self, named: &Named, cells: &BitMask) -> Vec<f32> {
        let near = grow(cells, NEAR);
        let (columns, rows) = cells.size();
        let logit = |x: u32, y: u32| {
            if !near.get(x, y) {
                return FAR;
            }
            let value = self.probability(named, x, y);
            if cells.get(x, y) || value <= LIKELY {
                (value / (1.0 - value).max(f32::MIN_POSITIVE)).ln().clamp(FAR, -FAR)
            } else {
                FAR
            }
        };
        // Masks are rendered with the cells next to the photo's edge, so these continue it.
        let all = (0..self.rows).flat_map(|y| (0..self.columns).map(move |x| (x as u32, y as u32)));
        all.map(|(x, y)| logit(x.min(columns - 1), y.min(rows - 1))).collect()
    }

    fn probability(&self, named: &Named, x: u32, y: u32) -> f32 {
        let cell = (y as usize * self.columns + x as usize) * self.classes;
        named.classes.iter().map(|class| self.values[cell + class]).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two rows of eight cells with three classes: no part, a part, and an entity's class.
    fn maps(parts: [[f32; 8]; 6]) -> ClassMaps {
        let values = parts.iter().flatten().flat_map(|&part| [1.0 - part, part, part]).collect();
        ClassMaps { rows: 6, columns: 8, classes: 3, values }
    }

    #[test]
    fn each_region_of_a_class_is_a_segment() {
        let row = [0.9, 0.8, 0.8, 0.4, 0.0, 0.9, 0.9, 0.9];
        let maps = maps([row; 6]);
        let named = [
            Named { classes: vec![1], level: Level::Part },
            Named { classes: vec![2], level: Level::Entity },
        ];
        let found = maps.segments(&named, (8, 4));
        let areas: Vec<_> = found
            .iter()
            .map(|segment| (segment.found.kind == Kind::Part, segment.found.cells.area()))
            .collect();
        // An entity is also all of its regions together.
        assert_eq!(areas, [(true, 12), (true, 12), (false, 24), (false, 12), (false, 12)]);
        // The last column of the first region is not sure.
        let less = found.iter().find(|segment| segment.found.score < 0.85).expect("the left one");
        assert!((less.found.score - 2.5 / 3.0).abs() < 1e-6);
        assert!((less.found.stability - 0.75).abs() < 1e-6);
        let logits = &less.logits;
        assert!((logits[0] - (0.9f32 / 0.1).ln()).abs() < 1e-5);
        assert!((logits[3] - (0.4f32 / 0.6).ln()).abs() < 1e-5);
        assert_eq!((logits[5], logits[7]), (FAR, FAR));
        // The padding continues the photo.
        assert_eq!(logits[40..], logits[..8]);
    }
}
