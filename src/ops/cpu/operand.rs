//! Weights on the CPU. They stay packed and are expanded when a product needs them.

#[cfg(not(target_family = "wasm"))]
use std::borrow::Cow;

#[cfg(not(target_family = "wasm"))]
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
    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn values(&self, start: usize, length: usize) -> Cow<'a, [f32]> {
        if let Operand::Floats(values) = self {
            return Cow::Borrowed(&values[start..start + length]);
        }
        /// The number of values that one thread expands at a time: whole groups.
        const BLOCK: usize = 512 * GROUP;
        let mut values = vec![0.0; length];
        for_each_chunk(&mut values, BLOCK, |block, out| self.read(start + block * BLOCK, out));
        Cow::Owned(values)
    }

    /// Writes the values from `start` on. If they are packed, `start` and the length of `out` must
    /// be multiples of [`GROUP`].
    pub(crate) fn read(&self, start: usize, out: &mut [f32]) {
        match *self {
            Operand::Floats(values) => out.copy_from_slice(&values[start..start + out.len()]),
            Operand::Packed { packed, bits, scales } => {
                let packed = &packed[start / bits.per_u32()..][..out.len() / bits.per_u32()];
                let scales = &scales[start / GROUP..];
                let as_is = |bytes: &[i8; GROUP]| *bytes;
                // All machines that this runs on are little-endian, so the lowest bits come first.
                match bits {
                    Bits::Eight => expand(bytemuck::cast_slice(packed), as_is, scales, out),
                    Bits::Four => expand(bytemuck::cast_slice(packed), nibbles, scales, out),
                }
            }
        }
    }
}

/// Expands groups of packed values. `unpack` gives the integers of a group.
fn expand<const BYTES: usize>(
    packed: &[[i8; BYTES]],
    unpack: impl Fn(&[i8; BYTES]) -> [i8; GROUP],
    scales: &[f32],
    out: &mut [f32],
) {
    let groups = out.as_chunks_mut::<GROUP>().0.iter_mut();
    for ((out, packed), &scale) in groups.zip(packed).zip(scales) {
        let integers = unpack(packed);
        out.iter_mut().zip(integers).for_each(|(out, value)| *out = f32::from(value) * scale);
    }
}

/// The signed integers of four bits in some bytes.
fn nibbles(bytes: &[i8; GROUP / 2]) -> [i8; GROUP] {
    // To flip the sign's bit and subtract it again extends the sign. Shifts of bytes would take
    // longer in a browser.
    let signed = |nibble: i8| (nibble ^ 8) - 8;
    let mut out = [0; GROUP];
    for (out, byte) in out.as_chunks_mut::<2>().0.iter_mut().zip(bytes) {
        *out = [signed(byte & 15), signed((byte >> 4) & 15)];
    }
    out
}
