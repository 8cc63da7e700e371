//! Non-linearities that operations apply to their results.

/// The non-linearity applied to each output value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Activation {
    /// The value itself.
    None,
    /// `max(x, 0)`.
    Relu,
    /// `max(x, 0)`, but at most 6.
    Relu6,
    /// `x * Φ(x)`, the exact form (not the tanh approximation).
    Gelu,
}

impl Activation {
    /// The number that stands for it in `shaders/activation.wgsl`.
    pub fn code(self) -> u32 {
        match self {
            Activation::None => 0,
            Activation::Relu => 1,
            Activation::Gelu => 2,
            Activation::Relu6 => 3,
        }
    }
}
