//! Average recall and average precision over many images.

use super::matching::{Outcome, Shape, THRESHOLDS, Target, assign};

/// At most this many predictions an image count, the best-scored.
pub const MAX_PREDICTIONS: usize = 100;

/// Collects matches image by image.
#[derive(Clone, Default)]
pub struct Measure {
    targets: usize,
    /// Hits at each threshold.
    hits: [usize; THRESHOLDS],
    /// Scores and outcomes of all predictions that took part.
    outcomes: Vec<(f32, [Outcome; THRESHOLDS])>,
}

impl Measure {
    /// Matches the predictions of one image, the best score first, with its targets.
    pub fn add(&mut self, predictions: &[(f32, &Shape)], targets: &[Target]) {
        self.add_judged(predictions, targets, |_| true);
    }

    /// As [`Self::add`], but a prediction without counterpart is wrong only where it is `judged`.
    pub fn add_judged(
        &mut self,
        predictions: &[(f32, &Shape)],
        targets: &[Target],
        judged: impl Fn(&Shape) -> bool,
    ) {
        let predictions = &predictions[..predictions.len().min(MAX_PREDICTIONS)];
        let shapes: Vec<&Shape> = predictions.iter().map(|(_, shape)| *shape).collect();
        self.targets += targets.iter().filter(|target| !target.ignore).count();
        for (outcomes, (score, _)) in assign(&shapes, targets, judged).into_iter().zip(predictions) {
            for (hits, outcome) in self.hits.iter_mut().zip(outcomes) {
                *hits += usize::from(outcome == Outcome::Hit);
            }
            self.outcomes.push((*score, outcomes));
        }
    }

    pub fn merge(&mut self, other: &Measure) {
        self.targets += other.targets;
        for (hits, more) in self.hits.iter_mut().zip(other.hits) {
            *hits += more;
        }
        self.outcomes.extend_from_slice(&other.outcomes);
    }

    /// Number of human masks to be found.
    pub fn targets(&self) -> usize {
        self.targets
    }

    /// The share of the human masks that were found, averaged over the thresholds; `None` if there are none.
    pub fn average_recall(&self) -> Option<f64> {
        let hits: usize = self.hits.iter().sum();
        (self.targets > 0).then(|| hits as f64 / (self.targets * THRESHOLDS) as f64)
    }

    /// The share that was found at each threshold.
    pub fn recalls(&self) -> Option<[f64; THRESHOLDS]> {
        (self.targets > 0).then(|| self.hits.map(|hits| hits as f64 / self.targets as f64))
    }

    /// The share that was found with an IoU of one half or more.
    pub fn recall_at_half(&self) -> Option<f64> {
        self.recalls().map(|recalls| recalls[0])
    }

    /// COCO's average precision: precision made monotonous, at recalls of 0, 0.01, ..., 1, averaged over recalls and
    /// thresholds.
    pub fn average_precision(&self) -> Option<f64> {
        if self.targets == 0 {
            return None;
        }
        let mut order: Vec<&(f32, [Outcome; THRESHOLDS])> = self.outcomes.iter().collect();
        order.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        let sum: f64 = (0..THRESHOLDS)
            .map(|level| {
                interpolated_precision(order.iter().map(|(_, outcomes)| outcomes[level]), self.targets)
            })
            .sum();
        Some(sum / THRESHOLDS as f64)
    }
}

/// The mean over 101 recalls of the best precision at that recall or above.
fn interpolated_precision(outcomes: impl Iterator<Item = Outcome>, targets: usize) -> f64 {
    let (mut hits, mut count) = (0_usize, 0_usize);
    let mut curve: Vec<(f64, f64)> = Vec::new();
    for outcome in outcomes.filter(|outcome| *outcome != Outcome::Ignored) {
        count += 1;
        hits += usize::from(outcome == Outcome::Hit);
        curve.push((hits as f64 / targets as f64, hits as f64 / count as f64));
    }
    let mut best = 0.0_f64;
    for (_, precision) in curve.iter_mut().rev() {
        best = best.max(*precision);
        *precision = best;
    }
    let at = |recall: f64| {
        let index = curve.partition_point(|(reached, _)| *reached < recall);
        curve.get(index).map_or(0.0, |(_, precision)| *precision)
    };
    (0..=100).map(|percent| at(f64::from(percent) * 0.01)).sum::<f64>() / 101.0
}
