//! How much a figure depends on which photos the set happens to have: a bootstrap over photos.

const RESAMPLES: usize = 1000;
const SEED: u64 = 1;
/// The share of the resamples on each side of the interval, which has 95 % of them.
const TAIL: f64 = 0.025;

/// A figure of a set of photos, and how certain it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The figure itself.
    pub value: f64,
    /// The lower end of the 95 % interval.
    pub low: f64,
    /// The upper end of the 95 % interval.
    pub high: f64,
    /// The number of photos that the figure is computed from.
    pub photos: usize,
}

/// A statistic of `photos` photos with its percentile bootstrap interval, or `None` if it is
/// undefined.
///
/// `statistic` is given how often each photo counts. For the interval, as many photos are drawn
/// with replacement, many times and always from the same seed.
pub fn estimate(photos: usize, statistic: impl Fn(&[u32]) -> Option<f64>) -> Option<Estimate> {
    let value = statistic(&vec![1; photos])?;
    let mut random = Random(SEED);
    let mut counts = vec![0; photos];
    let mut values = Vec::with_capacity(RESAMPLES);
    for _ in 0..RESAMPLES {
        counts.fill(0);
        for _ in 0..photos {
            counts[random.below(photos)] += 1;
        }
        values.extend(statistic(&counts));
    }
    values.sort_by(f64::total_cmp);
    Some(Estimate {
        value,
        low: quantile(&values, TAIL),
        high: quantile(&values, 1.0 - TAIL),
        photos,
    })
}

/// The quantile at `share`, interpolated linearly between the two nearest of the sorted values, as
/// `numpy.quantile` does.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = share * sorted.len().saturating_sub(1) as f64;
    let value = |index: usize| sorted.get(index).or(sorted.last()).copied().unwrap_or(f64::NAN);
    let (below, above) = (value(at.floor() as usize), value(at.ceil() as usize));
    below + (above - below) * at.fract()
}

/// The SplitMix64 generator of random numbers.
struct Random(u64);

impl Random {
    fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        ((u128::from(self.draw()) * limit as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean_of(values: &[f64]) -> Estimate {
        let mean = |counts: &[u32]| {
            let sum: f64 =
                values.iter().zip(counts).map(|(value, &count)| value * f64::from(count)).sum();
            Some(sum / f64::from(counts.iter().sum::<u32>()))
        };
        estimate(values.len(), mean).expect("a mean")
    }

    #[test]
    fn equal_photos_leave_no_doubt() {
        assert_eq!(mean_of(&[0.25; 8]), Estimate { value: 0.25, low: 0.25, high: 0.25, photos: 8 });
        assert_eq!(mean_of(&[0.5]), Estimate { value: 0.5, low: 0.5, high: 0.5, photos: 1 });
        assert_eq!(estimate(0, |counts| counts.first().map(|_| 0.0)), None);
    }

    /// The expected values come from `scipy.stats.bootstrap((values,), numpy.mean,
    /// method='percentile', n_resamples=9999, rng=1)` of SciPy 1.17.1.
    #[test]
    fn intervals_are_those_of_scipy() {
        let halves = mean_of(&[0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0]);
        assert_eq!((halves.value, halves.low, halves.high), (0.5, 0.2, 0.8));
        let values: Vec<f64> = (0..24).map(|i| f64::from(i * i % 17) / 16.0).collect();
        let found = mean_of(&values);
        // The interval of a thousand resamples is here within about 0.01 of that of ten thousand.
        for (found, expected) in [(found.value, 0.4583), (found.low, 0.3203), (found.high, 0.6016)]
        {
            assert!((found - expected).abs() < 0.012, "{found} instead of {expected}");
        }
    }

    #[test]
    fn quantiles_are_linear_between_values() {
        let sorted = [0.0, 1.0, 2.0, 4.0];
        assert_eq!(
            [0.0, 0.5, 0.75, 1.0].map(|share| quantile(&sorted, share)),
            [0.0, 1.5, 2.5, 4.0]
        );
        assert_eq!(quantile(&[3.0], 0.975), 3.0);
    }

    #[test]
    fn draws_are_even() {
        let mut random = Random(7);
        let mut counts = [0; 5];
        for _ in 0..50_000 {
            counts[random.below(5)] += 1;
        }
        assert!(counts.iter().all(|&count: &i32| (count - 10_000).abs() < 400), "{counts:?}");
    }
}
