//! 8-bit weights: symmetric, one 16-bit scale for each group along the input axis.

use half::f16;

use crate::ops::GROUP;

/// Values and scales of a row-major matrix whose rows are whole groups.
pub fn quantise(weights: &[f32]) -> (Vec<i8>, Vec<f16>) {
    let mut values = Vec::with_capacity(weights.len());
    let mut scales = Vec::with_capacity(weights.len() / GROUP);
    for group in weights.chunks(GROUP) {
        let largest = group.iter().fold(0.0_f32, |max, weight| max.max(weight.abs()));
        // Values are rounded against the scale as it will be read: 16 bits.
        let scale = f16::from_f32(largest / 127.0);
        let divisor = if scale == f16::ZERO { 1.0 } else { scale.to_f32() };
        values.extend(group.iter().map(|weight| (weight / divisor).round().clamp(-127.0, 127.0) as i8));
        scales.push(scale);
    }
    (values, scales)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_is_at_most_about_half_a_step() {
        let weights: Vec<f32> = (0..320).map(|i| (i as f32 * 0.37).sin() * (1.0 + i as f32)).collect();
        let (values, scales) = quantise(&weights);
        for (i, weight) in weights.iter().enumerate() {
            let scale = scales[i / GROUP].to_f32();
            let read = f32::from(values[i]) * scale;
            // The scale's own rounding can push the largest value past 127 steps by at most 127 * 2^-11 of one.
            assert!((read - weight).abs() <= 0.57 * scale, "{weight} became {read}");
        }
    }

    #[test]
    fn zeros_stay_zero() {
        let (values, scales) = quantise(&[0.0; GROUP]);
        assert!(values.iter().all(|&value| value == 0));
        assert_eq!(scales, [f16::ZERO]);
    }
}
