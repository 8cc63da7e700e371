//! Weights as the CPU has them: packed, and expanded on the way into a product.

use std::borrow::Cow;

use super::parallel::for_each_chunk;
use crate::ops::bits::{Bits, GROUP};

/// The weights of a product, as they are kept: the network's own stay packed, which takes an eighth or a quarter of the memory, and are
/// expanded on the way into a product.
#[derive(Clone, Copy)]
pub enum Operand<'a> {
    Floats(&'a [f32]),
    /// The values of one scale are consecutive.
    Packed {
        words: &'a [i32],
        bits: Bits,
        scales: &'a [f32],
    },
}

impl<'a> Operand<'a> {
    /// So many values from `start` on, both whole groups where they are packed.
    pub fn values(&self, start: usize, length: usize) -> Cow<'a, [f32]> {
        match *self {
            Operand::Floats(values) => Cow::Borrowed(&values[start..start + length]),
            Operand::Packed { words, bits, scales } => {
                let words = &words[start / bits.per_word()..(start + length) / bits.per_word()];
                let scales = &scales[start / GROUP..(start + length) / GROUP];
                Cow::Owned(dequantise(words, bits, scales))
            }
        }
    }
}

/// Expands packed weights: the values of one scale are consecutive.
fn dequantise(words: &[i32], bits: Bits, scales: &[f32]) -> Vec<f32> {
    /// Values that one thread expands at a time: whole groups.
    const BLOCK: usize = 512 * GROUP;
    let mut weights = vec![0.0; words.len() * bits.per_word()];
    for_each_chunk(&mut weights, BLOCK, |block, out| {
        let words = words[block * BLOCK / bits.per_word()..].chunks(GROUP / bits.per_word());
        let groups = out.chunks_mut(GROUP).zip(words).zip(&scales[block * BLOCK / GROUP..]);
        for ((out, words), scale) in groups {
            match bits {
                // All machines that this runs on are little-endian: a word's lowest bits come first.
                Bits::Eight => {
                    let values: &[i8] = bytemuck::cast_slice(words);
                    out.iter_mut()
                        .zip(values)
                        .for_each(|(out, &value)| *out = f32::from(value) * scale);
                }
                Bits::Four => {
                    for (out, word) in out.chunks_mut(bits.per_word()).zip(words) {
                        let value = |i: usize| ((word << (28 - 4 * i)) >> 28) as f32;
                        out.iter_mut().enumerate().for_each(|(i, out)| *out = value(i) * scale);
                    }
                }
            }
        }
    });
    weights
}
