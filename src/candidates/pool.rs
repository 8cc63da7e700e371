//! Averages the encoder's maps under masks.

use super::Candidate;
use crate::mask::BitMask;
use crate::mask::grow::grow;

/// A map of the encoder, row-major `[rows, columns, channels]`, that is coarser than the masks.
pub struct Surroundings<'a> {
    /// The values of the map.
    pub values: &'a [f32],
    /// The number of columns of the map.
    pub columns: usize,
    /// The number of channels of the map.
    pub channels: usize,
    /// The number of the masks' cells per position of the map, along each axis.
    pub cells: usize,
}

/// The width of the ring around a mask, in cells.
const RING: u32 = 8;

impl Surroundings<'_> {
    /// The mean of the map under a mask, `[channels]`. Each position counts by how much of it the
    /// mask covers.
    fn mean(&self, mask: &BitMask) -> impl Iterator<Item = f32> {
        let mut weights = vec![0u32; self.values.len() / self.channels];
        for (x, y) in mask.pixels() {
            weights[y as usize / self.cells * self.columns + x as usize / self.cells] += 1;
        }
        let mut sums = vec![0.0; self.channels];
        for (&weight, place) in weights.iter().zip(self.values.chunks(self.channels)) {
            if weight > 0 {
                sums.iter_mut().zip(place).for_each(|(sum, value)| *sum += weight as f32 * value);
            }
        }
        let all = weights.iter().sum::<u32>().max(1) as f32;
        sums.into_iter().map(move |sum| sum / all)
    }
}

/// The means of a map inside each candidate or, if `around` is set, in the ring around it:
/// row-major `[candidates, channels]`.
pub fn pool(candidates: &[Candidate], map: &Surroundings, around: bool) -> Vec<f32> {
    let mut pooled = Vec::with_capacity(candidates.len() * map.channels);
    for Candidate { found, .. } in candidates {
        if around {
            let mut ring = grow(&found.cells, RING);
            ring.subtract(&found.cells);
            pooled.extend(map.mean(&ring));
        } else {
            pooled.extend(map.mean(&found.cells));
        }
    }
    pooled
}
