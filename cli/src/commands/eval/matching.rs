//! Assigns predictions to human masks as COCO's evaluation does.

use aims_web::mask::{BBox, BitMask};

use super::size::Size;

/// The number of IoU thresholds, which are 0.50, 0.55, ..., 0.95.
pub const THRESHOLDS: usize = 10;

/// The IoU threshold at `index`, equal to that of `numpy.linspace(0.5, 0.95, 10)` to the last bit.
pub fn threshold(index: usize) -> f64 {
    if index + 1 == THRESHOLDS { 0.95 } else { 0.5 + index as f64 * (0.45 / 9.0) }
}

/// A mask with its box and its area, which make comparisons fast.
pub struct Shape {
    pixels: BitMask,
    bbox: BBox,
    area: u32,
}

impl Shape {
    /// Finds the box and the area of a mask.
    pub fn new(pixels: BitMask) -> Self {
        let (bbox, area) = (pixels.bbox().unwrap_or_default(), pixels.area());
        Self { pixels, bbox, area }
    }

    /// The width and height of the photo, in pixels.
    pub fn size(&self) -> (u32, u32) {
        self.pixels.size()
    }

    /// Whether the mask is small, medium or large in its photo.
    pub fn size_class(&self) -> Size {
        let (width, height) = self.size();
        Size::of(f64::from(self.area) / (f64::from(width) * f64::from(height)))
    }

    /// The pixels of the mask.
    pub fn pixels(&self) -> &BitMask {
        &self.pixels
    }

    /// The intersection over union with another mask, in 64 bits.
    pub fn iou(&self, other: &Shape) -> f64 {
        overlap(self, &Target { shape: other, ignore: false })
    }

    /// The share of the mask's pixels that lie in `other`.
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

/// A human mask that predictions are compared with.
#[derive(Clone, Copy)]
pub struct Target<'a> {
    /// The mask.
    pub shape: &'a Shape,
    /// Whether the mask is not scored. It is then neither missed nor found, and predictions that
    /// lie in it count neither as right nor as wrong.
    pub ignore: bool,
}

/// The intersection over union, in 64 bits. If the target is to be ignored, it is the intersection
/// over the prediction's area instead.
fn overlap(prediction: &Shape, target: &Target) -> f64 {
    let both = f64::from(prediction.intersection(target.shape));
    let whole = match target.ignore {
        true => f64::from(prediction.area),
        false => f64::from(prediction.area) + f64::from(target.shape.area) - both,
    };
    if whole > 0.0 { both / whole } else { 0.0 }
}

/// Pairs (prediction, target) with an IoU of one half or more. Each mask is in at most one pair,
/// and predictions choose in the given order.
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

/// The verdict on a prediction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It matches the target of this index.
    Hit(usize),
    /// It matches no target.
    Miss,
    /// It matches only a target that is to be ignored, or it is not judged.
    Ignored,
}

/// The outcome of each prediction at each threshold. A prediction that matches no target is a miss
/// only if it is `judged`.
///
/// Predictions choose in the given order (best score first). Each takes the free target that it
/// overlaps most, if the overlap reaches the threshold. A prediction takes a target that is to be
/// ignored only if it gets no other, and several predictions can take the same one.
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
            // If overlaps are equal, the last target wins, as in the reference.
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
                *outcome = Outcome::Hit(target);
            } else if best(true).is_some() || !is_judged {
                *outcome = Outcome::Ignored;
            }
        }
    }
    outcomes
}
