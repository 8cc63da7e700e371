//! Weights on the CPU. They stay packed and are expanded when a product needs them.

use std::borrow::Cow;

use super::parallel::for_each_chunk;
use crate::ops::bits::{Bits, GROUP};

/// The weights of a product, as they are stored. Those of the network stay packed, which takes an
/// eighth or a quarter of the memory, and are expanded when a product needs them.
#[derive(Clone, Copy)]
pub(crate) enum Operand<'a> {
    Floats(&'a [f32]),
    /// Packed weights. Those that share a scale are consecutive.
    Packed {
        packed: &'a [i32],
        bits: Bits,
        scales: &'a [f32],
    },
}

impl<'a> Operand<'a> {
    /// The `length` values from `start` on. If they are packed, both numbers must be multiples of
    /// [`GROUP`].
    pub(crate) fn values(&self, start: usize, length: usize) -> Cow<'a, [f32]> {
        match *self {
            Operand::Floats(values) => Cow::Borrowed(&values[start..start + length]),
            Operand::Packed { packed, bits, scales } => {
                let packed = &packed[start / bits.per_u32()..(start + length) / bits.per_u32()];
                let scales = &scales[start / GROUP..(start + length) / GROUP];
                Cow::Owned(dequantise(packed, bits, scales))
            }
        }
    }
}

/// Expands packed weights. Those that share a scale are consecutive.
fn dequantise(packed: &[i32], bits: Bits, scales: &[f32]) -> Vec<f32> {
    /// The number of values that one thread expands at a time: whole groups.
    const BLOCK: usize = 512 * GROUP;
    let mut weights = vec![0.0; packed.len() * bits.per_u32()];
    for_each_chunk(&mut weights, BLOCK, |block, out| {
        let packed = packed[block * BLOCK / bits.per_u32()..].chunks(GROUP / bits.per_u32());
        let groups = out.chunks_mut(GROUP).zip(packed).zip(&scales[block * BLOCK / GROUP..]);
        for ((out, packed), scale) in groups {
            match bits {
                // All machines that this runs on are little-endian, so the lowest bits come first.
                Bits::Eight => {
                    let values: &[i8] = bytemuck::cast_slice(packed);
                    out.iter_mut()
                        .zip(values)
                        .for_each(|(out, &value)| *out = f32::from(value) * scale);
                }
                Bits::Four => {
                    for (out, word) in out.chunks_mut(bits.per_u32()).zip(packed) {
                        let value = |i: usize| ((word << (28 - 4 * i)) >> 28) as f32;
                        out.iter_mut().enumerate().for_each(|(i, out)| *out = value(i) * scale);
                    }
                }
            }
        }
    });
    weights
}
