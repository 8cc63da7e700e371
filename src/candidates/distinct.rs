//! Keeps only the best of masks that repeat one another.

use serde::{Deserialize, Serialize};

use super::{Candidate, Found};

/// The limits that decide which masks become candidates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// Of masks with at least this IoU, only the best is kept.
    pub same: f32,
    /// Only masks with a stability score above this are kept.
    pub stability: f32,
    /// The smallest area of a mask, in cells.
    pub cells: u32,
    /// The largest number of candidates. The best are kept.
    pub count: usize,
}

/// Makes candidates of the masks that were found, without repeats and within the `limits`. The best
/// comes first, by the product of predicted IoU, score and stability score.
pub fn distinct(found: Vec<Found>, limits: &Limits) -> Vec<Candidate> {
    let rank = |mask: &Found| mask.predicted_iou * mask.score * mask.stability;
    joined(Vec::new(), found, 0, rank, limits)
}

/// Adds masks that repeat none of the `candidates`. The best come first, by the product of predicted
/// IoU and stability score. `first` is the index of the first of them among all masks.
pub fn add_distinct(
    candidates: Vec<Candidate>,
    found: Vec<Found>,
    first: usize,
    limits: &Limits,
) -> Vec<Candidate> {
    joined(candidates, found, first, |mask| mask.predicted_iou * mask.stability, limits)
}

fn joined(
    candidates: Vec<Candidate>,
    found: Vec<Found>,
    first: usize,
    rank: impl Fn(&Found) -> f32,
    limits: &Limits,
) -> Vec<Candidate> {
    let mut left: Vec<(usize, u32, Found)> = found
        .into_iter()
        .enumerate()
        .map(|(index, mask)| (first + index, mask.cells.area(), mask))
        .filter(|(_, area, mask)| *area >= limits.cells && mask.stability > limits.stability)
        .collect();
    left.sort_by(|(_, _, a), (_, _, b)| rank(b).total_cmp(&rank(a)));
    let area = |candidate: Candidate| (candidate.found.cells.area(), candidate);
    let mut kept: Vec<(u32, Candidate)> = candidates.into_iter().map(area).collect();
    for (index, area, found) in left {
        let repeats = |(other_area, other): &&mut (u32, Candidate)| {
            // If the areas differ this much, the IoU cannot reach the limit.
            if (area.min(*other_area) as f32) < limits.same * area.max(*other_area) as f32 {
                return false;
            }
            let both = found.cells.intersection_area(&other.found.cells);
            both as f32 >= limits.same * (area + *other_area - both) as f32
        };
        match kept.iter_mut().find(repeats) {
            Some((_, better)) => better.repeats += 1,
            None => kept.push((area, Candidate { found, index, repeats: 1 })),
        }
    }
    kept.truncate(limits.count);
    kept.into_iter().map(|(_, candidate)| candidate).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::candidates::Kind;
    use crate::mask::BitMask;

    fn columns(range: std::ops::Range<u32>, predicted_iou: f32) -> Found {
        let cells = BitMask::from_fn(40, 10, |x, _| range.contains(&x));
        Found {
            cells,
            predicted_iou,
            score: 1.0,
            stability: 1.0,
            kind: Kind::Large,
            token: Vec::new(),
        }
    }

    #[test]
    fn the_best_stands_for_its_repeats() {
        let limits = Limits { same: 0.9, stability: 0.2, cells: 9, count: 2 };
        let unstable = Found { stability: 0.1, ..columns(30..40, 1.0) };
        let found = vec![
            columns(0..20, 0.5),
            columns(5..15, 0.6),
            columns(0..19, 0.9),
            unstable,
            columns(0..30, 0.4),
        ];
        let kept: Vec<_> =
            distinct(found, &limits).iter().map(|kept| (kept.index, kept.repeats)).collect();
        assert_eq!(kept, [(2, 2), (1, 1)]);
    }

    #[test]
    fn masks_that_are_added_repeat_no_earlier_one() {
        let limits = Limits { same: 0.9, stability: 0.2, cells: 9, count: 9 };
        let first = distinct(vec![columns(0..20, 0.5)], &limits);
        let more = vec![columns(0..20, 0.9), columns(30..40, 0.6), columns(0..10, 0.8)];
        let kept = add_distinct(first, more, 1, &limits);
        let kept: Vec<_> = kept.iter().map(|kept| (kept.index, kept.repeats)).collect();
        assert_eq!(kept, [(0, 2), (3, 1), (2, 1)]);
    }
}
