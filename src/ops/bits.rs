//! How weights are packed.

/// The number of weights that share one scale. They are consecutive along the input axis.
pub const GROUP: usize = 32;

/// The number of bits of a quantised weight. Its value is signed (two's complement).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bits {
    /// Values from -8 to 7.
    Four,
    /// Values from -128 to 127.
    Eight,
}

impl Bits {
    /// The number of bits.
    pub const fn count(self) -> usize {
        match self {
            Bits::Four => 4,
            Bits::Eight => 8,
        }
    }

    /// The number of weights that one 32-bit integer holds.
    pub const fn per_u32(self) -> usize {
        32 / self.count()
    }
}
