use super::activation::activate;
use super::parallel::for_each_chunk;
use crate::ops::DepthwiseSpec;

/// See [`DepthwiseSpec`]; `x` is `[batch, height, width, channels]`, `w` is `[9, channels]`.
pub fn depthwise(x: &[f32], w: &[f32], bias: &[f32], spec: &DepthwiseSpec) -> Vec<f32> {
    let DepthwiseSpec { in_height, in_width, channels, stride, .. } = *spec;
    let (out_height, out_width) = (spec.out_height(), spec.out_width());
    let mut out = vec![0.0; spec.batch * out_height * out_width * channels];
    if out.is_empty() {
        return out;
    }
    for_each_chunk(&mut out, out_width * channels, |line, out| {
        let (batch, y) = (line / out_height, line % out_height);
        let image = &x[batch * in_height * in_width * channels..];
        for (x, out) in out.chunks_mut(channels).enumerate() {
            out.copy_from_slice(bias);
            for (tap, w) in w.chunks(channels).enumerate() {
                // Shifted by the padding: valid input lines are 1..=in_height.
                let (in_y, in_x) = (y * stride + tap / 3, x * stride + tap % 3);
                if in_y == 0 || in_y > in_height || in_x == 0 || in_x > in_width {
                    continue;
                }
                let from = ((in_y - 1) * in_width + in_x - 1) * channels;
                let pixel = &image[from..from + channels];
                for ((out, value), w) in out.iter_mut().zip(pixel).zip(w) {
                    *out += value * w;
                }
            }
        }
        activate(out, spec.activation);
    });
    out
}
