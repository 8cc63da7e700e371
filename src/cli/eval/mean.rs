//! Means over many photos.

use super::bootstrap::{Estimate, estimate};

/// The values of one photo.
#[derive(Clone, Copy, Default)]
pub struct Mean {
    sum: f64,
    count: usize,
}

impl Mean {
    pub fn add(&mut self, value: f64) {
        self.sum += value;
        self.count += 1;
    }

    pub fn count(&self) -> usize {
        self.count
    }
}

/// The mean of all values; photos without any take no part.
pub fn mean<'a>(photos: impl Iterator<Item = &'a Mean>) -> Option<Estimate> {
    let photos: Vec<&Mean> = photos.filter(|photo| photo.count > 0).collect();
    estimate(photos.len(), |times| weighted(&photos, times))
}

/// The mean of all values for each photo's number of times; `None` of nothing.
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
}
