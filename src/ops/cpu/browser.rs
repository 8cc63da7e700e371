//! The matrix product in browsers.

#[cfg(target_feature = "relaxed-simd")]
use super::integers::IntegerPanels;
use super::operand::Operand;
use super::panels::FloatPanels;

/// The second factor of a product: `W`, `[cols, depth]`. Packed weights stay integers if the browser
/// can multiply these quickly.
pub(crate) enum Factor {
    Floats(FloatPanels),
    #[cfg(target_feature = "relaxed-simd")]
    Integers(IntegerPanels),
}

impl Factor {
    /// The number of rows to multiply at a time. They and their results stay in the cache, and it is
    /// a whole number of tiles.
    pub(crate) const ROWS: usize = 60;

    /// The factor made of the `cols * depth` values from `start` on.
    pub(crate) fn new(w: Operand<'_>, start: usize, cols: usize, depth: usize) -> Self {
        #[cfg(target_feature = "relaxed-simd")]
        if let Operand::Packed { .. } = w {
            return Self::Integers(IntegerPanels::new(w, start, cols, depth));
        }
        Self::Floats(FloatPanels::new(w, start, cols, depth))
    }

    /// The product `out[m, n] = sum_k a[m, k] w[n, k]`; all three are row-major.
    pub(crate) fn product(&self, a: &[f32], out: &mut [f32]) {
        match self {
            Self::Floats(panels) => panels.product(a, out),
            #[cfg(target_feature = "relaxed-simd")]
            Self::Integers(panels) => panels.product(a, out),
        }
    }
}
