//! Measures of links between levels, of the outlines of masks, and of the agreement between two
//! sets of masks.

use aims_web::mask::{BitMask, boundary, dilate};

use super::matching::{Shape, pairs};
use super::mean::Mean;

/// The predictions that match the labels at both ends of links, as pairs (prediction, label).
pub struct Matched {
    /// The pairs of the coarser level.
    pub coarse: Vec<(usize, usize)>,
    /// The pairs of the finer level.
    pub fine: Vec<(usize, usize)>,
}

impl Matched {
    /// Adds to `recall` whether the true link between two labels was found. It was if predictions
    /// match both labels and are `linked` to each other.
    pub fn judge(
        &self,
        (coarse, fine): (usize, usize),
        linked: impl Fn(usize, usize) -> bool,
        recall: &mut Mean,
    ) {
        let of = |pairs: &[(usize, usize)], label| {
            pairs.iter().find(|pair| pair.1 == label).map(|pair| pair.0)
        };
        let found = match (of(&self.coarse, coarse), of(&self.fine, fine)) {
            (Some(coarse), Some(fine)) => linked(coarse, fine),
            _ => false,
        };
        recall.add(f64::from(u8::from(found)));
    }
}

/// The pairs that [`pairs`] finds, in the numbers that the caller gives.
pub fn matched(predictions: &[(usize, &Shape)], labels: &[(usize, &Shape)]) -> Vec<(usize, usize)> {
    let found: Vec<&Shape> = predictions.iter().map(|(_, shape)| *shape).collect();
    let wanted: Vec<&Shape> = labels.iter().map(|(_, shape)| *shape).collect();
    pairs(&found, &wanted).into_iter().map(|(a, b)| (predictions[a].0, labels[b].0)).collect()
}

/// The boundary F measure, as DAVIS defines it: the harmonic mean of the shares of each outline
/// that lie near the other one, which means within 0.8 % of the photo's diagonal.
pub fn boundary_f(a: &BitMask, b: &BitMask) -> f64 {
    let (width, height) = a.size();
    let near = (0.008 * f64::from(width).hypot(f64::from(height))).ceil() as u32;
    let (a, b) = (boundary(a), boundary(b));
    let share = |of: &BitMask, to: &BitMask| {
        f64::from(of.intersection_area(&dilate(to, near))) / f64::from(of.area().max(1))
    };
    let (precision, recall) = (share(&a, &b), share(&b, &a));
    if precision + recall > 0.0 { 2.0 * precision * recall / (precision + recall) } else { 0.0 }
}

/// How similar two sets of masks are: the best IoU of each mask with one of the other set, averaged
/// over the masks of both sets. `None` if both sets are empty.
pub fn agreement(a: &[&Shape], b: &[&Shape]) -> Option<f64> {
    let best =
        |of: &Shape, among: &[&Shape]| among.iter().map(|other| of.iou(other)).fold(0.0, f64::max);
    let sum = a
        .iter()
        .map(|shape| best(shape, b))
        .chain(b.iter().map(|shape| best(shape, a)))
        .sum::<f64>();
    let count = a.len() + b.len();
    (count > 0).then(|| sum / count as f64)
}

#[cfg(test)]
mod tests {
    use super::super::mean::mean;
    use super::*;

    fn square(x: u32, y: u32, side: u32) -> Shape {
        Shape::new(BitMask::from_fn(100, 100, |px, py| {
            (x..x + side).contains(&px) && (y..y + side).contains(&py)
        }))
    }

    #[test]
    fn outlines_may_be_a_little_off() {
        let f = |a: &Shape, b: &Shape| boundary_f(a.pixels(), b.pixels());
        let a = square(20, 20, 40);
        assert_eq!(f(&a, &a), 1.0);
        // 0.8 % of the diagonal is 1.13 pixels, which is rounded up to 2. So corners may be off by
        // one pixel along each axis.
        assert_eq!(f(&a, &square(21, 21, 38)), 1.0);
        assert!(f(&a, &square(24, 24, 32)) < 0.2);
        assert_eq!(f(&a, &Shape::new(BitMask::new(100, 100))), 0.0);
    }

    #[test]
    fn agreement_is_that_of_the_best_counterparts() {
        let (a, b, half) = (
            square(0, 0, 20),
            square(50, 50, 20),
            Shape::new(BitMask::from_fn(100, 100, |x, y| x < 10 && y < 20)),
        );
        assert_eq!(agreement(&[&a, &b], &[&b, &a]), Some(1.0));
        // `a` and `half` have IoU 0.5 with each other, and `b` has no counterpart.
        assert_eq!(agreement(&[&a, &b], &[&half]), Some(1.0 / 3.0));
        assert_eq!(agreement(&[], &[]), None);
    }

    #[test]
    fn a_link_needs_both_ends() {
        let found = Matched { coarse: vec![(4, 0)], fine: vec![(7, 1), (8, 2)] };
        let linked = |coarse, fine| (coarse, fine) == (4, 7);
        let mut recall = Mean::default();
        for link in [(0, 1), (0, 2), (0, 3), (9, 1)] {
            found.judge(link, linked, &mut recall);
        }
        let share = mean([recall].iter()).map(|found| found.value);
        assert_eq!((share, recall.count()), (Some(0.25), 4));
    }
}
