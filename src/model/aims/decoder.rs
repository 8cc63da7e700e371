//! The level decoders: masks of all three levels around points of the image.

use std::rc::Rc;

use super::pixel_decoder::Maps;
use super::{LayerNorm, Linear, Mlp};
use crate::error::Result;
use crate::model::attention::Attention;
use crate::model::encoder::{InputSize, STRIDE};
use crate::model::manifest::{DecoderConfig, LevelsConfig, OutputToken};
use crate::model::prompt_encoder::{CellCodes, PromptEncoder};
use crate::model::transformer::{SharedImage, TwoWayTransformer};
use crate::model::upscale::Upscale;
use crate::model::weights::Weights;
use crate::ops::profile::layer;
use crate::ops::{self, Activation, Tensor};

/// SAM's two-way transformer with output tokens for the levels: one look at a point gives its part, its entity and its
/// relation. Trained from SAM's weights, whose feed-forward layers it shares.
pub struct Decoder {
    points: Rc<PromptEncoder>,
    from_context: Linear,
    /// The quality token, then those of the levels: `[1, 1 + outputs, channels]`.
    output_tokens: Tensor<3>,
    transformer: TwoWayTransformer,
    upscale: Upscale,
    quality_head: Mlp,
    complementarity: Complementarity,
    /// Of the output tokens.
    heads: Vec<Head>,
}

/// From an output token to its mask.
pub(super) struct Head {
    /// Kernels for the image as the query sees it.
    hypernetwork: Mlp,
    /// Kernels for the mask features that all queries share.
    kernel: Linear,
}

/// What all queries look at.
pub struct Prepared {
    image: SharedImage,
    /// The shared mask features, `[1, 16 · cells, channels]`.
    features: Tensor<3>,
    /// The tokens of points at the places for queries.
    points: CellCodes,
    /// Rows and columns of the cells.
    size: [usize; 2],
}

/// What a round of queries says.
pub struct Decoded {
    /// Of the masks of all output tokens, `[queries, outputs, height / 4, width / 4]`.
    pub logits: Tensor<4>,
    /// `[queries, 2 · outputs]`: the logits of the scores of all output tokens, then those of the predicted IoUs.
    pub scores: Tensor<2>,
    /// By output token, `[queries, 1, channels]`.
    pub tokens: Vec<Tensor<3>>,
}

impl Decoder {
    /// `name` is that of the AIMS head; `points` is SAM's.
    pub fn load(
        weights: &Weights,
        name: &str,
        points: Rc<PromptEncoder>,
        config: &LevelsConfig,
    ) -> Result<Self> {
        let decoder_config = &weights.manifest().description.decoder;
        let channels = decoder_config.channels;
        let decoder = format!("{name}.decoder");
        let transformer = format!("{decoder}.transformer");
        Ok(Self {
            points,
            from_context: Linear::load(
                weights,
                &format!("{decoder}.from_context"),
                config.width,
                channels,
            )?,
            output_tokens: output_tokens(weights, name, config)?,
            transformer: TwoWayTransformer::load(
                weights,
                &transformer,
                "mask_decoder.transformer",
                decoder_config,
            )?,
            upscale: Upscale::load(weights, &format!("{decoder}.upscale"), decoder_config)?,
            quality_head: Mlp::load(
                weights,
                &format!("{decoder}.quality_head"),
                &[channels, channels, channels, 2 * config.outputs.len()],
            )?,
            complementarity: Complementarity::load(
                weights,
                &format!("{decoder}.complementarity"),
                decoder_config,
            )?,
            heads: Head::load_all(weights, name, config)?,
        })
    }

    /// `embedding` is the encoder's, `[1, rows, cols, channels]`.
    pub fn prepare(&self, embedding: &Tensor<4>, maps: Maps) -> Prepared {
        let [_, rows, cols, channels] = embedding.dims();
        let size = InputSize::of(embedding);
        let context = self.from_context.forward(maps.stride16, Activation::None);
        let image = ops::add(ops::add(embedding.clone(), self.points.no_mask()), context);
        let [_, fine_rows, fine_cols, fine_channels] = maps.stride4.dims();
        Prepared {
            image: self.transformer.share(
                ops::reshape(image, [1, rows * cols, channels]),
                self.points.dense_positions(size),
            ),
            features: ops::reshape(maps.stride4, [1, fine_rows * fine_cols, fine_channels]),
            points: self.points.cell_points(size, STRIDE / 2),
            size: [rows, cols],
        }
    }

