//! SAM's two-way transformer: prompt tokens attend to the image and the image to the tokens.

use burn::tensor::Tensor;

use super::config::{DECODER_DEPTH, DECODER_HEADS, EMBED_DIM};
use super::layers::{LayerNorm, Linear};
use super::weights::Weights;
use crate::error::Result;
use crate::ops::profile::layer;
use crate::ops::{self, Activation};

pub struct TwoWayTransformer {
    blocks: Vec<TwoWayBlock>,
    final_attention: Attention,
    final_norm: LayerNorm,
}

impl TwoWayTransformer {
    /// Transformers may share the feed-forward layers of the one that is named `feedforward`.
    pub fn load(weights: &Weights, name: &str, feedforward: &str) -> Result<Self> {
        Ok(Self {
            blocks: (0..DECODER_DEPTH)
                .map(|i| {
                    let feedforward = format!("{feedforward}.layers.{i}.mlp");
                    TwoWayBlock::load(weights, &format!("{name}.layers.{i}"), &feedforward, i == 0)
                })
                .collect::<Result<_>>()?,
            final_attention: Attention::load(
                weights,
                &format!("{name}.final_attn_token_to_image"),
                EMBED_DIM / 2,
            )?,
            final_norm: norm(weights, &format!("{name}.norm_final_attn"))?,
        })
    }

    /// `image` is `[1 or prompts, cells, 256]`, `positions` `[1, cells, 256]`, `tokens` `[prompts, tokens, 256]`; returns
    /// tokens and image, both with a prompts axis.
    pub fn forward(
        &self,
        image: Tensor<3>,
        positions: Tensor<3>,
        tokens: Tensor<3>,
    ) -> (Tensor<3>, Tensor<3>) {
        let looked = self.look(image.clone(), positions.clone(), tokens.clone());
        self.finish(image, positions, tokens, looked)
    }

    /// The tokens after the first block's look at the image.
    pub fn look(&self, image: Tensor<3>, positions: Tensor<3>, tokens: Tensor<3>) -> Tensor<3> {
        let _named = layer("transformer, block 1");
        self.blocks[0].look(tokens.clone(), image.clone(), tokens, ops::add(image, positions))
    }

    /// The rest of [`TwoWayTransformer::forward`], from what [`TwoWayTransformer::look`] made of the tokens.
    pub fn finish(
        &self,
        image: Tensor<3>,
        positions: Tensor<3>,
        tokens: Tensor<3>,
        looked: Tensor<3>,
    ) -> (Tensor<3>, Tensor<3>) {
        let placed = |keys: &Tensor<3>| ops::add(keys.clone(), positions.clone());
        let mut queries = looked;
        let mut named = layer("transformer, block 1");
        let mut keys = self.blocks[0].update(queries.clone(), image.clone(), tokens.clone(), placed(&image));
        for block in &self.blocks[1..] {
            drop(named);
            named = layer("transformer, block 2");
            let placed_keys = placed(&keys);
            queries = block.look(queries, keys.clone(), tokens.clone(), placed_keys.clone());
            keys = block.update(queries.clone(), keys, tokens.clone(), placed_keys);
        }
        drop(named);
        let _last = layer("transformer, end");
        let placed_queries = ops::add(queries.clone(), tokens);
        let queries = self.final_attention.forward_add(placed_queries, placed(&keys), keys.clone(), queries);
        (self.final_norm.forward(queries, Activation::None), keys)
    }
}

struct TwoWayBlock {
    self_attention: Attention,
    norm1: LayerNorm,
    token_to_image: Attention,
    norm2: LayerNorm,
    mlp_in: Linear,
    mlp_out: Linear,
    norm3: LayerNorm,
    image_to_token: Attention,
    norm4: LayerNorm,
    /// The first block's self-attention replaces the tokens and adds no positions.
    first: bool,
}

