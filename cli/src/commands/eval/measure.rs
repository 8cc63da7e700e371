//! Average recall and average precision over many photos.

use super::bootstrap::{Estimate, estimate};
use super::matching::{Outcome, Shape, THRESHOLDS, Target, assign};
use super::size::Size;

/// The maximum number of predictions of a photo that count; these have the best scores.
pub const MAX_PREDICTIONS: usize = 100;

/// The human masks of one photo that are to be found.
#[derive(Clone, Copy, Default)]
struct Counts {
    targets: usize,
    /// The number of them that are found at each threshold.
    hits: [usize; THRESHOLDS],
}

impl Counts {
    fn plus(self, other: Counts) -> Counts {
        let hits = std::array::from_fn(|level| self.hits[level] + other.hits[level]);
        Counts { targets: self.targets + other.targets, hits }
    }

    /// The number of masks that are found, averaged over the thresholds.
    fn mean_hits(&self) -> f64 {
        self.hits.iter().sum::<usize>() as f64 / THRESHOLDS as f64
    }
}

/// The predictions for one photo and what each turned out to be.
#[derive(Clone, Default)]
pub struct Outcomes {
    /// The human masks of each of [`Size::ALL`].
    by_size: [Counts; Size::ALL.len()],
    /// The scores and outcomes of all predictions that count.
    predictions: Vec<(f32, [Outcome; THRESHOLDS])>,
}

impl Outcomes {
    /// Matches predictions, best score first, with their targets.
    pub fn add(&mut self, predictions: &[(f32, &Shape)], targets: &[Target]) {
        self.add_judged(predictions, targets, |_| true);
    }

    /// Does the same as [`Self::add`], but a prediction that matches no target is wrong only if it
    /// is `judged`.
    pub fn add_judged(
        &mut self,
        predictions: &[(f32, &Shape)],
        targets: &[Target],
        judged: impl Fn(&Shape) -> bool,
    ) {
        let predictions = &predictions[..predictions.len().min(MAX_PREDICTIONS)];
        let shapes: Vec<&Shape> = predictions.iter().map(|(_, shape)| *shape).collect();
        let size = |target: &Target| target.shape.size_class() as usize;
        for target in targets.iter().filter(|target| !target.ignore) {
            self.by_size[size(target)].targets += 1;
        }
        for (outcomes, (score, _)) in assign(&shapes, targets, judged).into_iter().zip(predictions)
        {
            for (level, outcome) in outcomes.into_iter().enumerate() {
                if let Outcome::Hit(target) = outcome {
                    self.by_size[size(&targets[target])].hits[level] += 1;
                }
            }
            self.predictions.push((*score, outcomes));
        }
    }

    /// The number of human masks to be found.
    pub fn targets(&self) -> usize {
        self.counts().targets
    }

    /// The human masks of all sizes.
    fn counts(&self) -> Counts {
        self.by_size.into_iter().fold(Counts::default(), Counts::plus)
    }
}

/// The human masks of each photo that has any.
fn counts<'a>(photos: impl Iterator<Item = &'a Outcomes>) -> Vec<Counts> {
    photos.map(Outcomes::counts).filter(|photo| photo.targets > 0).collect()
}

/// The share of human masks that are hit, for hits that are counted by photo.
fn share(photos: &[Counts], hits: impl Fn(&Counts) -> f64) -> Option<Estimate> {
    estimate(photos.len(), |times| {
        let sum = |count: &dyn Fn(&Counts) -> f64| -> f64 {
            photos.iter().zip(times).map(|(photo, &times)| count(photo) * f64::from(times)).sum()
        };
        let wanted = sum(&|photo| photo.targets as f64);
        (wanted > 0.0).then(|| sum(&hits) / wanted)
    })
}

/// The share of human masks that were found, averaged over the thresholds; `None` if there are no
/// human masks.
pub fn average_recall<'a>(photos: impl Iterator<Item = &'a Outcomes>) -> Option<Estimate> {
    share(&counts(photos), Counts::mean_hits)
}

/// Does the same as [`average_recall`] for the human masks of one size.
pub fn average_recall_of<'a>(
    size: Size,
    photos: impl Iterator<Item = &'a Outcomes>,
) -> Option<Estimate> {
    let counts = photos.map(|photo| photo.by_size[size as usize]);
    share(&counts.filter(|photo| photo.targets > 0).collect::<Vec<_>>(), Counts::mean_hits)
}

/// The share of human masks that were found with an IoU of one half or more.
pub fn recall_at_half<'a>(photos: impl Iterator<Item = &'a Outcomes>) -> Option<Estimate> {
    share(&counts(photos), |photo| photo.hits[0] as f64)
}

/// The share of human masks that were found at each threshold.
pub fn recalls<'a>(photos: impl Iterator<Item = &'a Outcomes>) -> Option<[f64; THRESHOLDS]> {
    let photos = counts(photos);
    let wanted: usize = photos.iter().map(|photo| photo.targets).sum();
    let found = |level: usize| photos.iter().map(|photo| photo.hits[level]).sum::<usize>();
    (wanted > 0).then(|| std::array::from_fn(|level| found(level) as f64 / wanted as f64))
}

