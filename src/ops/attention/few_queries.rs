//! Attention of few queries to many keys, as that of a prompt's tokens to a photo, on the CPU. To
//! pack keys and values for the usual product would take longer than to multiply, so they are read
//! where they are. Four queries are compared with a key at once, one in each place of a register.

use super::{Attention, HeadLayout, ScoreBias};
use crate::ops::cpu::Lanes;

/// The most queries for which this is faster than the usual product.
const FEW: usize = 8;
const SIDE_BY_SIDE: usize = Lanes::COUNT;

/// The queries, keys and values of one batch.
#[derive(Clone, Copy)]
pub(super) struct Operands<'a> {
    pub(super) q: &'a [f32],
    pub(super) k: &'a [f32],
    pub(super) v: &'a [f32],
}

/// Computes the attention of one batch if it is of this kind. Otherwise the result is false. `out`
/// is `[queries, heads * dim]`.
pub(super) fn few_queries(operands: Operands<'_>, spec: &Attention, out: &mut [f32]) -> bool {
    if spec.queries > FEW || spec.queries >= spec.keys || spec.bias != ScoreBias::None {
        return false;
    }
    match spec.dim {
        16 => all_heads::<16>(operands, spec, out),
        32 => all_heads::<32>(operands, spec, out),
        _ => return false,
    }
    true
}

fn all_heads<const DIM: usize>(operands: Operands<'_>, spec: &Attention, out: &mut [f32]) {
    let Operands { q, k, v } = operands;
    let width = spec.heads * DIM;
    let mut scores = vec![[0.0; SIDE_BY_SIDE]; spec.keys];
    for head in 0..spec.heads {
        let keys = || (0..spec.keys).map(|key| token::<DIM>(k, &spec.k, head, key));
        let values = || (0..spec.keys).map(|key| token::<DIM>(v, &spec.v, head, key));
        for (block, out) in out.chunks_mut(SIDE_BY_SIDE * width).enumerate() {
            // The last block is filled up with a query that is there already.
            let query = |i: usize| (block * SIDE_BY_SIDE + i).min(spec.queries - 1);
            let queries = [0, 1, 2, 3].map(|i| token::<DIM>(q, &spec.q, head, query(i)));
            let channels: [Lanes; DIM] = std::array::from_fn(|c| {
                Lanes::load(&queries.map(|query| query[c] * spec.scale), 0)
            });
            let factors = exponentials(&channels, keys(), &mut scores);
            for (i, out) in out.chunks_mut(width).enumerate() {
                let factor = factors[i];
                let out = out[head * DIM..].first_chunk_mut().expect("a row has all heads");
                mixed::<DIM>(scores.iter().map(|scores| scores[i] * factor), values(), out);
            }
        }
    }
}

/// The channels of a token in one head.
fn token<'a, const DIM: usize>(
    data: &'a [f32],
    layout: &HeadLayout,
    head: usize,
    number: usize,
) -> &'a [f32; DIM] {
    let start = number * layout.stride + layout.offset + head * layout.head_stride;
    data[start..].first_chunk().expect("all tokens are there")
}

/// Writes the exponentials of the scores of four queries, relative to the highest ones. Returns the
/// factors that make them sum to one.
fn exponentials<'a, const DIM: usize>(
    queries: &[Lanes; DIM],
    keys: impl Iterator<Item = &'a [f32; DIM]>,
    scores: &mut [[f32; SIDE_BY_SIDE]],
) -> [f32; SIDE_BY_SIDE] {
    let mut best = Lanes::splat(f32::NEG_INFINITY);
    for (scores, key) in scores.iter_mut().zip(keys) {
        // Two sums, because in a single chain each step would wait for the one before.
        let mut sums = [Lanes::splat(0.0); 2];
        for (i, (query, &channel)) in queries.iter().zip(key).enumerate() {
            sums[i % 2] = query.mul_add(Lanes::splat(channel), sums[i % 2]);
        }
        let score = sums[0] + sums[1];
        best = best.larger(score);
        score.store(scores, 0);
    }
    let mut total = Lanes::splat(0.0);
    for scores in scores {
        let score = (Lanes::load(scores, 0) + best * Lanes::splat(-1.0)).exp();
        total = total + score;
        score.store(scores, 0);
    }
    let mut factors = [0.0; SIDE_BY_SIDE];
    (Lanes::splat(1.0) / total).store(&mut factors, 0);
    factors
}

/// The sum of all values, each times its weight.
fn mixed<'a, const DIM: usize>(
    weights: impl Iterator<Item = f32>,
    values: impl Iterator<Item = &'a [f32; DIM]>,
    out: &mut [f32; DIM],
) {
    // A head has at most 32 channels.
    let mut sums = [Lanes::splat(0.0); 32 / Lanes::COUNT];
    for (weight, value) in weights.zip(values) {
        let weight = Lanes::splat(weight);
        for (i, sum) in sums[..DIM / Lanes::COUNT].iter_mut().enumerate() {
            *sum = weight.mul_add(Lanes::load(value, i), *sum);
        }
    }
    sums[..DIM / Lanes::COUNT].iter().enumerate().for_each(|(i, sum)| sum.store(out, i));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::cpu::attention;
    use super::*;

    proptest! {
        /// With a bias of zeros, attention takes the usual way.
        #[test]
        fn is_the_same_as_the_usual_way(
            (batch, queries, keys, heads) in (1..3_usize, 1..=FEW, 9..70_usize, 1..4_usize),
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
            prop_assert!(few_queries(operands, &few, &mut found[0][..queries * width]));
            attention(&q, &both, &both, &[], &few, &mut found[0]);
            attention(&q, &both, &both, &zeros, &usual, &mut found[1]);
            for (few, usual) in found[0].iter().zip(&found[1]) {
                prop_assert!((few - usual).abs() < 1e-5, "{} against {}", few, usual);
            }
        }
    }
}
