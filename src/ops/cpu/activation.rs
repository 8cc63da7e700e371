//! Non-linearities on the CPU.

use super::lanes::{self, Lanes};
use crate::ops::activation::Activation;

/// Applies the activation in place.
pub(crate) fn activate(values: &mut [f32], activation: Activation) {
    match activation {
        Activation::None => {}
        Activation::Relu => lanes::map(values, |x| x.at_least(0.0)),
        Activation::Relu6 => lanes::map(values, |x| x.at_least(0.0).at_most(6.0)),
        Activation::Gelu => lanes::map(values, gelu),
    }
}

/// `x Phi(x)`, with an error of at most 3e-7 times the larger of 1 and |x|. Phi is the normal
/// distribution, here one half plus a rational function that was fitted to it (minimax, weighted
/// for this use). The shaders compute `erf` with exponentials; without an instruction for these,
/// that takes three times as long.
fn gelu(x: Lanes) -> Lanes {
    // Beyond this, Phi is 0 or 1.
    const END: f32 = 5.25;
    let inner = x.at_least(-END).at_most(END);
    let square = inner * inner;
    let above = square.polynomial([
        3.989_412e-1,
        5.662_009_6e-2,
        6.021_687e-3,
        3.947_949_3e-4,
        7.235_989_6e-6,
    ]);
    let below = square.polynomial([
        1.0,
        3.085_767_2e-1,
        4.154_880_8e-2,
        3.157_091e-3,
        1.429_179_6e-4,
        6.034_486e-7,
    ]);
    x.at_least(-END) * (inner * above / below + Lanes::splat(0.5))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gelu_matches_tabled_values() {
        // scipy.special.ndtr(x) * x
        for (x, expected) in [
            (-1000.0, 0.0),
            (-5.0, -1.433_258e-6),
            (-3.0, -0.004_049_69),
            (-1.0, -0.158_655_25),
            (0.0, 0.0),
            (0.5, 0.345_731_23),
            (2.0, 1.954_499_7),
            (6.0, 6.0),
        ] {
            let mut values = [x];
            activate(&mut values, Activation::Gelu);
            let off = (values[0] - expected).abs();
            assert!(off < 3e-7 * x.abs().clamp(1.0, 6.0), "gelu({x}) = {}", values[0]);
        }
    }

    #[test]
    fn nan_stays() {
        for activation in [Activation::None, Activation::Relu, Activation::Relu6, Activation::Gelu]
        {
            let mut values = [f32::NAN; 5];
            activate(&mut values, activation);
            assert!(values.iter().all(|value| value.is_nan()), "{activation:?}: {values:?}");
        }
    }
}