/// COCO's average precision: precision, made monotonic, at recalls of 0, 0.01, ..., 1, averaged
/// over recalls and thresholds. Predictions for photos without targets count, but these photos are
/// not included in the number of photos.
pub fn average_precision<'a>(photos: impl Iterator<Item = &'a Outcomes>) -> Option<Estimate> {
    let photos: Vec<&Outcomes> =
        photos.filter(|photo| photo.targets() > 0 || !photo.predictions.is_empty()).collect();
    let targets: Vec<usize> = photos.iter().map(|photo| photo.targets()).collect();
    let mut ranked: Vec<(f32, usize, &[Outcome; THRESHOLDS])> = Vec::new();
    for (index, photo) in photos.iter().enumerate() {
        ranked.extend(photo.predictions.iter().map(|(score, outcomes)| (*score, index, outcomes)));
    }
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    let found = estimate(photos.len(), |times| {
        let wanted = targets.iter().zip(times).map(|(&count, &times)| count * times as usize).sum();
        let at = |level: usize| {
            let outcomes =
                ranked.iter().map(|&(_, photo, outcomes)| (outcomes[level], times[photo]));
            interpolated_precision(outcomes, wanted)
        };
        (wanted > 0).then(|| (0..THRESHOLDS).map(at).sum::<f64>() / THRESHOLDS as f64)
    })?;
    Some(Estimate { photos: targets.iter().filter(|&&count| count > 0).count(), ..found })
}

/// The best precision at a recall or above it, averaged over 101 recalls. Each outcome counts as
/// often as the number next to it says.
fn interpolated_precision(outcomes: impl Iterator<Item = (Outcome, u32)>, targets: usize) -> f64 {
    let (mut hits, mut count) = (0_usize, 0_usize);
    // Points are added only where recall rises, because precision falls between them.
    let mut curve: Vec<(f64, f64)> = Vec::new();
    for (outcome, times) in
        outcomes.filter(|&(outcome, times)| outcome != Outcome::Ignored && times > 0)
    {
        count += times as usize;
        if matches!(outcome, Outcome::Hit(_)) {
            hits += times as usize;
            curve.push((hits as f64 / targets as f64, hits as f64 / count as f64));
        }
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

#[cfg(test)]
mod tests {
    use aims_web::mask::BitMask;

    use super::*;

    fn column(x: u32) -> Shape {
        Shape::new(BitMask::from_fn(8, 4, |px, _| px == x))
    }

    /// A photo with one target, and one prediction with this score that is right or wrong.
    fn photo(score: f32, right: bool) -> Outcomes {
        let (target, found) = (column(0), column(if right { 0 } else { 5 }));
        let mut outcomes = Outcomes::default();
        outcomes.add(&[(score, &found)], &[Target { shape: &target, ignore: false }]);
        outcomes
    }

    #[test]
    fn a_resample_is_what_repeated_photos_are() {
        let photos = [photo(0.9, true), photo(0.8, false), photo(0.7, true), photo(0.6, false)];
        let times = [2_u32, 1, 3, 0];
        let repeated: Vec<&Outcomes> = photos
            .iter()
            .zip(times)
            .flat_map(|(photo, times)| std::iter::repeat_n(photo, times as usize))
            .collect();
        let ranked =
            photos.iter().zip(times).map(|(photo, times)| (photo.predictions[0].1[0], times));
        let expected = average_precision(repeated.into_iter()).expect("targets").value;
        assert!((interpolated_precision(ranked, 6) - expected).abs() < 1e-12);
    }

    #[test]
    fn each_size_has_its_own_recall() {
        // One of 256 pixels is small, and half of the photo is large.
        let pixel = Shape::new(BitMask::from_fn(64, 4, |x, y| (x, y) == (9, 0)));
        let half = Shape::new(BitMask::from_fn(64, 4, |x, _| x >= 32));
        let targets = [&pixel, &half].map(|shape| Target { shape, ignore: false });
        let mut outcomes = Outcomes::default();
        outcomes.add(&[(0.9, &half)], &targets);
        let value = |found: Option<Estimate>| found.map(|found| found.value);
        let of = |size| value(average_recall_of(size, [&outcomes].into_iter()));
        assert_eq!(Size::ALL.map(of), [Some(0.0), None, Some(1.0)]);
        assert_eq!(value(average_recall([&outcomes].into_iter())), Some(0.5));
    }

    #[test]
    fn equal_photos_have_an_interval_of_no_width() {
        let photos = vec![photo(0.5, true); 5];
        for found in [average_recall(photos.iter()), average_precision(photos.iter())] {
            let found = found.expect("targets");
            assert!(
                (found.low - 1.0).abs() < 1e-12 && (found.high - 1.0).abs() < 1e-12,
                "{found:?}"
            );
            assert_eq!(found.photos, 5);
        }
    }

    #[test]
    fn photos_without_a_target_count_only_against_precision() {
        let mut empty = Outcomes::default();
        empty.add(&[(0.95, &column(1))], &[]);
        let photos = [photo(0.9, true), empty];
        let recall = average_recall(photos.iter()).expect("a target");
        assert_eq!((recall.value, recall.low, recall.photos), (1.0, 1.0, 1));
        let precision = average_precision(photos.iter()).expect("a target");
        assert!((precision.value - 0.5).abs() < 1e-12 && precision.photos == 1, "{precision:?}");
        // Resamples that have only the empty photo have no precision.
        assert!(
            (precision.low - 0.5).abs() < 1e-12 && (precision.high - 1.0).abs() < 1e-12,
            "{precision:?}"
        );
    }
}
