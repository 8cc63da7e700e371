//! GPTQ (Frantar et al., 2022) rounds weights one input after another. The error that a rounding
//! causes in a layer's output is compensated for by the weights that are not rounded yet, as far as
//! the inputs are correlated.

use half::f16;
use nalgebra::{Cholesky, DMatrix};
use rayon::prelude::*;

use super::quantise::{best_scale, nearest};
use aims_web::ops::{Bits, GROUP};

/// This share of the mean square of all inputs is added to the mean square of each. Otherwise the
/// weights of inputs that were never seen could take up any error.
const DAMPING: f64 = 0.01;

/// The values and scales of a row-major matrix whose layer has inputs with these `moments`, as
/// [`super::quantise::quantise`] returns them.
pub fn quantise(weights: &[f32], bits: Bits, moments: &DMatrix<f32>) -> (Vec<i8>, Vec<f16>) {
    let inputs = moments.nrows();
    let importance: Vec<f32> = moments.diagonal().iter().copied().collect();
    let Some(spread) = spread(moments) else {
        return super::quantise::quantise(weights, inputs, bits, Some(&importance));
    };
    let rows: Vec<_> = weights
        .par_chunks(inputs)
        .map(|row| quantise_row(row.to_vec(), bits, &importance, &spread))
        .collect();
    let (values, scales): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
    (values.concat(), scales.concat())
}

fn quantise_row(
    mut row: Vec<f32>,
    bits: Bits,
    importance: &[f32],
    spread: &[f32],
) -> (Vec<i8>, Vec<f16>) {
    let inputs = row.len();
    let (mut values, mut scales) = (Vec::with_capacity(inputs), Vec::with_capacity(inputs / GROUP));
    for start in (0..inputs).step_by(GROUP) {
        let group = start..start + GROUP;
        let scale = best_scale(&row[group.clone()], bits, Some(&importance[group.clone()]));
        for i in group {
            let value = nearest(row[i], scale, bits);
            let spread = &spread[i * inputs..][..inputs];
            let error = (row[i] - f32::from(value) * scale.to_f32()) / spread[i];
            for (later, share) in row[i + 1..].iter_mut().zip(&spread[i + 1..]) {
                *later -= error * share;
            }
            values.push(value);
        }
        scales.push(scale);
    }
    (values, scales)
}

/// How an error in the weight of one input is best spread over the weights of later inputs: the
/// upper triangular matrix U for which UᵀU is the inverse of the moments, row by row. `None` if all
/// inputs of the layer were zero.
fn spread(moments: &DMatrix<f32>) -> Option<Vec<f32>> {
    let inputs = moments.nrows();
    let damping = DAMPING * f64::from(moments.trace()) / inputs as f64;
    // With rows and columns in reverse order, Cholesky's lower triangle gives the upper one that is
    // wanted, and no inverse is needed.
    let last = inputs - 1;
    let reversed = DMatrix::from_fn(inputs, inputs, |i, j| {
        f64::from(moments[(last - i, last - j)]) + if i == j { damping } else { 0.0 }
    });
    let lower = Cholesky::new(reversed)?.unpack();
    let inverse = lower.solve_lower_triangular(&DMatrix::identity(inputs, inputs))?;
    let upper = |i: usize| (0..inputs).map(move |j| (last - i, last - j));
    Some((0..inputs).flat_map(upper).map(|place| inverse[place] as f32).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const INPUTS: usize = 2 * GROUP;

    /// Rows of inputs in which neighbours are similar.
    fn rows() -> DMatrix<f32> {
        DMatrix::from_fn(200, INPUTS, |row, i| {
            let wave = |step: usize| ((row * 37 + step * 91) as f32 * 0.731).sin();
            wave(i / 4) + 0.2 * wave(1000 + i)
        })
    }

    fn output_error(weights: &[f32], (values, scales): (Vec<i8>, Vec<f16>)) -> f32 {
        let read = values
            .iter()
            .enumerate()
            .map(|(i, &value)| f32::from(value) * scales[i / GROUP].to_f32());
        let errors: Vec<f32> =
            weights.iter().zip(read).map(|(weight, read)| weight - read).collect();
        let errors = DMatrix::from_row_slice(weights.len() / INPUTS, INPUTS, &errors);
        (rows() * errors.transpose()).norm_squared()
    }

    #[test]
    fn outputs_are_nearer_than_with_each_weight_rounded_alone() {
        let weights: Vec<f32> = (0..8 * INPUTS).map(|i| (i as f32 * 0.917).sin()).collect();
        let moments = rows().transpose() * rows() / 200.0;
        let importance: Vec<f32> = moments.diagonal().iter().copied().collect();
        for bits in [Bits::Four, Bits::Eight] {
            let alone = super::super::quantise::quantise(&weights, INPUTS, bits, Some(&importance));
            let alone = output_error(&weights, alone);
            let together = output_error(&weights, quantise(&weights, bits, &moments));
            assert!(together < 0.5 * alone, "{bits:?}: {together} is not below half of {alone}");
        }
    }

    #[test]
    fn the_spread_is_a_factor_of_the_inverse() {
        let moments =
            DMatrix::from_row_slice(3, 3, &[4.0, 1.0, 0.5, 1.0, 3.0, 0.25, 0.5, 0.25, 2.0]);
        let upper =
            DMatrix::from_row_slice(3, 3, &spread(&moments).expect("it is positive definite"));
        let damped = &moments + DMatrix::identity(3, 3) * (DAMPING as f32 * 3.0);
        let product = upper.transpose() * &upper * damped;
        assert!((product - DMatrix::identity(3, 3)).norm() < 1e-5);
        assert_eq!((upper[(1, 0)], upper[(2, 0)], upper[(2, 1)]), (0.0, 0.0, 0.0));
    }

    #[test]
    fn inputs_that_are_always_zero_leave_plain_rounding() {
        let weights: Vec<f32> = (0..INPUTS).map(|i| (i as f32 * 0.917).sin()).collect();
        let nothing = DMatrix::zeros(INPUTS, INPUTS);
        let plain =
            super::super::quantise::quantise(&weights, INPUTS, Bits::Eight, Some(&[0.0; INPUTS]));
        assert_eq!(quantise(&weights, Bits::Eight, &nothing), plain);
    }
}
