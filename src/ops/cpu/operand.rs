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
        if let Operand::Floats(values) = self {
            return out.copy_from_slice(&values[start..start + out.len()]);
        }
        for (i, out) in out.as_chunks_mut::<GROUP>().0.iter_mut().enumerate() {
            let (integers, scale) = self.group(start / GROUP + i);
            out.iter_mut().zip(integers).for_each(|(out, value)| *out = f32::from(value) * scale);
        }
    }

    /// The integers of a group and their scale.
    ///
    /// # Panics
    /// If the values are not packed.
    pub(crate) fn group(&self, number: usize) -> ([i8; GROUP], f32) {
        let Operand::Packed { packed, bits, scales } = *self else {
            panic!("floats have no groups")
        };
        // All machines that this runs on are little-endian, so the lowest bits come first.
        let integers = match bits {
            Bits::Eight => bytemuck::cast_slice::<_, [i8; GROUP]>(packed)[number],
            Bits::Four => nibbles(&bytemuck::cast_slice::<_, [i8; GROUP / 2]>(packed)[number]),
        };
        (integers, scales[number])
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
