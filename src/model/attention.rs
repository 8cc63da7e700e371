//! Multi-head attention with projections. Its steps can be called one by one, because the results
//! of some of them can be shared.

use super::layers::Linear;
use super::weights::Weights;
use crate::error::Result;
use crate::ops::{self, Activation, Tensor};

/// Multi-head attention with its projections. Queries, or keys and values, may be shared by all
/// prompts (a batch axis of 1).
pub(super) struct Attention {
    q: Linear,
    k: Linear,
    v: Linear,
    out: Linear,
    heads: usize,
}

impl Attention {
    /// Loads the projections from the tensors under `name`. `width` is the number of channels
    /// outside, and `inner` that between the projections.
    pub(super) fn load(
        weights: &Weights,
        name: &str,
        [width, inner]: [usize; 2],
        heads: usize,
    ) -> Result<Self> {
        let input = |part: &str| Linear::load(weights, &format!("{name}.{part}"), width, inner);
        Ok(Self {
            q: input("q_proj")?,
            k: input("k_proj")?,
            v: input("v_proj")?,
            out: Linear::load(weights, &format!("{name}.out_proj"), inner, width)?,
            heads,
        })
    }

    /// The attention of the queries `q` to the keys `k` and values `v`, each
    /// `[batch, tokens, width]`.
    pub(super) fn forward(&self, q: Tensor<3>, k: Tensor<3>, v: Tensor<3>) -> Tensor<3> {
        let (k, v) = self.keys_and_values(k, v);
        self.out.forward(ops::attention(self.queries(q), k, v, self.heads), Activation::None)
    }

    /// The same as [`Self::forward`], plus `residual`.
    pub(super) fn forward_add(
        &self,
        q: Tensor<3>,
        k: Tensor<3>,
        v: Tensor<3>,
        residual: Tensor<3>,
    ) -> Tensor<3> {
        self.mix_add(self.queries(q), self.keys_and_values(k, v), residual)
    }

    /// Projects queries.
    pub(super) fn queries(&self, q: Tensor<3>) -> Tensor<3> {
        self.q.forward(q, Activation::None)
    }

    /// Projects keys and values.
    pub(super) fn keys_and_values(&self, k: Tensor<3>, v: Tensor<3>) -> (Tensor<3>, Tensor<3>) {
        (self.k.forward(k, Activation::None), self.v.forward(v, Activation::None))
    }

    /// The same as [`Self::forward_add`], for queries, keys and values that are already projected.
    pub(super) fn mix_add(
        &self,
        q: Tensor<3>,
        (k, v): (Tensor<3>, Tensor<3>),
        residual: Tensor<3>,
    ) -> Tensor<3> {
        self.out.forward_add(mixed(q, (k, v), self.heads), residual, Activation::None)
    }
}

/// The attention of projected queries, `[batch, tokens, width]`, before the output projection. If
/// the whole batch shares keys and values, all its queries attend to them at once: this is one
/// large product instead of many small ones.
pub(super) fn mixed(q: Tensor<3>, (k, v): (Tensor<3>, Tensor<3>), heads: usize) -> Tensor<3> {
    let [batch, tokens, width] = q.dims();
    if batch == 1 || k.dims()[0] > 1 {
        return ops::attention(q, k, v, heads);
    }
    let all = ops::reshape(q, [1, batch * tokens, width]);
    ops::reshape(ops::attention(all, k, v, heads), [batch, tokens, width])
}
