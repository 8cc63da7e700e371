use super::activation::exp;
use super::parallel::for_each_chunk;
use crate::ops::{AttentionSpec, HeadLayout, ScoreBias};

/// Queries that one thread handles at a time.
const BLOCK: usize = 64;

/// See [`AttentionSpec`]; `bias` is as [`ScoreBias`] says.
pub fn attention(q: &[f32], k: &[f32], v: &[f32], bias: &[f32], spec: &AttentionSpec) -> Vec<f32> {
    let width = spec.heads * spec.dim;
    let mut out = vec![0.0; spec.batch * spec.queries * width];
    if out.is_empty() {
        return out;
    }
    for (batch, out) in out.chunks_mut(spec.queries * width).enumerate() {
        let own = |layout: &HeadLayout, tokens: usize| {
            if layout.shared { 0 } else { batch * tokens * layout.stride }
        };
        let q = &q[own(&spec.q, spec.queries)..];
        let heads: Vec<_> = (0..spec.heads)
            .map(|head| {
                let keys = &k[own(&spec.k, spec.keys)..];
                let values = &v[own(&spec.v, spec.keys)..];
                (transposed(keys, &spec.k, head, spec), gathered(values, &spec.v, head, spec))
            })
            .collect();
        for_each_chunk(out, BLOCK * width, |block, out| {
            let mut scores = vec![0.0; spec.keys];
            for (i, out) in out.chunks_mut(width).enumerate() {
                let query = block * BLOCK + i;
                for (head, (keys, values)) in heads.iter().enumerate() {
                    let start = query * spec.q.stride + spec.q.offset + head * spec.q.head_stride;
                    let q = &q[start..start + spec.dim];
                    let row = match spec.bias {
                        ScoreBias::None => None,
                        ScoreBias::Shared => Some(query),
                        ScoreBias::PerHead => Some(head * spec.queries + query),
                    };
                    match row {
                        Some(row) => scores.copy_from_slice(&bias[row * spec.keys..][..spec.keys]),
                        None => scores.fill(0.0),
                    }
                    for (x, keys) in q.iter().zip(keys.chunks(spec.keys)) {
                        let x = x * spec.scale;
                        scores.iter_mut().zip(keys).for_each(|(score, key)| *score += x * key);
                    }
                    softmax(&mut scores);
                    let out = &mut out[head * spec.dim..][..spec.dim];
                    for (weight, value) in scores.iter().zip(values.chunks(spec.dim)) {
                        out.iter_mut().zip(value).for_each(|(out, value)| *out += weight * value);
                    }
                }
            }
        });
    }
    out
}

/// One head's tokens as `[dim, keys]`, so that scores for all keys are summed channel by channel.
fn transposed(data: &[f32], layout: &HeadLayout, head: usize, spec: &AttentionSpec) -> Vec<f32> {
    let mut out = vec![0.0; spec.keys * spec.dim];
    for token in 0..spec.keys {
        let start = token * layout.stride + layout.offset + head * layout.head_stride;
        for (channel, value) in data[start..start + spec.dim].iter().enumerate() {
            out[channel * spec.keys + token] = *value;
        }
    }
    out
}

/// One head's tokens as `[keys, dim]`.
fn gathered(data: &[f32], layout: &HeadLayout, head: usize, spec: &AttentionSpec) -> Vec<f32> {
    let mut out = Vec::with_capacity(spec.keys * spec.dim);
    for token in 0..spec.keys {
        let start = token * layout.stride + layout.offset + head * layout.head_stride;
        out.extend_from_slice(&data[start..start + spec.dim]);
    }
    out
}

fn softmax(scores: &mut [f32]) {
    let best = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut total = 0.0;
    for score in scores.iter_mut() {
        *score = exp(*score - best);
        total += *score;
    }
    let scale = 1.0 / total;
    scores.iter_mut().for_each(|score| *score *= scale);
}
