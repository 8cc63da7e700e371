//! SAM's two-way transformer: prompt tokens attend to the image, and the image attends to the
//! tokens.

use super::attention::Attention;
use super::layers::{LayerNorm, Linear};
use super::manifest::DecoderConfig;
use super::weights::Weights;
use crate::error::Result;
use crate::ops::profile::layer;
use crate::ops::{self, Activation, Tensor};

/// The two-way transformer with its weights.
pub(super) struct TwoWayTransformer {
    blocks: Vec<TwoWayBlock>,
    final_attention: Attention,
    final_norm: LayerNorm,
}

impl TwoWayTransformer {
    /// Loads the transformer from the tensors under `name`, but its feed-forward layers from those
    /// under `feedforward`, because several transformers may share these.
    pub(super) fn load(
        weights: &Weights,
        name: &str,
        feedforward: &str,
        config: &DecoderConfig,
    ) -> Result<Self> {
        Ok(Self {
            blocks: (0..config.depth)
                .map(|i| {
                    let feedforward = format!("{feedforward}.layers.{i}.mlp");
                    TwoWayBlock::load(
                        weights,
                        &format!("{name}.layers.{i}"),
                        &feedforward,
                        config,
                        i == 0,
                    )
                })
                .collect::<Result<_>>()?,
            final_attention: cross(weights, &format!("{name}.final_attn_token_to_image"), config)?,
            final_norm: norm(weights, &format!("{name}.norm_final_attn"), config)?,
        })
    }

    /// Computes what does not depend on a query. `image` and its positional encodings `positions`
    /// are `[1, cells, channels]`.
    pub(super) fn share(&self, image: Tensor<3>, positions: Tensor<3>) -> SharedImage {
        let _named = layer("transformer, shared");
        let first = &self.blocks[0];
        let placed = ops::add(image.clone(), positions.clone());
        SharedImage {
            keys_and_values: first.token_to_image.keys_and_values(placed.clone(), image.clone()),
            queries: first.image_to_token.queries(placed),
            image,
            positions,
        }
    }

    /// Runs the transformer on `tokens`, `[prompts, tokens, channels]`. Returns the tokens at the
    /// end and the image as each prompt sees it, `[prompts, cells, channels]`.
    pub(super) fn forward(
        &self,
        shared: &SharedImage,
        tokens: Tensor<3>,
    ) -> (Tensor<3>, Tensor<3>) {
        let attended = self.attend(shared, tokens.clone());
        self.finish(shared, tokens, attended, None)
    }

    /// The tokens after they have attended to one another and to the image in the first block.
    pub(super) fn attend(&self, shared: &SharedImage, tokens: Tensor<3>) -> Tensor<3> {
        let _named = layer("transformer, block 1");
        self.blocks[0].attend(tokens.clone(), tokens, shared.keys_and_values.clone())
    }

    /// Runs the rest of [`TwoWayTransformer::forward`] on the result of
    /// [`TwoWayTransformer::attend`]. If there is a `trace`, it records what the side decoder
    /// reads.
    pub(super) fn finish(
        &self,
        shared: &SharedImage,
        tokens: Tensor<3>,
        attended: Tensor<3>,
        trace: Option<&mut Trace>,
    ) -> (Tensor<3>, Tensor<3>) {
        let mut nobody = Trace::default();
        let Trace { tokens_in, image_in } = trace.unwrap_or(&mut nobody);
        tokens_in.push(tokens.clone());
        image_in.push(shared.keys_and_values.clone());
        let placed = |keys: &Tensor<3>| ops::add(keys.clone(), shared.positions.clone());
        let mut queries = attended;
        let mut named = layer("transformer, block 1");
        let image = (shared.queries.clone(), shared.image.clone());
        let mut keys = self.blocks[0].update(queries.clone(), tokens.clone(), image);
        for block in &self.blocks[1..] {
            drop(named);
            named = layer("transformer, block 2");
            let placed_keys = placed(&keys);
            let projected = block.token_to_image.keys_and_values(placed_keys.clone(), keys.clone());
            tokens_in.push(queries.clone());
            image_in.push(projected.clone());
            queries = block.attend(queries, tokens.clone(), projected);
            let image = (block.image_to_token.queries(placed_keys), keys);
            keys = block.update(queries.clone(), tokens.clone(), image);
        }
        drop(named);
        let _last = layer("transformer, end");
        let placed_queries = ops::add(queries.clone(), tokens);
        let projected = self.final_attention.keys_and_values(placed(&keys), keys.clone());
        image_in.push(projected.clone());
        let queries = self.final_attention.mix_add(
            self.final_attention.queries(placed_queries),
            projected,
            queries,
        );
        (self.final_norm.forward(queries, Activation::None), keys)
    }
}

