//! Quantises weights: signed values, with one 16-bit scale for each group along the input axis.

use half::f16;

use aims_web::ops::{Bits, GROUP};

/// The smallest scale that is tried, as a share of the scale that the largest weight asks for.
const SMALLEST: f32 = 0.6;
/// The number of steps from that scale to the smallest one.
const STEPS: usize = 24;

/// The values and scales of a row-major matrix with `inputs` columns, a multiple of [`GROUP`].
///
/// Each group takes the scale with the least squared error of several that are tried. The error of
/// a weight counts as much as `importance` says of its input (the mean square of what the layer is
/// fed, see `training/export.py`).
pub fn quantise(
    weights: &[f32],
    inputs: usize,
    bits: Bits,
    importance: Option<&[f32]>,
) -> (Vec<i8>, Vec<f16>) {
    let mut values = Vec::with_capacity(weights.len());
    let mut scales = Vec::with_capacity(weights.len() / GROUP);
    for (index, group) in weights.chunks(GROUP).enumerate() {
        let first = index * GROUP % inputs;
        let importance = importance.map(|all| &all[first..first + GROUP]);
        let scale = best_scale(group, bits, importance);
        values.extend(group.iter().map(|&weight| nearest(weight, scale, bits)));
        scales.push(scale);
    }
    (values, scales)
}

/// Packs two values into each byte, the first in the low half.
pub fn pack_nibbles(values: &[i8]) -> Vec<u8> {
    values.chunks(2).map(|pair| (pair[0] as u8 & 15) | (pair[1] as u8) << 4).collect()
}

/// The scale of a group that gives the least squared error.
pub(super) fn best_scale(group: &[f32], bits: Bits, importance: Option<&[f32]>) -> f16 {
    let largest = group
        .iter()
        .fold(0.0_f32, |max, &weight| if weight.abs() > max.abs() { weight } else { max });
    // The range has one more value below zero than above. The largest weight takes that end,
    // whatever its sign is.
    let full = largest / limits(bits).0;
    let error = |scale: f16| -> f32 {
        group
            .iter()
            .enumerate()
            .map(|(i, &weight)| {
                let error = weight - f32::from(nearest(weight, scale, bits)) * scale.to_f32();
                importance.map_or(1.0, |importance| importance[i]) * error * error
            })
            .sum()
    };
    let tried = (0..=STEPS)
        .map(|i| f16::from_f32(full * (1.0 - (1.0 - SMALLEST) * i as f32 / STEPS as f32)));
    let judged = tried.map(|scale| (error(scale), scale));
    judged.min_by(|a, b| a.0.total_cmp(&b.0)).map_or(f16::ZERO, |(_, scale)| scale)
}

/// The value whose product with the scale, as it is stored, is nearest to the weight.
pub(super) fn nearest(weight: f32, scale: f16, bits: Bits) -> i8 {
    if scale == f16::ZERO {
        return 0;
    }
    let (low, high) = limits(bits);
    (weight / scale.to_f32()).round().clamp(low, high) as i8
}

fn limits(bits: Bits) -> (f32, f32) {
    let half = f32::powi(2.0, bits.count() as i32 - 1);
    (-half, half - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(weights: &[f32], bits: Bits, importance: Option<&[f32]>) -> Vec<f32> {
        let (values, scales) = quantise(weights, weights.len(), bits, importance);
        let read = values
            .iter()
            .enumerate()
            .map(|(i, &value)| f32::from(value) * scales[i / GROUP].to_f32());
        weights.iter().zip(read).map(|(weight, read)| (weight - read).abs()).collect()
    }

    #[test]
    fn error_is_at_most_about_half_a_step() {
        for (bits, half) in [(Bits::Four, 8.0), (Bits::Eight, 128.0)] {
            let weights: Vec<f32> =
                (0..320).map(|i| (i as f32 * 0.37).sin() * (1.0 + i as f32)).collect();
            for (group, error) in
                weights.chunks(GROUP).zip(error(&weights, bits, None).chunks(GROUP))
            {
                let largest = group.iter().fold(0.0_f32, |max, weight| max.max(weight.abs()));
                let mean = error.iter().sum::<f32>() / GROUP as f32;
                assert!(mean <= 0.5 * largest / half, "{bits:?}: {mean} of {largest}");
            }
            let (values, scales) = quantise(&weights, weights.len(), bits, None);
            for (i, weight) in weights.iter().enumerate() {
                let scale = scales[i / GROUP].to_f32();
                let (value, (low, high)) = (f32::from(values[i]), limits(bits));
                // Weights that a smaller scale cuts off lie at an end of the range.
                let is_cut = value == low || value == high;
                let error = (value * scale - weight).abs();
                assert!(
                    is_cut || error <= 0.501 * scale.abs(),
                    "{bits:?}: {weight} became {}",
                    value * scale
                );
            }
        }
    }

    #[test]
    fn zeros_stay_zero() {
        let (values, scales) = quantise(&[0.0; GROUP], GROUP, Bits::Eight, None);
        assert!(values.iter().all(|&value| value == 0));
        assert_eq!(scales, [f16::ZERO]);
    }

    #[test]
    fn inputs_that_matter_get_the_smaller_errors() {
        // One large weight has an input that is always zero. Without it, the others fit exactly.
        let mut weights = [0.3; GROUP];
        weights[5] = 0.4;
        let mut importance = [1.0; GROUP];
        importance[5] = 0.0;
        let sum = |errors: Vec<f32>| {
            errors.iter().enumerate().filter(|(i, _)| *i != 5).map(|(_, e)| e).sum::<f32>()
        };
        let plain = sum(error(&weights, Bits::Four, None));
        let weighed = sum(error(&weights, Bits::Four, Some(&importance)));
        assert!(weighed < plain, "{weighed} is not below {plain}");
    }

    #[test]
    fn nibbles_keep_their_sign() {
        assert_eq!(pack_nibbles(&[-8, 7, -1, 1]), [0x78, 0x1F]);
    }
}
