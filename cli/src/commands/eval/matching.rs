//! Assignment of predictions to human masks, as COCO's evaluation does it.

use aims_web::mask::{BBox, BitMask};

/// IoU thresholds 0.50, 0.55, ..., 0.95.
pub const THRESHOLDS: usize = 10;

/// Like `numpy.linspace(0.5, 0.95, 10)`, to the last bit.
pub fn threshold(index: usize) -> f64 {
    if index + 1 == THRESHOLDS { 0.95 } else { 0.5 + index as f64 * (0.45 / 9.0) }
}

/// A mask with what its comparisons need.
pub struct Shape {
    pixels: BitMask,
    bbox: BBox,
    area: u32,
}

impl Shape {
    pub fn new(pixels: BitMask) -> Self {
        let (bbox, area) = (pixels.bbox().unwrap_or_default(), pixels.area());
        Self { pixels, bbox, area }
    }

    pub fn size(&self) -> (u32, u32) {
        self.pixels.size()
    }

    pub fn pixels(&self) -> &BitMask {
        &self.pixels
    }

    pub fn iou(&self, other: &Shape) -> f64 {
        overlap(self, &Target { shape: other, ignore: false })
    }

    /// The share of its pixels that lie in `other`.
    pub fn share_in(&self, other: &BitMask) -> f64 {
        f64::from(self.pixels.intersection_area(other)) / f64::from(self.area.max(1))
    }

    fn intersection(&self, other: &Shape) -> u32 {
        if self.bbox.intersection_area(&other.bbox) == 0 {
            return 0;
        }
        self.pixels.intersection_area(&other.pixels)
    }
}

/// A human mask.
#[derive(Clone, Copy)]
pub struct Target<'a> {
    pub shape: &'a Shape,
    /// Neither missed nor found: predictions that lie in it count neither as right nor as wrong.
    pub ignore: bool,
}

/// Intersection over union in 64 bits; with a target to be ignored, over the prediction's area.
fn overlap(prediction: &Shape, target: &Target) -> f64 {
    let both = f64::from(prediction.intersection(target.shape));
    let whole = match target.ignore {
        true => f64::from(prediction.area),
        false => f64::from(prediction.area) + f64::from(target.shape.area) - both,
    };
    if whole > 0.0 { both / whole } else { 0.0 }
}

/// Pairs (prediction, target) with an IoU of one half or more, one to one; predictions in the order given choose first.
pub fn pairs(predictions: &[&Shape], targets: &[&Shape]) -> Vec<(usize, usize)> {
    let mut free = vec![true; targets.len()];
    let mut pairs = Vec::new();
    for (index, prediction) in predictions.iter().enumerate() {
        let ious = targets.iter().map(|target| prediction.iou(target)).enumerate();
        let best = ious
            .filter(|&(i, iou)| free[i] && iou >= threshold(0))
            .max_by(|a, b| a.1.total_cmp(&b.1));
        if let Some((target, _)) = best {
            free[target] = false;
            pairs.push((index, target));
        }
    }
    pairs
}

/// What became of a prediction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Hit,
    Miss,
    /// Matched a target to be ignored.
    Ignored,
}

/// The outcome of each prediction at each threshold; without a target, only what is `judged` is a miss.
///
/// One after the other, in the order given (best score first), predictions take the free target that they overlap most,
/// if by the threshold or more. A target to be ignored is taken only by who gets no other, and by any number.
pub fn assign(
    predictions: &[&Shape],
    targets: &[Target],
    judged: impl Fn(&Shape) -> bool,
) -> Vec<[Outcome; THRESHOLDS]> {
    let mut outcomes = vec![[Outcome::Miss; THRESHOLDS]; predictions.len()];
    let mut taken = vec![[false; THRESHOLDS]; targets.len()];
    for (prediction, outcomes) in predictions.iter().zip(&mut outcomes) {
        let is_judged = judged(prediction);
        let overlaps: Vec<f64> = targets.iter().map(|target| overlap(prediction, target)).collect();
        for (level, outcome) in outcomes.iter_mut().enumerate() {
            let enough = threshold(level);
            // Of equal overlaps the last one wins, as in the reference.
            let best = |ignore: bool| {
                (0..targets.len())
                    .filter(|&i| {
                        targets[i].ignore == ignore
                            && overlaps[i] >= enough
                            && (ignore || !taken[i][level])
                    })
                    .max_by(|&a, &b| overlaps[a].total_cmp(&overlaps[b]))
            };
            if let Some(target) = best(false) {
                taken[target][level] = true;
                *outcome = Outcome::Hit;
            } else if best(true).is_some() || !is_judged {
                *outcome = Outcome::Ignored;
            }
        }
    }
    outcomes
}
