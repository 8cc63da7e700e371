//! The product with packed weights for browsers that have relaxed SIMD, in integers. One
//! instruction multiplies sixteen weights of 8 bits with inputs of 7 bits and adds up the products,
//! where floats would take four. Inputs are rounded for it in groups of [`GROUP`], each with a scale
//! of its own, as weights are.

use super::lanes::{Integers, Lanes};
use super::operand::Operand;
use crate::ops::bits::GROUP;

/// The number of columns of a panel: one in each place of a register.
const WIDTH: usize = Lanes::COUNT;
/// The number of rows of a tile. Their sums, in integers and in floats, fit into the registers.
const HEIGHT: usize = 6;
/// The number of inputs of a column that one instruction multiplies.
const RUN: usize = 4;
const RUNS: usize = GROUP / RUN;
/// Inputs are stored as bytes that are larger by this, because they may not be negative.
const ZERO: f32 = 64.0;
/// The largest rounded input.
const LARGEST: f32 = 63.0;
/// If all inputs of a group are smaller than this, they count as zeros.
const TINY: f32 = 1e-30;

/// The second factor of a product: `W`, `[cols, depth]`, in panels of [`WIDTH`] columns.
pub(crate) struct IntegerPanels {
    /// The groups of the first panel along the depth, then those of the next one.
    groups: Vec<Group>,
    cols: usize,
    depth: usize,
}

/// The weights of some columns for [`GROUP`] inputs.
struct Group {
    /// For each run, the weights of the first column, then those of the next one.
    runs: [[[i8; RUN]; WIDTH]; RUNS],
    /// The sum of the products begins with this, so that [`ZERO`] cancels out.
    start: [i32; WIDTH],
    scales: [f32; WIDTH],
}

impl IntegerPanels {
    /// The factor made of the `cols * depth` values from `start` on, which must be packed.
    pub(crate) fn new(w: Operand<'_>, start: usize, cols: usize, depth: usize) -> Self {
        let count = depth / GROUP;
        let mut groups = Vec::with_capacity(cols.div_ceil(WIDTH) * count);
        for left in (0..cols).step_by(WIDTH) {
            for number in 0..count {
                let columns = std::array::from_fn(|i| {
                    // The last panel is filled up with a column that is there already.
                    w.group(start / GROUP + (left + i).min(cols - 1) * count + number)
                });
                groups.push(Group::new(columns));
            }
        }
        Self { groups, cols, depth }
    }

    /// The product `out[m, n] = sum_k a[m, k] w[n, k]` of rounded inputs; all three are row-major.
    pub(crate) fn product(&self, a: &[f32], out: &mut [f32]) {
        let Self { ref groups, cols, depth } = *self;
        assert_eq!(
            a.len() * cols,
            out.len() * depth,
            "`a` must be [rows, depth], and `out` [rows, cols]"
        );
        let count = depth / GROUP;
        let tiles: Vec<_> =
            a.chunks(HEIGHT * depth).flat_map(|rows| Inputs::of_tile(rows, depth)).collect();
        for (i, panel) in groups.chunks(count).enumerate() {
            for (inputs, out) in tiles.chunks(count).zip(out.chunks_mut(HEIGHT * cols)) {
                let sums = tile(panel, inputs);
                for (out, sum) in out.chunks_mut(cols).zip(sums) {
                    let out = &mut out[i * WIDTH..];
                    match out.first_chunk_mut::<WIDTH>() {
                        Some(out) => sum.store(out, 0),
                        None => out.iter_mut().zip(sum.values()).for_each(|(out, sum)| *out = sum),
                    }
                }
            }
        }
    }
}

impl Group {
    fn new(columns: [([i8; GROUP], f32); WIDTH]) -> Self {
        let weights = columns.each_ref().map(|(weights, _)| weights.as_chunks::<RUN>().0);
        let runs = std::array::from_fn(|run| weights.map(|weights| weights[run]));
        let sum = |weights: [i8; GROUP]| weights.into_iter().map(i32::from).sum::<i32>();
        Self {
            runs,
            start: columns.map(|(weights, _)| -(ZERO as i32) * sum(weights)),
            scales: columns.map(|(_, scale)| scale),
        }
    }
}

/// [`GROUP`] inputs of each row of a tile: `value = (byte - ZERO) * scale`. If there are fewer rows,
/// the rest has no meaning.
#[derive(Clone, Default)]
struct Inputs {
    /// For each run, the inputs of the first row, then those of the next one.
    runs: [[[u8; RUN]; HEIGHT]; RUNS],
    scales: [f32; HEIGHT],
}

impl Inputs {
    /// The groups of some rows along the depth.
    fn of_tile(rows: &[f32], depth: usize) -> Vec<Self> {
        let mut groups = vec![Self::default(); depth / GROUP];
        for (row, values) in rows.chunks(depth).enumerate() {
            for (group, values) in groups.iter_mut().zip(values.as_chunks::<GROUP>().0) {
                let (bytes, scale) = rounded(values);
                for (to, from) in group.runs.iter_mut().zip(bytes.as_chunks::<RUN>().0) {
                    to[row] = *from;
                }
                group.scales[row] = scale;
            }
        }
        groups
    }
}