/// A record of a run of the transformer, which the side decoder reads.
#[derive(Default)]
pub struct Trace {
    /// The tokens that enter each block, `[prompts, tokens, channels]`.
    pub tokens_in: Vec<Tensor<3>>,
    /// The keys and values of the image, for the attention of each block's tokens to it and for the
    /// last attention.
    pub image_in: Vec<(Tensor<3>, Tensor<3>)>,
}

/// The image before the transformer has changed it for a prompt, and its projections in the first
/// block. Both are the same for all queries.
pub struct SharedImage {
    /// The image embedding plus what prompts add to it, `[1, cells, channels]`.
    image: Tensor<3>,
    /// The positional encodings of the cells, `[1, cells, channels]`.
    pub positions: Tensor<3>,
    /// The keys and values for the tokens' attention to the image, `[1, cells, channels / 2]` each.
    keys_and_values: (Tensor<3>, Tensor<3>),
    /// The queries for the image's attention to the tokens, `[1, cells, channels / 2]`.
    queries: Tensor<3>,
}

impl SharedImage {
    /// The number of cells.
    pub fn cells(&self) -> usize {
        self.image.dims()[1]
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
    /// In the first block, self-attention replaces the tokens and adds no positional encodings.
    first: bool,
}

impl TwoWayBlock {
    fn load(
        weights: &Weights,
        name: &str,
        feedforward: &str,
        config: &DecoderConfig,
        first: bool,
    ) -> Result<Self> {
        let &DecoderConfig { channels, heads, hidden, .. } = config;
        let cross = |part: &str| cross(weights, &format!("{name}.{part}"), config);
        let norm = |i: usize| norm(weights, &format!("{name}.norm{i}"), config);
        Ok(Self {
            self_attention: Attention::load(
                weights,
                &format!("{name}.self_attn"),
                [channels; 2],
                heads,
            )?,
            norm1: norm(1)?,
            token_to_image: cross("cross_attn_token_to_image")?,
            norm2: norm(2)?,
            mlp_in: Linear::load(weights, &format!("{feedforward}.lin1"), channels, hidden)?,
            mlp_out: Linear::load(weights, &format!("{feedforward}.lin2"), hidden, channels)?,
            norm3: norm(3)?,
            image_to_token: cross("cross_attn_image_to_token")?,
            norm4: norm(4)?,
            first,
        })
    }

    /// The tokens after they have attended to one another and to the image, which is given as
    /// projected keys and values.
    fn attend(
        &self,
        queries: Tensor<3>,
        query_positions: Tensor<3>,
        image: (Tensor<3>, Tensor<3>),
    ) -> Tensor<3> {
        let queries = if self.first {
            self.self_attention.forward(queries.clone(), queries.clone(), queries)
        } else {
            let placed = ops::add(queries.clone(), query_positions.clone());
            self.self_attention.forward_add(placed.clone(), placed, queries.clone(), queries)
        };
        let queries = self.norm1.forward(queries, Activation::None);
        let placed = ops::add(queries.clone(), query_positions);
        let queries =
            self.token_to_image.mix_add(self.token_to_image.queries(placed), image, queries);
        let queries = self.norm2.forward(queries, Activation::None);
        let hidden = self.mlp_in.forward(queries.clone(), Activation::Relu);
        let queries = self.mlp_out.forward_add(hidden, queries, Activation::None);
        self.norm3.forward(queries, Activation::None)
    }

    /// The image after it has attended to the tokens. It is given as projected queries and as it
    /// is.
    fn update(
        &self,
        tokens: Tensor<3>,
        token_positions: Tensor<3>,
        (projected, image): (Tensor<3>, Tensor<3>),
    ) -> Tensor<3> {
        let placed = ops::add(tokens.clone(), token_positions);
        let image_in = self.image_to_token.keys_and_values(placed, tokens);
        let image = self.image_to_token.mix_add(projected, image_in, image);
        self.norm4.forward(image, Activation::None)
    }
}

/// Loads an attention between tokens and image, which uses half of the channels.
fn cross(weights: &Weights, name: &str, config: &DecoderConfig) -> Result<Attention> {
    Attention::load(weights, name, [config.channels, config.channels / 2], config.heads)
}

fn norm(weights: &Weights, name: &str, config: &DecoderConfig) -> Result<LayerNorm> {
    LayerNorm::load(weights, name, config.channels, LayerNorm::EPSILON)
}
