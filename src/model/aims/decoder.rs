//! The level decoders of `aims-tiny`, which make masks of all three levels for points of the image.

use std::rc::Rc;

use super::pixel_decoder::Maps;
use super::{LayerNorm, Linear, Mlp};
use crate::error::Result;
use crate::model::attention::Attention;
use crate::model::encoder::{InputSize, STRIDE};
use crate::model::manifest::{DecoderConfig, LevelsConfig, OutputToken};
use crate::model::prompt_encoder::{CellEncodings, PromptEncoder};
use crate::model::transformer::{SharedImage, TwoWayTransformer};
use crate::model::upscale::Upscale;
use crate::model::weights::Weights;
use crate::ops::profile::layer;
use crate::ops::{self, Activation, Tensor};

/// SAM's two-way transformer with output tokens for the levels: one pass for a point gives its
/// part, its entity and its relation. It was trained from SAM's weights, and it shares SAM's
/// feed-forward layers.
pub(super) struct Decoder {
    points: Rc<PromptEncoder>,
    from_context: Linear,
    /// The quality token, then the output tokens: `[1, 1 + outputs, channels]`.
    output_tokens: Tensor<3>,
    transformer: TwoWayTransformer,
    upscale: Upscale,
    quality_head: Mlp,
    complementarity: Complementarity,
    /// The heads of the output tokens, in their order.
    heads: Vec<Head>,
}

/// Makes the mask of an output token.
pub(super) struct Head {
    /// Makes the kernel for the image as the query sees it.
    hypernetwork: Mlp,
    /// Makes the kernel for the mask features that all queries share.
    kernel: Linear,
}

/// What all queries on an image share.
pub(super) struct PreparedImage {
    image: SharedImage,
    /// The shared mask features, `[1, 16 · cells, channels]`.
    features: Tensor<3>,
    /// The tokens of points at the positions that queries may have.
    points: CellEncodings,
    /// The rows and columns of the image embedding.
    size: [usize; 2],
}

/// The results of a round of queries.
pub(super) struct Decoded {
    /// The logits of the masks of all output tokens, `[queries, outputs, height / 4, width / 4]`.
    pub logits: Tensor<4>,
    /// The logits of the scores of all output tokens, then those of the predicted IoUs:
    /// `[queries, 2 · outputs]`.
    pub scores: Tensor<2>,
    /// The values of each output token after the decoder, `[queries, 1, channels]`.
    pub tokens: Vec<Tensor<3>>,
}

impl Decoder {
    /// Loads the level decoders. `name` is the name of the AIMS head, and `points` is SAM's prompt
    /// encoder.
    pub(super) fn load(
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

    /// Computes what all queries on an image share. `embedding` is the encoder's image embedding,
    /// `[1, rows, cols, channels]`, and `maps` are the pixel decoder's.
    pub(super) fn prepare(&self, embedding: &Tensor<4>, maps: Maps) -> PreparedImage {
        let [_, rows, cols, channels] = embedding.dims();
        let size = InputSize::of(embedding);
        let context = self.from_context.forward(maps.stride16, Activation::None);
        let image = ops::add(ops::add(embedding.clone(), self.points.no_mask()), context);
        let [_, fine_rows, fine_cols, fine_channels] = maps.stride4.dims();
        PreparedImage {
            image: self.transformer.share(
                ops::reshape(image, [1, rows * cols, channels]),
                self.points.dense_positions(size),
            ),
            features: ops::reshape(maps.stride4, [1, fine_rows * fine_cols, fine_channels]),
            points: self.points.cell_points(size, STRIDE / 2),
            size: [rows, cols],
        }
    }

    /// Decodes a round of queries. `chosen` has the numbers of their positions, then one more value
    /// that is not a position.
    pub(super) fn decode(&self, prepared: &PreparedImage, chosen: &Tensor<1>) -> Decoded {
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
        // From here on each query has its own view of the image, which takes so much memory that
        // queries are decoded in groups.
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
    /// Loads the heads of all output tokens. `name` is the name of the AIMS head.
    pub(super) fn load_all(
        weights: &Weights,
        name: &str,
        config: &LevelsConfig,
    ) -> Result<Vec<Self>> {
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

/// Loads the quality token, then the output tokens of the levels: `[1, 1 + outputs, channels]`.
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

/// The logits of masks, `[queries, outputs, height / 4, width / 4]`, from the `tokens` after the
/// decoder: the products of kernels with each query's own `pixels`, plus those with the `features`
/// that all queries share.
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

/// Output token `i` of all queries, `[queries, 1, channels]`. The quality token comes before the
/// output tokens.
pub(super) fn output_token(tokens: &Tensor<3>, i: usize) -> Tensor<3> {
    ops::slice(tokens, 1, 1 + i..2 + i)
}

/// Task complementarity: the output tokens of all queries of a round attend to one another.
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

    /// Runs the attention. `tokens`, `[queries, tokens, channels]`, begin with the quality token
    /// and the given number of output tokens. The first of the `prompts`, `[queries, _, channels]`,
    /// says where each query is.
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

/// Predicts the links between the masks of a coarse level and those of a fine one.
pub(super) struct Affinity {
    coarse: Linear,
    fine: Linear,
    bias: Tensor<1>,
    /// The scale of the products: one over the root of the projections' channels.
    scale: f32,
}

impl Affinity {
    /// Loads the affinity from the tensors under `name`. `dim` is the number of channels in which
    /// masks are compared.
    pub(super) fn load(weights: &Weights, name: &str, channels: usize, dim: usize) -> Result<Self> {
        Ok(Self {
            scale: (dim as f32).sqrt().recip(),
            coarse: Linear::load(weights, &format!("{name}.coarse"), channels, dim)?,
            fine: Linear::load(weights, &format!("{name}.fine"), channels, dim)?,
            bias: weights.float(&format!("{name}.bias"), [1])?,
        })
    }

    /// The logits of the links, `[1, coarse masks, fine masks]`, from the tokens of the masks,
    /// `[1, masks, channels]`.
    pub(super) fn forward(&self, coarse: Tensor<3>, fine: Tensor<3>) -> Tensor<3> {
        let coarse = self.coarse.forward(coarse, Activation::None);
        let fine = self.fine.forward(fine, Activation::None);
        ops::scale_add(ops::matmul_transposed(coarse, fine), self.scale, self.bias.clone())
    }
}

/// Puts a mask prompt, 0 or 1 for each pixel of the input, in a tensor `[1, height, width, 1]`. The
/// size of the input follows from `embedding`.
pub(super) fn prompt_tensor(prompt: &[f32], embedding: &Tensor<4>) -> Tensor<4> {
    let InputSize { width, height } = InputSize::of(embedding);
    ops::tensor(prompt.to_vec(), [1, height, width, 1], &embedding.device())
}