/// Rounds a group of inputs. Returns their bytes and the scale.
fn rounded(values: &[f32; GROUP]) -> ([u8; GROUP], f32) {
    let all: [Lanes; GROUP / Lanes::COUNT] = std::array::from_fn(|i| Lanes::load(values, i));
    let [mut highest, mut lowest, mut poison] = [Lanes::splat(0.0); 3];
    for value in all {
        highest = highest.larger(value);
        lowest = lowest.smaller(value);
        // This is NaN if a value is NaN or infinite, and so are all results then.
        poison = value.mul_add(Lanes::splat(0.0), poison);
    }
    let largest = highest.larger(lowest * Lanes::splat(-1.0)).largest();
    let factor = Lanes::splat(LARGEST) / largest.at_least(TINY);
    // Conversion cuts the fraction off.
    let rounded = all.map(|value| value.mul_add(factor, Lanes::splat(ZERO + 0.5)));
    let mut bytes = [0; GROUP];
    let quarters = rounded.as_chunks::<4>().0.iter();
    for (bytes, four) in bytes.as_chunks_mut::<16>().0.iter_mut().zip(quarters) {
        Lanes::store_bytes(*four, bytes);
    }
    let [a, b, c, d] = poison.values();
    (bytes, largest.values()[0] * (1.0 / LARGEST) + (a + b) + (c + d))
}

/// The products of the rows of a tile with the columns of a panel.
fn tile(panel: &[Group], inputs: &[Inputs]) -> [Lanes; HEIGHT] {
    let mut sums = [Lanes::splat(0.0); HEIGHT];
    for (group, inputs) in panel.iter().zip(inputs) {
        let mut products = [Integers::new(group.start); HEIGHT];
        for (weights, rows) in group.runs.iter().zip(&inputs.runs) {
            for (product, row) in products.iter_mut().zip(rows) {
                *product = product.add_products(weights, *row);
            }
        }
        let scales = Lanes::load(&group.scales, 0);
        for ((sum, product), scale) in sums.iter_mut().zip(products).zip(inputs.scales) {
            *sum = product.to_floats().mul_add(scales * Lanes::splat(scale), *sum);
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ops::bits::Bits;

    proptest! {
        /// The sizes lie on both sides of the ends of tiles and panels.
        #[test]
        fn is_the_product_with_rounded_inputs(
            (rows, cols, groups) in (1usize..14, 1usize..10, 1usize..5),
            bits in prop_oneof![Just(Bits::Four), Just(Bits::Eight)],
        ) {
            let depth = groups * GROUP;
            let values = |count: usize, seed: usize| -> Vec<f32> {
                (0..count).map(|i| ((i * 7919 + seed) % 1013) as f32 / 200.0 - 2.5).collect()
            };
            let (a, scales) = (values(rows * depth, 3), values(cols * groups, 11));
            let packed: Vec<i32> = (0..cols * depth / bits.per_u32())
                .map(|i| (i as i32).wrapping_mul(-1_640_531_527))
                .collect();
            let w = Operand::Packed { packed: &packed, bits, scales: &scales };
            let mut weights = vec![0.0; cols * depth];
            w.read(0, &mut weights);
            let mut out = vec![f32::NAN; rows * cols];
            IntegerPanels::new(w, 0, cols, depth).product(&a, &mut out);
            for (i, out) in out.iter().enumerate() {
                let (a, w) = (&a[i / cols * depth..][..depth], &weights[i % cols * depth..][..depth]);
                let exact: f32 = a.iter().zip(w).map(|(a, w)| a * w).sum();
                // Each input is off by at most half of its group's step.
                let largest = |a: &[f32]| a.iter().fold(0.0, |most: f32, a| most.max(a.abs()));
                let steps = a.chunks(GROUP).zip(w.chunks(GROUP)).map(|(a, w)| {
                    largest(a) / LARGEST / 2.0 * w.iter().map(|w| w.abs()).sum::<f32>()
                });
                let most = steps.sum::<f32>() * 1.001 + 1e-3;
                prop_assert!((out - exact).abs() <= most, "{out} against {exact}, within {most}");
            }
        }
    }

    #[test]
    fn rounded_inputs_are_multiplied_exactly() {
        let values: [f32; GROUP] = std::array::from_fn(|i| i as f32 * 4.0 - 63.0);
        let a: Vec<f32> = values.iter().map(|value| value * 0.25).collect();
        let packed: [i32; 8] = std::array::from_fn(|i| 0x01_02_80_7f + i as i32);
        let w = Operand::Packed { packed: &packed, bits: Bits::Eight, scales: &[0.5] };
        let mut weights = [0.0; GROUP];
        w.read(0, &mut weights);
        let expected: f32 = a.iter().zip(weights).map(|(a, w)| a * w).sum();
        let mut out = [0.0];
        IntegerPanels::new(w, 0, 1, GROUP).product(&a, &mut out);
        assert!((out[0] - expected).abs() < 1e-2, "{} against {expected}", out[0]);
    }

    #[test]
    fn values_that_are_not_finite_make_the_result_nan() {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for place in [0, 5, GROUP - 1] {
                let mut a = [1.0; GROUP];
                a[place] = bad;
                let w = Operand::Packed {
                    packed: &[0x01_01_01_01; 8],
                    bits: Bits::Eight,
                    scales: &[1.0],
                };
                let mut out = [0.0];
                IntegerPanels::new(w, 0, 1, GROUP).product(&a, &mut out);
                assert!(out[0].is_nan(), "{bad} at {place}: {}", out[0]);
            }
        }
    }
}
