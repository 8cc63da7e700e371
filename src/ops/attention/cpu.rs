//! The CPU twin of attention.

use super::few_keys::few_keys;
use super::few_queries::few_queries;
use super::tokens::FEW;
use super::{Attention, HeadLayout, ScoreBias};
use crate::ops::cpu::{Factor, Lanes, Operand, for_each_chunk, lanes};

/// The number of queries that one thread handles at a time. In a browser this is a whole number of
/// tiles of the product.
const BLOCK: usize = 60;

/// The queries, keys and values of one batch.
#[derive(Clone, Copy)]
pub(super) struct Operands<'a> {
    pub(super) q: &'a [f32],
    pub(super) k: &'a [f32],
    pub(super) v: &'a [f32],
}

/// Computes [`Attention`]. [`ScoreBias`] gives the shape of `bias`.
pub(super) fn attention(
    q: &[f32],
    k: &[f32],
    v: &[f32],
    bias: &[f32],
    spec: &Attention,
    out: &mut [f32],
) {
    let width = spec.heads * spec.dim;
    // There are many small windows, or one window with many queries. Either gives work to all
    // threads.
    for_each_chunk(out, spec.queries * width, |batch, out| {
        let own = |layout: &HeadLayout, tokens: usize| {
            if layout.shared { 0 } else { batch * tokens * layout.stride }
        };
        let q = &q[own(&spec.q, spec.queries)..];
        let keys = &k[own(&spec.k, spec.keys)..];
        let values = &v[own(&spec.v, spec.keys)..];
        let all = Operands { q, k: keys, v: values };
        if few_tokens(all, spec, out) {
            return;
        }
        let operands: Vec<_> = (0..spec.heads)
            .map(|head| {
                (gathered(keys, &spec.k, head, spec), transposed(values, &spec.v, head, spec))
            })
            .collect();
        let factors = operands.iter().map(|(keys, values)| {
            let factor = |values, cols, depth| Factor::new(Operand::Floats(values), 0, cols, depth);
            (factor(keys, spec.keys, spec.dim), factor(values, spec.dim, spec.keys))
        });
        let heads: Vec<_> = factors.collect();
        for_each_chunk(out, BLOCK * width, |block, out| {
            let (first, count) = (block * BLOCK, out.len() / width);
            let mut scaled = vec![0.0; count * spec.dim];
            let mut scores = vec![0.0; count * spec.keys];
            let mut sums = vec![0.0; count * spec.dim];
            let mut scales = Vec::with_capacity(count);
            for (head, (keys, values)) in heads.iter().enumerate() {
                for (query, scaled) in scaled.chunks_mut(spec.dim).enumerate() {
                    let channels = &q[spec.q.start(first + query, head)..][..spec.dim];
                    scaled.iter_mut().zip(channels).for_each(|(to, from)| *to = from * spec.scale);
                }
                keys.product(&scaled, &mut scores);
                let rows = scores.chunks_mut(spec.keys).enumerate();
                scales.extend(rows.map(|(i, scores)| {
                    let row = match spec.bias {
                        ScoreBias::None => return exponentials(scores, &[]),
                        ScoreBias::Shared => first + i,
                        ScoreBias::PerHead => head * spec.queries + first + i,
                    };
                    exponentials(scores, &bias[row * spec.keys..][..spec.keys])
                }));
                values.product(&scores, &mut sums);
                let rows = out.chunks_mut(width).zip(sums.chunks(spec.dim)).zip(scales.drain(..));
                for ((out, sums), scale) in rows {
                    let out = &mut out[head * spec.dim..][..spec.dim];
                    out.iter_mut().zip(sums).for_each(|(out, sum)| *out = sum * scale);
                }
            }
        });
    });
}

/// Computes the attention of one batch if its keys or its queries are few. Otherwise the result is
/// false. `out` is `[queries, heads * dim]`.
fn few_tokens(operands: Operands<'_>, spec: &Attention, out: &mut [f32]) -> bool {
    let keys = spec.keys <= FEW;
    let queries = spec.queries <= FEW && spec.queries < spec.keys;
    if spec.bias != ScoreBias::None {
        return false;
    }
    match (spec.dim, keys, queries) {
        (16, true, _) => few_keys::<16>(operands, spec, out),
        (32, true, _) => few_keys::<32>(operands, spec, out),
        (16, _, true) => few_queries::<16>(operands, spec, out),
        (32, _, true) => few_queries::<32>(operands, spec, out),
        _ => return false,
    }
    true
}

