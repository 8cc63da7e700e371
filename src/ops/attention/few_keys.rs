//! Attention of many queries to few keys, as that of a photo to a prompt's tokens, on the CPU. Keys
//! and values stay in the fastest cache, and the scores of a query never leave it.

use super::Attention;
use super::cpu::Operands;
use super::tokens::{PAIR, SIDE_BY_SIDE, TOGETHER, Tokens, add_product};
use crate::ops::cpu::{Lanes, for_each_chunk, lanes};

/// The number of queries that one thread handles at a time.
const BLOCK: usize = 16 * SIDE_BY_SIDE;

/// Computes the attention of one batch. `out` is `[queries, heads * dim]`.
pub(super) fn few_keys<const DIM: usize>(
    Operands { q, k, v }: Operands<'_>,
    spec: &Attention,
    out: &mut [f32],
) {
    let width = spec.heads * DIM;
    let head = |head| Head::<DIM> {
        keys: Tokens::new(k, &spec.k, head, spec.keys, spec.scale),
        values: Tokens::new(v, &spec.v, head, spec.keys, 1.0),
    };
    let heads: Vec<_> = (0..spec.heads).map(head).collect();
    for_each_chunk(out, BLOCK * width, |block, out| {
        for (i, out) in out.chunks_mut(SIDE_BY_SIDE * width).enumerate() {
            let first = block * BLOCK + i * SIDE_BY_SIDE;
            // The last queries are filled up with one that is there already.
            let query = |i: usize| (first + i).min(spec.queries - 1);
            for (number, head) in heads.iter().enumerate() {
                let queries = std::array::from_fn(|i| spec.q.token(q, query(i), number));
                head.attend(queries, width, &mut out[number * DIM..]);
            }
        }
    });
}

/// The keys, times the factor of the scores, and the values of one head.
struct Head<const DIM: usize> {
    keys: Tokens<DIM>,
    values: Tokens<DIM>,
}

impl<const DIM: usize> Head<DIM> {
    /// Writes the attention of some queries to the first channels of each row of `out`. Rows have
    /// `width` values, except for the last one; there may be fewer of them than queries.
    fn attend(&self, queries: [&[f32; DIM]; SIDE_BY_SIDE], width: usize, out: &mut [f32]) {
        let mut scores = self.keys.products(queries);
        let factors = exponentials(&mut scores[..self.keys.iter().count()]);
        for channel in (0..DIM).step_by(TOGETHER) {
            let mut sums = [[Lanes::splat(0.0); PAIR]; TOGETHER];
            for (&scores, value) in scores.iter().zip(self.values.iter()) {
                for (sum, &value) in sums.iter_mut().zip(&value[channel..channel + TOGETHER]) {
                    add_product(sum, scores, value);
                }
            }
            for half in 0..PAIR {
                let rows = lanes::transposed(sums.map(|sum| sum[half] * factors[half]));
                let out = out.chunks_mut(width).skip(half * Lanes::COUNT);
                for (row, out) in rows.into_iter().zip(out) {
                    let out = out[channel..].first_chunk_mut::<TOGETHER>();
                    row.store(out.expect("a row has all channels"), 0);
                }
            }
        }
    }
}

/// Replaces the scores of each query by their exponentials relative to the highest one. Returns the
/// factors that make them sum to one.
fn exponentials(scores: &mut [[Lanes; PAIR]]) -> [Lanes; PAIR] {
    let mut best = [Lanes::splat(f32::NEG_INFINITY); PAIR];
    for score in scores.iter() {
        best.iter_mut().zip(score).for_each(|(best, &score)| *best = best.larger(score));
    }
    let shifts = best.map(|best| best * Lanes::splat(-1.0));
    let mut total = [Lanes::splat(0.0); PAIR];
    for score in scores {
        for ((score, shift), total) in score.iter_mut().zip(shifts).zip(&mut total) {
            *score = (*score + shift).exp();
            *total = *total + *score;
        }
    }
    total.map(|total| Lanes::splat(1.0) / total)
}
