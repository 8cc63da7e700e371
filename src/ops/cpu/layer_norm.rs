use super::activation::activate;
use super::parallel::for_each_chunk;
use crate::ops::NormSpec;

/// Rows that one thread handles at a time.
const BLOCK: usize = 256;

/// See [`NormSpec`].
pub fn layer_norm(x: &[f32], gamma: &[f32], beta: &[f32], spec: &NormSpec) -> Vec<f32> {
    let channels = spec.channels;
    let mut out = vec![0.0; spec.rows * channels];
    for_each_chunk(&mut out, BLOCK * channels, |block, out| {
        let x = &x[block * BLOCK * channels..];
        for (out, x) in out.chunks_mut(channels).zip(x.chunks(channels)) {
            let mean = x.iter().sum::<f32>() / channels as f32;
            let variance = x.iter().map(|x| (x - mean) * (x - mean)).sum::<f32>() / channels as f32;
            let scale = (variance + spec.epsilon).sqrt().recip();
            for (i, out) in out.iter_mut().enumerate() {
                *out = (x[i] - mean) * scale * gamma[i] + beta[i];
            }
        }
        activate(out, spec.activation);
    });
    out
}