    /// A round of queries at the places that are `chosen`: their numbers, then one more that is not a place.
    pub fn decode(&self, prepared: &Prepared, chosen: &Tensor<1>) -> Decoded {
        let _named = layer("level decoders");
        let queries = chosen.dims()[0] - 1;
        let points = prepared.points.at(chosen, queries);
        let channels = points.dims()[1];
        let points = ops::reshape(points, [queries, 1, channels]);
        let prompts = ops::concat(vec![points, ops::repeat(self.points.padding(), 0, queries)], 1);
        let output_tokens = ops::repeat(self.output_tokens.clone(), 0, queries);
        let tokens = ops::concat(vec![output_tokens, prompts.clone()], 1);
        let attended = self.transformer.attend(&prepared.image, tokens.clone());
        let attended = self.complementarity.forward(attended, prompts, self.heads.len());
        // From here on each query has its own view of the image.
        let room = ops::working_bytes(&chosen.device());
        let together = (room / self.upscale.bytes(prepared.image.cells())).clamp(1, queries);
        let mut said = Vec::new();
        let pieces = (0..queries).step_by(together).map(|from| {
            let some = |x: &Tensor<3>| ops::slice(x, 0, from..(from + together).min(queries));
            let (tokens, attended) = (some(&tokens), some(&attended));
            let (tokens, image) = self.transformer.finish(&prepared.image, tokens, attended, None);
            said.push(tokens.clone());
            let pixels = self.upscale.forward(image, None);
            masks(&self.heads, &tokens, pixels, &prepared.features, prepared.size)
        });
        let logits = ops::collect(pieces, 0, queries);
        let said = ops::concat(said, 0);
        let scores = self.quality_head.forward(ops::slice(&said, 1, 0..1), Activation::Relu);
        Decoded {
            logits,
            scores: ops::reshape(scores, [queries, 2 * self.heads.len()]),
            tokens: (0..self.heads.len()).map(|i| output_token(&said, i)).collect(),
        }
    }
}

impl Head {
    /// Of all output tokens; `name` is that of the AIMS head.
    pub fn load_all(weights: &Weights, name: &str, config: &LevelsConfig) -> Result<Vec<Self>> {
        let decoder = &weights.manifest().description.decoder;
        let channels = decoder.channels;
        let head = |OutputToken { token: head, .. }: &OutputToken| -> Result<_> {
            let name = format!("{name}.decoders.{head}");
            let widths = [channels, channels, channels, Upscale::channels(decoder)];
            Ok(Head {
                hypernetwork: Mlp::load(weights, &format!("{name}.hypernetwork"), &widths)?,
                kernel: Linear::load(
                    weights,
                    &format!("{name}.kernel"),
                    channels,
                    config.mask_dim,
                )?,
            })
        };
        config.outputs.iter().map(head).collect()
    }
}

/// The quality token, then those of the levels: `[1, 1 + outputs, channels]`.
pub(super) fn output_tokens(
    weights: &Weights,
    name: &str,
    config: &LevelsConfig,
) -> Result<Tensor<3>> {
    let channels = weights.manifest().description.decoder.channels;
    let token = |name: String| -> Result<Tensor<3>> {
        let token: Tensor<2> = weights.float(&name, [1, channels])?;
        Ok(ops::reshape(token, [1, 1, channels]))
    };
    let mut tokens = vec![token(format!("{name}.decoder.quality_token"))?];
    for OutputToken { token: head, .. } in &config.outputs {
        tokens.push(token(format!("{name}.decoders.{head}.token"))?);
    }
    Ok(ops::concat(tokens, 1))
}

