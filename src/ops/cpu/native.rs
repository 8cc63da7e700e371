//! Matrix product where there are wide registers: that of the crate `gemm`.

use std::borrow::Cow;

use gemm::{Parallelism, gemm};

use super::operand::Operand;

/// `W`, `[cols, depth]`.
pub struct Factor<'a> {
    w: Cow<'a, [f32]>,
    cols: usize,
    depth: usize,
}

impl<'a> Factor<'a> {
    /// Rows to multiply at a time: enough for the product to run at speed, few enough that the patches of a convolution stay in the cache.
    pub const ROWS: usize = 256;

    /// Of the `cols * depth` values from `start` on.
    pub fn new(w: Operand<'a>, start: usize, cols: usize, depth: usize) -> Self {
        Self { w: w.values(start, cols * depth), cols, depth }
    }

    /// `out[m, n] = sum_k a[m, k] w[n, k]`, all row-major.
    pub fn product(&self, a: &[f32], out: &mut [f32]) {
        let Self { w, cols, depth } = self;
        let (cols, depth) = (*cols, *depth);
        let rows = out.len() / cols;
        assert!(a.len() == rows * depth && out.len() == rows * cols, "A must be [rows, depth]");
        let (cs, d) = (cols as isize, depth as isize);
        // SAFETY: the lengths asserted above and in `new` are those that the strides below reach.
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
