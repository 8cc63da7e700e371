use super::Factor;
use super::activation::activate;
use super::parallel::for_each_chunk;
use crate::ops::{Bits, GROUP, MatmulSpec, Patches};

/// Rows of `A` that one thread multiplies at a time: enough for the product to run at speed, few enough that the result (in a browser,
/// where panels of `W` are packed once for all blocks) or the gathered patches of a convolution stay in cache.
const BLOCK: usize = if cfg!(target_family = "wasm") { 64 } else { 256 };

/// See [`MatmulSpec`]; returns `C` as `[batch, rows, cols]`.
pub fn matmul(a: &[f32], w: &[f32], bias: &[f32], residual: &[f32], spec: &MatmulSpec) -> Vec<f32> {
    let MatmulSpec { batch, rows, cols, depth, .. } = *spec;
    let mut out = vec![0.0; batch * rows * cols];
    if out.is_empty() {
        return out;
    }
    let mut factor = Factor::new(&w[..cols * depth], cols, depth);
    for (b, out) in out.chunks_mut(rows * cols).enumerate() {
        if spec.weight_batched && b > 0 {
            factor = Factor::new(&w[b * cols * depth..][..cols * depth], cols, depth);
        }
        let a = match spec.patches {
            None => &a[b * rows * depth..][..rows * depth],
            Some(p) => {
                let size = p.in_height * p.in_width * p.channels;
                &a[b * size..][..size]
            }
        };
        for_each_chunk(out, BLOCK * cols, |block, out| {
            let first = block * BLOCK;
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
                    let residual = &residual[(b * rows + first + i) % residual_rows * cols..][..cols];
                    row.iter_mut().zip(residual).for_each(|(value, residual)| *value += residual);
                }
            }
            activate(out, spec.activation);
        });
    }
    out
}

/// Expands packed weights: the values of one scale are consecutive.
pub fn dequantise(words: &[i32], bits: Bits, scales: &[f32]) -> Vec<f32> {
    let width = bits.count() as u32;
    let mut weights = Vec::with_capacity(words.len() * bits.per_word());
    for (group, scale) in words.chunks(GROUP / bits.per_word()).zip(scales) {
        for word in group {
            let values = (1..=bits.per_word() as u32).map(|i| (word << (32 - i * width)) >> (32 - width));
            weights.extend(values.map(|value| value as f32 * scale));
        }
    }
    weights
}

/// Rows `first..first + count` of the patch matrix: the window of each output pixel, (ky, kx, channel) in order.
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
