//! How weights are packed.

/// Weights that share one scale, consecutive along the input axis.
pub const GROUP: usize = 32;

/// How many bits a quantised weight has. Values are signed (two's complement).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bits {
    Four,
    Eight,
}

impl Bits {
    pub const fn count(self) -> usize {
        match self {
            Bits::Four => 4,
            Bits::Eight => 8,
        }
    }

    /// Weights in a 32-bit word.
    pub const fn per_word(self) -> usize {
        32 / self.count()
    }
}
