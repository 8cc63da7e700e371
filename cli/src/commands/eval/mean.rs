//! Means over many photos.

use super::bootstrap::{Estimate, estimate};

/// The sum and the number of one photo's values.
#[derive(Clone, Copy, Default)]
pub struct Mean {
    sum: f64,
    count: usize,
}

impl Mean {
    /// Adds a value.
    pub fn add(&mut self, value: f64) {
        self.sum += value;
        self.count += 1;
    }

    /// The number of values.
    pub fn count(&self) -> usize {
        self.count
    }
}

/// The mean of the values of all photos, or `None` if there are none. Photos without values do not
/// count.
pub fn mean<'a>(photos: impl Iterator<Item = &'a Mean>) -> Option<Estimate> {
    let photos: Vec<&Mean> = photos.filter(|photo| photo.count > 0).collect();
    estimate(photos.len(), |times| weighted(&photos, times))
}

/// The mean of `a` minus the mean of `b`, both of which have the same photos in the same order. The
/// photos of both are drawn together, so that variation which both have in common does not widen
/// the interval.
pub fn mean_difference(a: &[Mean], b: &[Mean]) -> Option<Estimate> {
    let (a, b): (Vec<&Mean>, Vec<&Mean>) =
        a.iter().zip(b).filter(|(a, b)| a.count > 0 && b.count > 0).unzip();
    estimate(a.len(), |times| Some(weighted(&a, times)? - weighted(&b, times)?))
}

/// The mean of the values if each photo counts as often as `times` says; `None` if no value counts.
fn weighted(photos: &[&Mean], times: &[u32]) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0);
    for (photo, &times) in photos.iter().zip(times) {
        sum += photo.sum * f64::from(times);
        count += photo.count * times as usize;
    }
    (count > 0).then(|| sum / count as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn photo(values: &[f64]) -> Mean {
        let mut mean = Mean::default();
        values.iter().for_each(|&value| mean.add(value));
        mean
    }

    #[test]
    fn values_count_alike_whichever_photo_they_are_of() {
        let photos = [photo(&[1.0, 1.0, 1.0]), photo(&[]), photo(&[0.0])];
        let found = mean(photos.iter()).expect("values");
        assert_eq!((found.value, found.photos), (0.75, 2));
        assert_eq!((found.low, found.high), (0.0, 1.0), "either photo may be missing");
        assert_eq!(mean([photo(&[])].iter()), None);
    }

    #[test]
    fn a_difference_that_each_photo_has_is_sure() {
        let (a, b) = ([photo(&[0.5]), photo(&[0.75, 1.0])], [photo(&[0.25]), photo(&[0.5, 0.75])]);
        let found = mean_difference(&a, &b).expect("values");
        assert_eq!((found.value, found.low, found.high), (0.25, 0.25, 0.25));
    }
}
