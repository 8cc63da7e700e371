//! The few tokens of a prompt, and how they compare with many tokens of a photo.

use super::HeadLayout;
use crate::ops::cpu::{Lanes, lanes};

/// The most tokens that count as few.
pub(super) const FEW: usize = 16;
/// The number of registers for one number of each of some tokens of the photo.
pub(super) const PAIR: usize = 2;
/// The number of tokens of the photo that are compared at once, each in its own place of the
/// registers.
pub(super) const SIDE_BY_SIDE: usize = PAIR * Lanes::COUNT;
/// The number of sums, of [`PAIR`] registers each, that stay in registers at a time.
pub(super) const TOGETHER: usize = 4;

/// At most [`FEW`] tokens of one head. The others are zeros.
pub(super) struct Tokens<const DIM: usize> {
    channels: [[f32; DIM]; FEW],
    count: usize,
}

impl<const DIM: usize> Tokens<DIM> {
    /// The first `count` tokens of `data`, times `scale`.
    pub(super) fn new(
        data: &[f32],
        layout: &HeadLayout,
        head: usize,
        count: usize,
        scale: f32,
    ) -> Self {
        let mut channels = [[0.0; DIM]; FEW];
        for (i, channels) in channels[..count].iter_mut().enumerate() {
            *channels = layout.token::<DIM>(data, i, head).map(|channel| channel * scale);
        }
        Self { channels, count }
    }

    /// The tokens.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[f32; DIM]> {
        self.channels[..self.count].iter()
    }

    /// The products of each token with each of the `others`. Those after the last token, up to a
    /// multiple of [`TOGETHER`], are zeros, and the rest has no meaning.
    pub(super) fn products(&self, others: [&[f32; DIM]; SIDE_BY_SIDE]) -> [[Lanes; PAIR]; FEW] {
        let others = side_by_side(others);
        let mut products = [[Lanes::splat(0.0); PAIR]; FEW];
        let groups = products.as_chunks_mut::<TOGETHER>().0.iter_mut();
        let tokens = self.channels.as_chunks::<TOGETHER>().0.iter();
        for (products, tokens) in groups.zip(tokens).take(self.count.div_ceil(TOGETHER)) {
            let mut sums = [[Lanes::splat(0.0); PAIR]; TOGETHER];
            for (channel, &other) in others.iter().enumerate() {
                for (sum, token) in sums.iter_mut().zip(tokens) {
                    add_product(sum, other, token[channel]);
                }
            }
            *products = sums;
        }
        products
    }
}

/// Adds `values * factor` to `sum`.
pub(super) fn add_product(sum: &mut [Lanes; PAIR], values: [Lanes; PAIR], factor: f32) {
    let factor = Lanes::splat(factor);
    sum.iter_mut().zip(values).for_each(|(sum, value)| *sum = value.mul_add(factor, *sum));
}

/// Each channel of all tokens.
fn side_by_side<const DIM: usize>(tokens: [&[f32; DIM]; SIDE_BY_SIDE]) -> [[Lanes; PAIR]; DIM] {
    let mut channels = [[Lanes::splat(0.0); PAIR]; DIM];
    for (part, channels) in channels.as_chunks_mut::<{ Lanes::COUNT }>().0.iter_mut().enumerate() {
        for half in 0..PAIR {
            let row = |i: usize| Lanes::load(tokens[half * Lanes::COUNT + i], part);
            let columns = lanes::transposed(std::array::from_fn(row));
            channels.iter_mut().zip(columns).for_each(|(channel, column)| channel[half] = column);
        }
    }
    channels
}