/// The tokens of one head as `[dim, keys]`.
fn transposed(data: &[f32], layout: &HeadLayout, head: usize, spec: &Attention) -> Vec<f32> {
    let mut out = vec![0.0; spec.keys * spec.dim];
    for token in 0..spec.keys {
        let start = layout.start(token, head);
        for (channel, value) in data[start..start + spec.dim].iter().enumerate() {
            out[channel * spec.keys + token] = *value;
        }
    }
    out
}

/// The tokens of one head as `[keys, dim]`.
fn gathered(data: &[f32], layout: &HeadLayout, head: usize, spec: &Attention) -> Vec<f32> {
    let mut out = Vec::with_capacity(spec.keys * spec.dim);
    for token in 0..spec.keys {
        let start = layout.start(token, head);
        out.extend_from_slice(&data[start..start + spec.dim]);
    }
    out
}

/// Adds the bias, if there is one, and replaces the scores by their exponentials relative to the
/// highest one. Returns the factor that makes them sum to one.
///
/// It keeps several maxima and sums side by side, because in a single chain each step would wait
/// for the one before.
fn exponentials(scores: &mut [f32], bias: &[f32]) -> f32 {
    const LANES: usize = 8;
    scores.iter_mut().zip(bias).for_each(|(score, bias)| *score += bias);
    let (chunks, rest) = scores.as_chunks::<LANES>();
    // `f32::max` would be a call in a browser.
    let larger = |a: f32, b: f32| if a > b { a } else { b };
    let mut lanes = [f32::NEG_INFINITY; LANES];
    for chunk in chunks {
        lanes.iter_mut().zip(chunk).for_each(|(best, score)| *best = larger(*score, *best));
    }
    let best = lanes
        .into_iter()
        .chain(rest.iter().copied())
        .fold(f32::NEG_INFINITY, |best, score| larger(score, best));
    let shift = Lanes::splat(-best);
    lanes::map(scores, |score| (score + shift).exp());
    let (chunks, rest) = scores.as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    for chunk in chunks {
        lanes.iter_mut().zip(chunk).for_each(|(total, score)| *total += score);
    }
    1.0 / lanes.iter().chain(rest).sum::<f32>()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// With a bias of zeros, attention takes the usual way.
        #[test]
        fn few_queries_or_keys_are_the_same_as_the_usual_way(
            (queries, keys) in prop_oneof![(1..=8_usize, 9..70_usize), (1..300_usize, 1..=16_usize)],
            (batch, heads) in (1..3_usize, 1..4_usize),
            dim in prop_oneof![Just(16), Just(32)],
            shared in any::<bool>(),
        ) {
            let width = heads * dim;
            let values = |count: usize, seed: usize| -> Vec<f32> {
                (0..count).map(|i| ((i * 7919 + seed) % 1013) as f32 / 200.0 - 2.5).collect()
            };
            let own = HeadLayout { stride: width, offset: 0, head_stride: dim, shared: false };
            // Keys and values may lie next to each other.
            let pair = HeadLayout { stride: 2 * width, shared, ..own };
            let few = Attention {
                batch,
                queries,
                keys,
                heads,
                dim,
                scale: 0.25,
                bias: ScoreBias::None,
                q: own,
                k: pair,
                v: HeadLayout { offset: width, ..pair },
            };
            let usual = Attention { bias: ScoreBias::Shared, ..few };
            let (q, both) = (values(batch * queries * width, 1), values(batch * keys * 2 * width, 5));
            let zeros = vec![0.0; queries * keys];
            let mut found = [(); 2].map(|()| vec![f32::NAN; batch * queries * width]);
            let operands = Operands { q: &q, k: &both, v: &both };
            let out = &mut found[0][..queries * width];
            prop_assert!(few_tokens(operands, &few, out));
            attention(&q, &both, &both, &[], &few, &mut found[0]);
            attention(&q, &both, &both, &zeros, &usual, &mut found[1]);
            for (few, usual) in found[0].iter().zip(&found[1]) {
                prop_assert!((few - usual).abs() < 1e-5, "{} against {}", few, usual);
            }
        }
    }
}
