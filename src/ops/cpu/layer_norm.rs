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
            let mean = sum_of(x, |x| x) / channels as f32;
            let variance = sum_of(x, |x| (x - mean) * (x - mean)) / channels as f32;
            let scale = (variance + spec.epsilon).sqrt().recip();
            for (((out, x), gamma), beta) in out.iter_mut().zip(x).zip(gamma).zip(beta) {
                *out = (x - mean) * scale * gamma + beta;
            }
        }
        activate(out, spec.activation);
    });
    out
}

/// Several sums side by side, which compilers vectorise; one alone they may not.
fn sum_of(values: &[f32], term: impl Fn(f32) -> f32) -> f32 {
    const LANES: usize = 8;
    let (chunks, rest) = values.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for chunk in chunks {
        sums.iter_mut().zip(chunk).for_each(|(sum, &value)| *sum += term(value));
    }
    sums.iter().sum::<f32>() + rest.iter().map(|&value| term(value)).sum::<f32>()
}
