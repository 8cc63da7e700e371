//! Multi-head attention. It reads its operands where projections have put them, without copies.

mod cpu;
mod few_keys;
mod few_queries;
mod op;
mod tokens;

use burn::tensor::Tensor;

use crate::ops::backend::Primitive;
use crate::ops::run::run;
pub(super) use op::{Attention, HeadLayout, ScoreBias};

/// Multi-head attention with separate operands `[batch, tokens, heads * dim]`. Scores are scaled by
/// `1 / sqrt(dim)`. All batches share an operand whose batch axis is 1.
pub fn attention(q: Tensor<3>, k: Tensor<3>, v: Tensor<3>, heads: usize) -> Tensor<3> {
    cross_attention(q, k, v, None, heads)
}

/// The same as [`attention`], with a bias `[queries, keys]` on the scores of all heads and batches.
pub fn biased_attention(
    q: Tensor<3>,
    k: Tensor<3>,
    v: Tensor<3>,
    bias: Tensor<2>,
    heads: usize,
) -> Tensor<3> {
    assert_eq!(
        bias.dims(),
        [q.dims()[1], k.dims()[1]],
        "the bias must have a value for each score"
    );
    cross_attention(q, k, v, Some(bias), heads)
}

fn cross_attention(
    q: Tensor<3>,
    k: Tensor<3>,
    v: Tensor<3>,
    bias: Option<Tensor<2>>,
    heads: usize,
) -> Tensor<3> {
    let [q_batch, queries, width] = q.dims();
    let [k_batch, keys, _] = k.dims();
    let dim = width / heads;
    let batch = q_batch.max(k_batch);
    let layout = |own: usize| {
        assert!(own == batch || own == 1, "the batch axes must match or be 1");
        HeadLayout { stride: width, offset: 0, head_stride: dim, shared: own < batch }
    };
    let op = Attention {
        batch,
        queries,
        keys,
        heads,
        dim,
        scale: (dim as f32).sqrt().recip(),
        bias: if bias.is_some() { ScoreBias::Shared } else { ScoreBias::None },
        q: layout(q_batch),
        k: layout(k_batch),
        v: layout(v.dims()[0]),
    };
    // Every variant has a binding for the bias. Without a bias, the queries are bound there.
    match bias {
        Some(bias) => attend(op, [q.into(), k.into(), v.into(), bias.into()]),
        None => attend(op, [q.clone().into(), k.into(), v.into(), q.into()]),
    }
}

/// Attention on a fused projection `[batch, tokens, query | key | value]`. Each of the three has
/// its heads next to each other. If `queries`, `[batch, fewer tokens, width]`, are given, they
/// replace those of the projection. This is for blocks that pool their queries.
pub fn fused_attention(queries: Option<Tensor<3>>, qkv: Tensor<3>, heads: usize) -> Tensor<3> {
    let [batch, tokens, fused] = qkv.dims();
    let width = fused / 3;
    let dim = width / heads;
    let layout = |stride, offset| HeadLayout { stride, offset, head_stride: dim, shared: false };
    let (count, stride) = queries.as_ref().map_or((tokens, fused), |queries| {
        let [own_batch, count, own_width] = queries.dims();
        assert_eq!((own_batch, own_width), (batch, width), "queries must match the projection");
        (count, width)
    });
    let op = Attention {
        batch,
        queries: count,
        keys: tokens,
        heads,
        dim,
        scale: (dim as f32).sqrt().recip(),
        bias: ScoreBias::None,
        q: layout(stride, 0),
        k: layout(fused, width),
        v: layout(fused, 2 * width),
    };
    // Every variant has a binding for the bias. The queries are bound there.
    let queries = queries.unwrap_or_else(|| qkv.clone());
    attend(op, [queries.clone().into(), qkv.clone().into(), qkv.into(), queries.into()])
}

/// Self-attention on a fused projection `[batch, tokens, heads * (query | key | value)]`, with a
/// bias `[heads, tokens, tokens]` on the scores.
pub fn self_attention(qkv: Tensor<3>, bias: &Tensor<3>, heads: usize) -> Tensor<3> {
    let [batch, tokens, width] = qkv.dims();
    let dim = width / heads / 3;
    let layout = |offset| HeadLayout { stride: width, offset, head_stride: 3 * dim, shared: false };
    let op = Attention {
        batch,
        queries: tokens,
        keys: tokens,
        heads,
        dim,
        scale: (dim as f32).sqrt().recip(),
        bias: ScoreBias::PerHead,
        q: layout(0),
        k: layout(dim),
        v: layout(2 * dim),
    };
    attend(op, [qkv.clone().into(), qkv.clone().into(), qkv.into(), bias.clone().into()])
}

fn attend(op: Attention, inputs: [Primitive; 4]) -> Tensor<3> {
    run(op, inputs, [op.batch, op.queries, op.heads * op.dim])
}
