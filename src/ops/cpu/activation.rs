use crate::ops::Activation;

/// Applies the activation in place.
pub fn activate(values: &mut [f32], activation: Activation) {
    match activation {
        Activation::None => {}
        // Not `f32::max`, which in a browser is a call and loses NaN.
        Activation::Relu => values.iter_mut().for_each(|x| *x = if *x < 0.0 { 0.0 } else { *x }),
        Activation::Gelu => values.iter_mut().for_each(|x| *x = gelu(*x)),
    }
}

fn gelu(x: f32) -> f32 {
    0.5 * x * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2))
}

/// Abramowitz and Stegun 7.1.26, |error| <= 1.5e-7; the shaders use the same polynomial.
fn erf(x: f32) -> f32 {
    let t = 1.0 / (1.0 + 0.327_591_1 * x.abs());
    let poly =
        ((((1.061_405_4 * t - 1.453_152_1) * t + 1.421_413_8) * t - 0.284_496_72) * t + 0.254_829_6) * t;
    (1.0 - poly * exp(-x * x)).copysign(x)
}

/// `e^x` for x <= 0 (softmax and erf need no more), relative error below 2e-7, in a form that compilers vectorise:
/// 2^n by the exponent's bits times a polynomial for the rest.
pub fn exp(x: f32) -> f32 {
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    // Floats of this size have no fraction: adding it rounds, and leaves the integer in the lowest bits. Casts to an integer
    // would have to saturate, which takes longer than all the rest.
    const ROUND: f32 = 12_582_912.0;
    // Below this the result is under the smallest normal number: as good as zero for both users.
    let x = x.clamp(-87.0, 0.0);
    let rounded = x * std::f32::consts::LOG2_E + ROUND;
    let n = rounded - ROUND;
    let r = x - n * LN_2_HIGH - n * LN_2_LOW;
    let mut p = 1.987_569_2e-4;
    p = p * r + 1.398_2e-3;
    p = p * r + 8.333_452e-3;
    p = p * r + 4.166_579_6e-2;
    p = p * r + 1.666_666_5e-1;
    p = p * r + 0.5;
    let power = f32::from_bits((rounded.to_bits() << 23).wrapping_add(127 << 23));
    (p * r * r + r + 1.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_matches_the_standard_library() {
        for i in 0..20_000 {
            let x = -87.0 * i as f32 / 20_000.0;
            let (ours, theirs) = (exp(x), x.exp());
            assert!((ours - theirs).abs() <= 4e-7 * theirs, "exp({x}): {ours} against {theirs}");
        }
    }

    #[test]
    fn gelu_matches_tabled_values() {
        // scipy.special.ndtr(x) * x
        for (x, expected) in [
            (-3.0, -0.004_049_69),
            (-1.0, -0.158_655_25),
            (0.0, 0.0),
            (0.5, 0.345_731_23),
            (2.0, 1.954_499_7),
        ] {
            assert!((gelu(x) - expected).abs() < 1e-6, "gelu({x}) = {}", gelu(x));
        }
    }
}
