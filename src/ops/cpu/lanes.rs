//! Four floats in one register. In a browser this is 128-bit SIMD; natively it is an array, which
//! compilers vectorise as well.
//!
//! It is explicit because compilers never fuse a product and a sum into one instruction by
//! themselves. The build for relaxed SIMD has such an instruction.

#[cfg(target_family = "wasm")]
use std::arch::wasm32 as simd;
use std::ops::{Add, Div, Mul};

/// Four floats.
#[derive(Clone, Copy)]
pub(crate) struct Lanes(
    #[cfg(target_family = "wasm")] simd::v128,
    #[cfg(not(target_family = "wasm"))] [f32; Self::COUNT],
);

impl Lanes {
    /// The number of floats in a register.
    pub(crate) const COUNT: usize = 4;

    /// `e^x` for `x <= 0` (softmax needs no more), with a relative error below 4e-7. It is computed
    /// as `2^n`, made from the bits of the exponent, times a polynomial for the rest.
    pub(crate) fn exp(self) -> Self {
        const LN_2_HIGH: f32 = 0.693_359_4;
        const LN_2_LOW: f32 = -2.121_944_4e-4;
        // Floats of this size have no fraction, so adding it rounds and leaves the integer in the
        // lowest bits. A cast to an integer would have to saturate, which takes longer than all the
        // rest.
        const ROUND: f32 = 12_582_912.0;
        // Below this, the result is smaller than the smallest normal number, which is as good as
        // zero.
        let x = self.at_least(-87.0).at_most(0.0);
        let rounded = x.mul_add(Self::splat(std::f32::consts::LOG2_E), Self::splat(ROUND));
        let n = rounded + Self::splat(-ROUND);
        let rest = n.mul_add(Self::splat(-LN_2_LOW), n.mul_add(Self::splat(-LN_2_HIGH), x));
        let p = rest.polynomial([
            0.5,
            1.666_666_5e-1,
            4.166_579_6e-2,
            8.333_452e-3,
            1.398_2e-3,
            1.987_569_2e-4,
        ]);
        (p * rest).mul_add(rest, rest + Self::splat(1.0)) * rounded.power_of_two()
    }

    /// The four values.
    pub(crate) fn values(self) -> [f32; Self::COUNT] {
        let mut values = [0.0; Self::COUNT];
        self.store(&mut values, 0);
        values
    }

    /// The largest of the four values, none of which may be NaN, four times.
    pub(crate) fn largest(self) -> Self {
        let pairs = self.left(self).larger(self.right(self));
        let (first, second) = pairs.halves(pairs);
        first.larger(second)
    }

    /// The larger of each value and `limit`. NaN stays NaN.
    pub(crate) fn at_least(self, limit: f32) -> Self {
        self.larger(Self::splat(limit))
    }

    /// The smaller of each value and `limit`. NaN stays NaN.
    pub(crate) fn at_most(self, limit: f32) -> Self {
        self.smaller(Self::splat(limit))
    }

    /// The polynomial with these coefficients, starting with the constant.
    pub(crate) fn polynomial<const N: usize>(self, coefficients: [f32; N]) -> Self {
        let mut reversed = coefficients.into_iter().rev().map(Self::splat);
        let highest = reversed.next().expect("a polynomial has a coefficient");
        reversed.fold(highest, |sum, coefficient| sum.mul_add(self, coefficient))
    }
}

/// Four integers of 32 bits.
#[derive(Clone, Copy)]
#[cfg(any(target_feature = "relaxed-simd", test))]
pub(crate) struct Integers(
    #[cfg(target_family = "wasm")] simd::v128,
    #[cfg(not(target_family = "wasm"))] [i32; Lanes::COUNT],
);

impl Add for Lanes {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        #[cfg(target_family = "wasm")]
        return Self(simd::f32x4_add(self.0, other.0));
        #[cfg(not(target_family = "wasm"))]
        self.zip(other, |a, b| a + b)
    }
}

impl Mul for Lanes {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        #[cfg(target_family = "wasm")]
        return Self(simd::f32x4_mul(self.0, other.0));
        #[cfg(not(target_family = "wasm"))]
        self.zip(other, |a, b| a * b)
    }
}

impl Div for Lanes {
    type Output = Self;

    fn div(self, other: Self) -> Self {
        #[cfg(target_family = "wasm")]
        return Self(simd::f32x4_div(self.0, other.0));
        #[cfg(not(target_family = "wasm"))]
        self.zip(other, |a, b| a / b)
    }
}

