//! Non-linearities that operations apply to their results.

/// Non-linearity applied to each output value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Activation {
    None,
    Relu,
    /// `x * Φ(x)`, the exact form (not the tanh approximation).
    Gelu,
}

impl Activation {
    /// As `shaders/activation.wgsl` knows it.
    pub fn code(self) -> u32 {
        match self {
            Activation::None => 0,
            Activation::Relu => 1,
            Activation::Gelu => 2,
        }
    }
}
