//! The CPU twin of the matrix product.

use super::{Matmul, Patches};
pub(super) use crate::ops::cpu::Operand;
use crate::ops::cpu::{Factor, activate, for_each_chunk};

/// Computes [`Matmul`]. `out` is `C`, `[batch, rows, cols]`.
pub(super) fn matmul(
    a: &[f32],
    w: Operand<'_>,
    bias: &[f32],
    residual: &[f32],
    spec: &Matmul,
    out: &mut [f32],
) {
    let Matmul { rows, cols, depth, .. } = *spec;
    let plain = !spec.has_bias && spec.residual_length == 0 && spec.patches.is_none();
    if let (true, Operand::Floats(w)) = (spec.weight_batched && plain && rows < cols, w) {
        transposed_product(a, w, spec, out);
        return;
    }
    let mut factor = Factor::new(w, 0, cols, depth);
    for (b, out) in out.chunks_mut(rows * cols).enumerate() {
        if spec.weight_batched && b > 0 {
            factor = Factor::new(w, b * cols * depth, cols, depth);
        }
        let a = match spec.patches {
            None => &a[b * rows * depth..][..rows * depth],
            Some(p) => {
                let size = p.in_height * p.in_width * p.channels;
                &a[b * size..][..size]
            }
        };
        for_each_chunk(out, Factor::ROWS * cols, |block, out| {
            let first = block * Factor::ROWS;
            let count = out.len() / cols;
            match &spec.patches {
                None => factor.product(&a[first * depth..][..count * depth], out),
                Some(p) => factor.product(&gather(a, p, first, count), out),
            }
            if spec.has_bias {
                for row in out.chunks_mut(cols) {
                    row.iter_mut().zip(bias).for_each(|(value, bias)| *value += bias);
                }
            }
            if spec.residual_length > 0 {
                let residual_rows = spec.residual_length / cols;
                for (i, row) in out.chunks_mut(cols).enumerate() {
                    let residual =
                        &residual[(b * rows + first + i) % residual_rows * cols..][..cols];
                    row.iter_mut().zip(residual).for_each(|(value, residual)| *value += residual);
                }
            }
            activate(out, spec.activation);
        });
    }
}

/// Swaps the operands of a product without bias, residual and patches, and transposes the result
/// back. This is faster if there are fewer rows than columns, because then there is less to pack.
fn transposed_product(a: &[f32], w: &[f32], spec: &Matmul, out: &mut [f32]) {
    let Matmul { rows, cols, depth, .. } = *spec;
    let mut transposed = vec![0.0; rows * cols];
    let operands = a.chunks(rows * depth).zip(w.chunks(cols * depth));
    for (out, (a, w)) in out.chunks_mut(rows * cols).zip(operands) {
        let factor = Factor::new(Operand::Floats(a), 0, rows, depth);
        for_each_chunk(&mut transposed, Factor::ROWS * rows, |block, out| {
            factor.product(&w[block * Factor::ROWS * depth..][..out.len() / rows * depth], out);
        });
        for (column, values) in transposed.chunks(rows).enumerate() {
            values.iter().enumerate().for_each(|(row, value)| out[row * cols + column] = *value);
        }
        activate(out, spec.activation);
    }
}

/// Rows `first..first + count` of the patch matrix. Each has the window of one output position, in
/// the order (ky, kx, channel).
fn gather(image: &[f32], p: &Patches, first: usize, count: usize) -> Vec<f32> {
    let mut patches = vec![0.0; count * p.kernel * p.kernel * p.channels];
    for (i, patch) in patches.chunks_mut(p.kernel * p.kernel * p.channels).enumerate() {
        let (out_y, out_x) = ((first + i) / p.out_width, (first + i) % p.out_width);
        for (tap, values) in patch.chunks_mut(p.channels).enumerate() {
            let y = (out_y * p.stride + tap / p.kernel).checked_sub(p.padding);
            let x = (out_x * p.stride + tap % p.kernel).checked_sub(p.padding);
            if let (Some(y), Some(x)) = (y, x)
                && y < p.in_height
                && x < p.in_width
            {
                let from = (y * p.in_width + x) * p.channels;
                values.copy_from_slice(&image[from..from + p.channels]);
            }
        }
    }
    patches
}
