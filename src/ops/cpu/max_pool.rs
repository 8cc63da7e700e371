use super::parallel::for_each_chunk;
use crate::ops::PoolSpec;

/// See [`PoolSpec`]; `x` is `[batch, height, width, channels]`.
pub fn max_pool(x: &[f32], spec: &PoolSpec) -> Vec<f32> {
    let PoolSpec { height, width, channels, .. } = *spec;
    let (out_height, out_width) = (height / 2, width / 2);
    let mut out = vec![0.0; spec.out_length()];
    if out.is_empty() {
        return out;
    }
    for_each_chunk(&mut out, out_width * channels, |line, out| {
        let (batch, y) = (line / out_height, line % out_height);
        let above = &x[(batch * height + 2 * y) * width * channels..][..2 * width * channels];
        let (above, below) = above.split_at(width * channels);
        let pairs = above.chunks(2 * channels).zip(below.chunks(2 * channels));
        for (out, (above, below)) in out.chunks_mut(channels).zip(pairs) {
            for (i, out) in out.iter_mut().enumerate() {
                // Not `f32::max`, which in a browser is a call and loses a NaN.
                let larger = |a: f32, b: f32| if a > b || a.is_nan() { a } else { b };
                *out = larger(larger(above[i], above[channels + i]), larger(below[i], below[channels + i]));
            }
        }
    });
    out
}