/// Swaps rows and columns of four registers.
pub(crate) fn transposed(rows: [Lanes; Lanes::COUNT]) -> [Lanes; Lanes::COUNT] {
    let [a, b, c, d] = rows;
    let ((ab, cd), (ab_right, cd_right)) = ((a.left(b), c.left(d)), (a.right(b), c.right(d)));
    [ab.halves(cd).0, ab.halves(cd).1, ab_right.halves(cd_right).0, ab_right.halves(cd_right).1]
}

/// Applies `f` to all values in place. If their number is not a multiple of four, `f` also sees the
/// zeros that fill up the last register.
pub(crate) fn map(values: &mut [f32], f: impl Fn(Lanes) -> Lanes) {
    let (chunks, rest) = values.as_chunks_mut::<{ Lanes::COUNT }>();
    chunks.iter_mut().for_each(|chunk| f(Lanes::load(chunk, 0)).store(chunk, 0));
    let mut last = [0.0; Lanes::COUNT];
    last[..rest.len()].copy_from_slice(rest);
    f(Lanes::load(&last, 0)).store(&mut last, 0);
    rest.copy_from_slice(&last[..rest.len()]);
}

#[cfg(target_family = "wasm")]
impl Lanes {
    /// The same value four times.
    pub(crate) fn splat(value: f32) -> Self {
        Self(simd::f32x4_splat(value))
    }

    /// The four values from `index * COUNT` on.
    pub(crate) fn load<const N: usize>(values: &[f32; N], index: usize) -> Self {
        let values = &values[index * Self::COUNT..][..Self::COUNT];
        // SAFETY: the slice has four values, and the load needs no alignment.
        Self(unsafe { simd::v128_load(values.as_ptr().cast()) })
    }

    /// Writes the four values from `index * COUNT` on.
    pub(crate) fn store<const N: usize>(self, values: &mut [f32; N], index: usize) {
        let values = &mut values[index * Self::COUNT..][..Self::COUNT];
        // SAFETY: the same as in `load`.
        unsafe { simd::v128_store(values.as_mut_ptr().cast(), self.0) }
    }

    /// `self * factor + sum`, in one instruction: this module is built for browsers that have it.
    #[cfg(target_feature = "relaxed-simd")]
    pub(crate) fn mul_add(self, factor: Self, sum: Self) -> Self {
        Self(simd::f32x4_relaxed_madd(self.0, factor.0, sum.0))
    }

    /// `self * factor + sum`.
    #[cfg(not(target_feature = "relaxed-simd"))]
    pub(crate) fn mul_add(self, factor: Self, sum: Self) -> Self {
        self * factor + sum
    }

    /// The larger of each two values. NaN stays NaN if it is in `self`.
    pub(crate) fn larger(self, other: Self) -> Self {
        Self(simd::f32x4_pmax(self.0, other.0))
    }

    /// The smaller of each two values. NaN stays NaN if it is in `self`.
    pub(crate) fn smaller(self, other: Self) -> Self {
        Self(simd::f32x4_pmin(self.0, other.0))
    }

    /// The first two values of each, in turns.
    fn left(self, other: Self) -> Self {
        Self(simd::i32x4_shuffle::<0, 4, 1, 5>(self.0, other.0))
    }

    /// The last two values of each, in turns.
    fn right(self, other: Self) -> Self {
        Self(simd::i32x4_shuffle::<2, 6, 3, 7>(self.0, other.0))
    }

    /// The first halves of both, and their second halves.
    fn halves(self, other: Self) -> (Self, Self) {
        let first = simd::i64x2_shuffle::<0, 2>(self.0, other.0);
        (Self(first), Self(simd::i64x2_shuffle::<1, 3>(self.0, other.0)))
    }

    /// `2^n`, where `self` is `1.5 * 2^23 + n`.
    fn power_of_two(self) -> Self {
        Self(simd::i32x4_add(simd::i32x4_shl(self.0, 23), simd::i32x4_splat(127 << 23)))
    }
}

/// The same as above, on arrays.
#[cfg(not(target_family = "wasm"))]
impl Lanes {
    pub(crate) fn splat(value: f32) -> Self {
        Self([value; Self::COUNT])
    }

    pub(crate) fn load<const N: usize>(values: &[f32; N], index: usize) -> Self {
        Self(std::array::from_fn(|i| values[index * Self::COUNT + i]))
    }

    pub(crate) fn store<const N: usize>(self, values: &mut [f32; N], index: usize) {
        values[index * Self::COUNT..][..Self::COUNT].copy_from_slice(&self.0);
    }

    pub(crate) fn mul_add(self, factor: Self, sum: Self) -> Self {
        self * factor + sum
    }

    pub(crate) fn larger(self, other: Self) -> Self {
        self.zip(other, |a, b| if a < b { b } else { a })
    }