impl TwoWayBlock {
    fn load(weights: &Weights, name: &str, feedforward: &str, first: bool) -> Result<Self> {
        let cross = |part: &str| Attention::load(weights, &format!("{name}.{part}"), EMBED_DIM / 2);
        let norm = |i: usize| norm(weights, &format!("{name}.norm{i}"));
        const HIDDEN: usize = 2048;
        Ok(Self {
            self_attention: Attention::load(weights, &format!("{name}.self_attn"), EMBED_DIM)?,
            norm1: norm(1)?,
            token_to_image: cross("cross_attn_token_to_image")?,
            norm2: norm(2)?,
            mlp_in: Linear::load(weights, &format!("{feedforward}.lin1"), EMBED_DIM, HIDDEN)?,
            mlp_out: Linear::load(weights, &format!("{feedforward}.lin2"), HIDDEN, EMBED_DIM)?,
            norm3: norm(3)?,
            image_to_token: cross("cross_attn_image_to_token")?,
            norm4: norm(4)?,
            first,
        })
    }

    /// The tokens after a look at one another and at the image. `placed_keys` are the keys with their positions.
    fn look(
        &self,
        queries: Tensor<3>,
        keys: Tensor<3>,
        query_positions: Tensor<3>,
        placed_keys: Tensor<3>,
    ) -> Tensor<3> {
        let queries = if self.first {
            self.self_attention.forward(queries.clone(), queries.clone(), queries)
        } else {
            let placed = ops::add(queries.clone(), query_positions.clone());
            self.self_attention.forward_add(placed.clone(), placed, queries.clone(), queries)
        };
        let queries = self.norm1.forward(queries, Activation::None);
        let placed = ops::add(queries.clone(), query_positions);
        let queries = self.token_to_image.forward_add(placed, placed_keys, keys, queries);
        let queries = self.norm2.forward(queries, Activation::None);
        let hidden = self.mlp_in.forward(queries.clone(), Activation::Relu);
        let queries = self.mlp_out.forward_add(hidden, queries, Activation::None);
        self.norm3.forward(queries, Activation::None)
    }

    /// The image after a look at the tokens.
    fn update(
        &self,
        queries: Tensor<3>,
        keys: Tensor<3>,
        query_positions: Tensor<3>,
        placed_keys: Tensor<3>,
    ) -> Tensor<3> {
        let placed = ops::add(queries.clone(), query_positions);
        let keys = self.image_to_token.forward_add(placed_keys, placed, queries, keys);
        self.norm4.forward(keys, Activation::None)
    }
}

/// Multi-head attention with projections; one operand may be shared by all prompts (a batch axis of 1).
struct Attention {
    q: Linear,
    k: Linear,
    v: Linear,
    out: Linear,
}

impl Attention {
    fn load(weights: &Weights, name: &str, inner: usize) -> Result<Self> {
        let input = |part: &str| Linear::load(weights, &format!("{name}.{part}"), EMBED_DIM, inner);
        Ok(Self {
            q: input("q_proj")?,
            k: input("k_proj")?,
            v: input("v_proj")?,
            out: Linear::load(weights, &format!("{name}.out_proj"), inner, EMBED_DIM)?,
        })
    }

    fn forward(&self, q: Tensor<3>, k: Tensor<3>, v: Tensor<3>) -> Tensor<3> {
        self.out.forward(self.attend(q, k, v), Activation::None)
    }

    /// The residual is added to the result.
    fn forward_add(&self, q: Tensor<3>, k: Tensor<3>, v: Tensor<3>, residual: Tensor<3>) -> Tensor<3> {
        self.out.forward_add(self.attend(q, k, v), residual, Activation::None)
    }

    fn attend(&self, q: Tensor<3>, k: Tensor<3>, v: Tensor<3>) -> Tensor<3> {
        let q = self.q.forward(q, Activation::None);
        let k = self.k.forward(k, Activation::None);
        let v = self.v.forward(v, Activation::None);
        ops::attention(q, k, v, DECODER_HEADS)
    }
}

fn norm(weights: &Weights, name: &str) -> Result<LayerNorm> {
    LayerNorm::load(weights, name, EMBED_DIM, LayerNorm::EPSILON)
}
