//! Attention of few queries to many keys, as that of a prompt's tokens to a photo, on the CPU. To
//! pack keys and values for the usual product would take longer than to multiply, so they are read
//! where they are.

use super::Attention;
use super::cpu::Operands;
use super::tokens::{PAIR, SIDE_BY_SIDE, TOGETHER, Tokens, add_product};
use crate::ops::cpu::Lanes;

/// The scores of a query for some keys that are next to each other.
type Scores = [f32; SIDE_BY_SIDE];

/// Computes the attention of one batch. `out` is `[queries, heads * dim]`.
pub(super) fn few_queries<const DIM: usize>(
    Operands { q, k, v }: Operands<'_>,
    spec: &Attention,
    out: &mut [f32],
) {
    let width = spec.heads * DIM;
    let groups = spec.keys.div_ceil(SIDE_BY_SIDE);
    let rows = spec.queries.next_multiple_of(TOGETHER);
    let mut scores = vec![[0.0; SIDE_BY_SIDE]; rows * groups];
    for head in 0..spec.heads {
        let queries = Tokens::<DIM>::new(q, &spec.q, head, spec.queries, spec.scale);
        for group in 0..groups {
            let first = group * SIDE_BY_SIDE;
            // The last keys are filled up with one that is there already.
            let key = |i: usize| spec.k.token(k, (first + i).min(spec.keys - 1), head);
            let products = queries.products(std::array::from_fn(key));
            for (row, product) in scores.chunks_mut(groups).zip(products) {
                (0..PAIR).for_each(|half| product[half].store(&mut row[group], half));
                row[group][SIDE_BY_SIDE.min(spec.keys - first)..].fill(f32::NEG_INFINITY);
            }
        }
        let factors: Vec<_> = scores.chunks_mut(groups).map(exponentials).collect();
        let value = |key: usize| spec.v.token(v, key.min(spec.keys - 1), head);
        for (i, scores) in scores.chunks(TOGETHER * groups).enumerate() {
            let mixed =
                mixed::<DIM>(std::array::from_fn(|i| &scores[i * groups..][..groups]), value);
            let rows = out.chunks_mut(width).zip(&factors).skip(i * TOGETHER);
            for ((out, factor), mixed) in rows.zip(mixed) {
                let out = &mut out[head * DIM..][..DIM];
                out.iter_mut().zip(mixed).for_each(|(out, value)| *out = value * factor);
            }
        }
    }
}

/// Replaces the scores of a query by their exponentials relative to the highest one. Returns the
/// factor that makes them sum to one.
fn exponentials(scores: &mut [Scores]) -> f32 {
    let mut best = [Lanes::splat(f32::NEG_INFINITY); PAIR];
    for scores in scores.iter() {
        (0..PAIR).for_each(|half| best[half] = best[half].larger(Lanes::load(scores, half)));
    }
    let shift = best[0].larger(best[1]).largest() * Lanes::splat(-1.0);
    let mut total = [Lanes::splat(0.0); PAIR];
    for scores in scores {
        for (half, total) in total.iter_mut().enumerate() {
            let score = (Lanes::load(scores, half) + shift).exp();
            *total = *total + score;
            score.store(scores, half);
        }
    }
    1.0 / (total[0] + total[1]).values().into_iter().sum::<f32>()
}

/// The sums of all values, each times its weight, for some queries.
fn mixed<'a, const DIM: usize>(
    weights: [&[Scores]; TOGETHER],
    value: impl Fn(usize) -> &'a [f32; DIM],
) -> [[f32; DIM]; TOGETHER] {
    let mut mixed = [[0.0; DIM]; TOGETHER];
    for part in 0..DIM / SIDE_BY_SIDE {
        let mut sums = [[Lanes::splat(0.0); PAIR]; TOGETHER];
        for group in 0..weights[0].len() {
            let weights = weights.map(|weights| &weights[group]);
            for i in 0..SIDE_BY_SIDE {
                let value = value(group * SIDE_BY_SIDE + i);
                let value = std::array::from_fn(|half| Lanes::load(value, part * PAIR + half));
                for (sum, weights) in sums.iter_mut().zip(weights) {
                    add_product(sum, value, weights[i]);
                }
            }
        }
        for (mixed, sum) in mixed.iter_mut().zip(sums) {
            (0..PAIR).for_each(|half| sum[half].store(mixed, part * PAIR + half));
        }
    }
    mixed
}
