//! The product of floats for browsers, where there are no threads and registers hold four floats.
//! `gemm`, which is used natively, is slower there (`docs/performance.md`).

use super::lanes::{self, Lanes};
use super::operand::Operand;

/// The number of registers across a tile of the result. It and [`HEIGHT`] are chosen so that all
/// sums, and what is added to them, fit into fifteen registers. Without relaxed SIMD, a product and
/// its sum are two steps with a register between them, and another shape is faster.
const ACROSS: usize = if cfg!(target_feature = "relaxed-simd") { 3 } else { 2 };
/// The number of rows of a tile.
const HEIGHT: usize = if cfg!(target_feature = "relaxed-simd") { 3 } else { 4 };
/// The number of columns of a tile.
const WIDTH: usize = ACROSS * Lanes::COUNT;
/// The depth of a block, chosen so that a panel's share of it (8 KiB, or 12 KiB with relaxed SIMD)
/// stays in the fastest cache.
const DEPTH: usize = 256;

/// The second factor of a product: `W`, `[cols, depth]`, in panels of [`WIDTH`] columns. A panel
/// has the values of all its columns at one depth next to each other; the last panel is filled up
/// with zeros.
pub(crate) struct FloatPanels {
    panels: Vec<f32>,
    cols: usize,
    depth: usize,
}

impl FloatPanels {
    /// The factor made of the `cols * depth` values from `start` on.
    pub(crate) fn new(w: Operand<'_>, start: usize, cols: usize, depth: usize) -> Self {
        let mut panels = vec![0.0; cols.next_multiple_of(WIDTH) * depth];
        let mut rows = vec![0.0; WIDTH.min(cols) * depth];
        for (i, panel) in panels.chunks_mut(WIDTH * depth).enumerate() {
            let rows = &mut rows[..WIDTH.min(cols - i * WIDTH) * depth];
            w.read(start + i * WIDTH * depth, rows);
            for (group, rows) in rows.chunks(Lanes::COUNT * depth).enumerate() {
                pack(rows, depth, panel.as_chunks_mut().0, group);
            }
        }
        Self { panels, cols, depth }
    }

    /// The product `out[m, n] = sum_k a[m, k] w[n, k]`; all three are row-major.
    pub(crate) fn product(&self, a: &[f32], out: &mut [f32]) {
        let Self { ref panels, cols, depth } = *self;
        assert_eq!(
            a.len() * cols,
            out.len() * depth,
            "`a` must be [rows, depth], and `out` [rows, cols]"
        );
        for start in (0..depth).step_by(DEPTH) {
            let length = DEPTH.min(depth - start);
            for (i, panel) in panels.chunks(WIDTH * depth).enumerate() {
                let panel = &panel[start * WIDTH..][..length * WIDTH];
                let block = Block { start, left: i * WIDTH, cols, depth };
                for (a, out) in a.chunks(HEIGHT * depth).zip(out.chunks_mut(HEIGHT * cols)) {
                    match out.len() / cols {
                        4 => block.add::<4>(a, panel, out),
                        3 => block.add::<3>(a, panel, out),
                        2 => block.add::<2>(a, panel, out),
                        _ => block.add::<1>(a, panel, out),
                    }
                }
            }
        }
    }
}

/// Writes up to four rows of `W` to four columns of a panel: those of register number `group`.
fn pack(rows: &[f32], depth: usize, panel: &mut [[f32; WIDTH]], group: usize) {
    let (fours, rest) = panel.as_chunks_mut::<{ Lanes::COUNT }>();
    let mut packed = 0;
    if rows.len() == Lanes::COUNT * depth {
        let rows: [_; Lanes::COUNT] = std::array::from_fn(|row| {
            rows[row * depth..][..depth].as_chunks::<{ Lanes::COUNT }>().0
        });
        for (k, panel) in fours.iter_mut().enumerate() {
            let columns = lanes::transposed(rows.map(|row| Lanes::load(&row[k], 0)));
            panel.iter_mut().zip(columns).for_each(|(panel, column)| column.store(panel, group));
        }
        packed = depth - rest.len();
    }
    for (column, row) in rows.chunks(depth).enumerate() {
        for (panel, value) in panel.iter_mut().zip(row).skip(packed) {
            panel[group * Lanes::COUNT + column] = *value;
        }
    }
}

/// A part of the depth, from `start` on, and a panel of columns, from `left` on.
struct Block {
    start: usize,
    left: usize,
    cols: usize,
    depth: usize,
}

impl Block {
    /// Adds the products of this part to `ROWS` rows of the result. The first part overwrites what
    /// is there.
    fn add<const ROWS: usize>(&self, a: &[f32], panel: &[f32], out: &mut [f32]) {
        let &Self { start, left, cols, depth } = self;
        let panel = panel.as_chunks::<WIDTH>().0;
        let rows: [&[f32]; ROWS] =
            std::array::from_fn(|row| &a[row * depth + start..][..panel.len()]);
        let mut sums = [[Lanes::splat(0.0); ACROSS]; ROWS];
        for (k, weights) in panel.iter().enumerate() {
            let weights: [Lanes; ACROSS] = std::array::from_fn(|i| Lanes::load(weights, i));
            for (sums, row) in sums.iter_mut().zip(rows) {
                // SAFETY: each row was cut to the panel's depth. A check here would cost a third of
                // the speed.
                let value = Lanes::splat(unsafe { *row.get_unchecked(k) });
                for (sum, weights) in sums.iter_mut().zip(weights) {
                    *sum = value.mul_add(weights, *sum);
                }
            }
        }
        let width = WIDTH.min(cols - left);
        for (sums, out) in sums.iter().zip(out.chunks_mut(cols)) {
            let out = &mut out[left..left + width];
            // A copy whose length the compiler does not know is a call. For a short depth it would
            // take as long as the product.
            if let Ok(out) = <&mut [f32; WIDTH]>::try_from(&mut *out) {
                for (i, &sum) in sums.iter().enumerate() {
                    let sum = if start == 0 { sum } else { sum + Lanes::load(out, i) };
                    sum.store(out, i);
                }
                continue;
            }
            let mut values = [0.0; WIDTH];
            sums.iter().enumerate().for_each(|(i, sum)| sum.store(&mut values, i));
            if start == 0 {
                out.copy_from_slice(&values[..width]);
            } else {
                out.iter_mut().zip(values).for_each(|(out, value)| *out += value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The sizes lie on both sides of the ends of tiles and blocks.
        #[test]
        fn is_the_sum_of_products(rows in 1usize..10, cols in 1usize..20, depth in prop_oneof![1usize..12, 254usize..260, 511usize..515]) {
            // Small integers are exact in floating point.
            let value = |i: usize| ((i * 7919) % 13) as f32 - 6.0;
            let a: Vec<f32> = (0..rows * depth).map(value).collect();
            let w: Vec<f32> = (0..cols * depth).map(|i| value(i + 5)).collect();
            let mut out = vec![f32::NAN; rows * cols];
            FloatPanels::new(Operand::Floats(&w), 0, cols, depth).product(&a, &mut out);
            for (i, out) in out.iter().enumerate() {
                let (m, n) = (i / cols, i % cols);
                let expected: f32 = (0..depth).map(|k| a[m * depth + k] * w[n * depth + k]).sum();
                prop_assert_eq!(*out, expected, "row {}, column {}", m, n);
            }
        }
    }
}