/// Logits `[queries, outputs, height / 4, width / 4]` from what the tokens say at the end: products of kernels with each query's own
/// `pixels`, and with the `features` that all share.
pub(super) fn masks(
    heads: &[Head],
    tokens: &Tensor<3>,
    pixels: Tensor<3>,
    features: &Tensor<3>,
    size: [usize; 2],
) -> Tensor<4> {
    let heads = || heads.iter().enumerate().map(|(i, head)| (head, output_token(tokens, i)));
    let own = heads().map(|(head, token)| head.hypernetwork.forward(token, Activation::Relu));
    let own = ops::matmul_transposed(ops::concat(own.collect(), 1), pixels);
    let own = Upscale::into_rows(own, size);
    let shared = heads().map(|(head, token)| head.kernel.forward(token, Activation::None));
    let shared = ops::concat(shared.collect(), 1);
    let [queries, kernels, channels] = shared.dims();
    let shared = ops::reshape(shared, [1, queries * kernels, channels]);
    let shared = ops::matmul_transposed(shared, features.clone());
    let shared = ops::reshape(shared, own.dims());
    ops::add(own, shared)
}

/// Of all queries, `[queries, 1, channels]`; the quality token comes before the output tokens.
pub(super) fn output_token(tokens: &Tensor<3>, i: usize) -> Tensor<3> {
    ops::slice(tokens, 1, 1 + i..2 + i)
}

/// The output tokens of all queries of a round look at one another.
struct Complementarity {
    norm: LayerNorm,
    attention: Attention,
}

impl Complementarity {
    fn load(weights: &Weights, name: &str, config: &DecoderConfig) -> Result<Self> {
        let &DecoderConfig { channels, heads, .. } = config;
        Ok(Self {
            norm: LayerNorm::load(weights, &format!("{name}.norm"), channels, LayerNorm::EPSILON)?,
            attention: Attention::load(
                weights,
                &format!("{name}.attention"),
                [channels, channels / 2],
                heads,
            )?,
        })
    }

    /// `tokens` are `[queries, tokens, channels]`, the quality token and then so many `outputs` first; the first of the `prompts`,
    /// `[queries, _, channels]`, tells each query's place.
    fn forward(&self, tokens: Tensor<3>, prompts: Tensor<3>, outputs: usize) -> Tensor<3> {
        let [queries, count, channels] = tokens.dims();
        let some = |from: usize, to: usize| ops::slice(&tokens, 1, from..to);
        let flat = [1, queries * outputs, channels];
        let own = ops::reshape(some(1, 1 + outputs), flat);
        let places = ops::reshape(ops::repeat(ops::slice(&prompts, 1, 0..1), 1, outputs), flat);
        let x = self.norm.forward(own.clone(), Activation::None);
        let placed = ops::add(x.clone(), places);
        let own = self.attention.forward_add(placed.clone(), placed, x, own);
        let own = ops::reshape(own, [queries, outputs, channels]);
        ops::concat(vec![some(0, 1), own, some(1 + outputs, count)], 1)
    }
}

/// Logits of the links between the masks of a coarse level and those of a fine one.
pub struct Affinity {
    coarse: Linear,
    fine: Linear,
    bias: Tensor<1>,
    /// Of the scores: one over the root of the projections' channels.
    scale: f32,
}

impl Affinity {
    pub fn load(weights: &Weights, name: &str, channels: usize, dim: usize) -> Result<Self> {
        Ok(Self {
            scale: (dim as f32).sqrt().recip(),
            coarse: Linear::load(weights, &format!("{name}.coarse"), channels, dim)?,
            fine: Linear::load(weights, &format!("{name}.fine"), channels, dim)?,
            bias: weights.float(&format!("{name}.bias"), [1])?,
        })
    }

    pub fn forward(&self, coarse: Tensor<3>, fine: Tensor<3>) -> Tensor<3> {
        let coarse = self.coarse.forward(coarse, Activation::None);
        let fine = self.fine.forward(fine, Activation::None);
        ops::scale_add(ops::matmul_transposed(coarse, fine), self.scale, self.bias.clone())
    }
}

/// A mask prompt as the network takes it, `[1, height, width, 1]`.
pub fn prompt_tensor(prompt: &[f32], embedding: &Tensor<4>) -> Tensor<4> {
    let InputSize { width, height } = InputSize::of(embedding);
    ops::tensor(prompt.to_vec(), [1, height, width, 1], &embedding.device())
}
