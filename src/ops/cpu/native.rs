//! The matrix product on machines with wide registers, by the crate `gemm`.

use std::borrow::Cow;

use gemm::{Parallelism, gemm};

use super::operand::Operand;

/// The second factor of a product: `W`, `[cols, depth]`.
pub(crate) struct Factor<'a> {
    w: Cow<'a, [f32]>,
    cols: usize,
    depth: usize,
}

impl<'a> Factor<'a> {
    /// The number of rows to multiply at a time. It is large enough for the product to run at full
    /// speed, and small enough that the patches of a convolution stay in the cache.
    pub(crate) const ROWS: usize = 256;

    /// The factor made of the `cols * depth` values from `start` on.
    pub(crate) fn new(w: Operand<'a>, start: usize, cols: usize, depth: usize) -> Self {
        Self { w: w.values(start, cols * depth), cols, depth }
    }

    /// The product `out[m, n] = sum_k a[m, k] w[n, k]`; all three are row-major.
    pub(crate) fn product(&self, a: &[f32], out: &mut [f32]) {
        let Self { w, cols, depth } = self;
        let (cols, depth) = (*cols, *depth);
        let rows = out.len() / cols;
        assert!(a.len() == rows * depth && out.len() == rows * cols, "`a` must be [rows, depth]");
        let (cs, d) = (cols as isize, depth as isize);
        // SAFETY: the strides below reach exactly as far as the lengths asserted above and in
        // `new`.
        unsafe {
            gemm(
                rows,
                cols,
                depth,
                out.as_mut_ptr(),
                1,
                cs,
                false,
                a.as_ptr(),
                1,
                d,
                w.as_ptr(),
                d,
                1,
                0.0,
                1.0,
                false,
                false,
                false,
                Parallelism::None,
            );
        }
    }
}