    pub(crate) fn smaller(self, other: Self) -> Self {
        self.zip(other, |a, b| if b < a { b } else { a })
    }

    fn left(self, other: Self) -> Self {
        let ([a, b, ..], [c, d, ..]) = (self.0, other.0);
        Self([a, c, b, d])
    }

    fn right(self, other: Self) -> Self {
        let ([.., a, b], [.., c, d]) = (self.0, other.0);
        Self([a, c, b, d])
    }

    fn halves(self, other: Self) -> (Self, Self) {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
        (Self([a, b, e, f]), Self([c, d, g, h]))
    }

    fn power_of_two(self) -> Self {
        Self(self.0.map(|x| f32::from_bits((x.to_bits() << 23).wrapping_add(127 << 23))))
    }

    fn zip(self, other: Self, f: impl Fn(f32, f32) -> f32) -> Self {
        Self(std::array::from_fn(|i| f(self.0[i], other.0[i])))
    }
}

/// This needs relaxed SIMD.
#[cfg(target_feature = "relaxed-simd")]
impl Lanes {
    /// Writes sixteen values from 0 to 127 without their fractions.
    pub(crate) fn store_bytes(four: [Self; 4], bytes: &mut [u8; 16]) {
        let [a, b, c, d] = four.map(|lanes| simd::i32x4_relaxed_trunc_f32x4(lanes.0));
        let halves = (simd::i16x8_narrow_i32x4(a, b), simd::i16x8_narrow_i32x4(c, d));
        let all = simd::u8x16_narrow_i16x8(halves.0, halves.1);
        // SAFETY: there is room for sixteen bytes, and the store needs no alignment.
        unsafe { simd::v128_store(bytes.as_mut_ptr().cast(), all) }
    }
}

#[cfg(target_feature = "relaxed-simd")]
impl Integers {
    pub(crate) fn new([a, b, c, d]: [i32; Lanes::COUNT]) -> Self {
        Self(simd::i32x4(a, b, c, d))
    }

    /// Adds to each integer the products of four weights with four inputs from 0 to 127. The first
    /// integer gets the first four weights.
    pub(crate) fn add_products(self, weights: &[[i8; 4]; 4], inputs: [u8; 4]) -> Self {
        // SAFETY: there are sixteen weights, and the load needs no alignment.
        let weights = unsafe { simd::v128_load(weights.as_ptr().cast()) };
        let inputs = simd::i32x4_splat(i32::from_le_bytes(inputs));
        Self(simd::i32x4_relaxed_dot_i8x16_i7x16_add(weights, inputs, self.0))
    }

    pub(crate) fn to_floats(self) -> Lanes {
        Lanes(simd::f32x4_convert_i32x4(self.0))
    }
}

/// The same as above, on arrays.
#[cfg(all(not(target_family = "wasm"), test))]
impl Lanes {
    pub(crate) fn store_bytes(four: [Self; 4], bytes: &mut [u8; 16]) {
        let values = four.iter().flat_map(|lanes| lanes.0);
        bytes.iter_mut().zip(values).for_each(|(byte, value)| *byte = value as u8);
    }
}

#[cfg(all(not(target_family = "wasm"), test))]
impl Integers {
    pub(crate) fn new(integers: [i32; Lanes::COUNT]) -> Self {
        Self(integers)
    }

    pub(crate) fn add_products(self, weights: &[[i8; 4]; 4], inputs: [u8; 4]) -> Self {
        Self(std::array::from_fn(|i| {
            let products = weights[i].iter().zip(inputs).map(|(&w, x)| i32::from(w) * i32::from(x));
            self.0[i] + products.sum::<i32>()
        }))
    }

    pub(crate) fn to_floats(self) -> Lanes {
        Lanes(self.0.map(|integer| integer as f32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_become_columns() {
        let values: [f32; 16] = std::array::from_fn(|i| i as f32);
        let mut out = [0.0; 16];
        let columns = transposed(std::array::from_fn(|row| Lanes::load(&values, row)));
        columns.into_iter().enumerate().for_each(|(i, column)| column.store(&mut out, i));
        assert_eq!(out, std::array::from_fn(|i| (i % 4 * 4 + i / 4) as f32));
    }

    #[test]
    fn exp_matches_the_standard_library() {
        for i in 0..20_000 {
            let x = -87.0 * i as f32 / 20_000.0;
            let mut value = [x];
            map(&mut value, Lanes::exp);
            let (ours, theirs) = (value[0], x.exp());
            assert!((ours - theirs).abs() <= 4e-7 * theirs, "exp({x}): {ours} against {theirs}");
        }
    }
}
