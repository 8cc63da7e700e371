//! The level decoders: masks of all three levels around points of the image.

use std::rc::Rc;

use burn::tensor::Tensor;

use super::pixel_decoder::Maps;
use super::{AimsConfig, Attention, LayerNorm, Linear, Mlp, OUTPUT_TOKENS};
use crate::error::Result;
use crate::model::config::{DECODER_HEADS, EMBED_DIM, STRIDE};
use crate::model::prompt_encoder::{CellCodes, PromptEncoder};
use crate::model::transformer::TwoWayTransformer;
use crate::model::upscale::Upscale;
use crate::model::weights::Weights;
use crate::ops::profile::layer;
use crate::ops::{self, Activation};

/// SAM's two-way transformer with output tokens for the levels: one look at a point gives its part, its entity and its
/// relation. Trained from MobileSAM's weights, whose feed-forward layers it shares.
pub struct Decoder {
    points: Rc<PromptEncoder>,
    from_context: Linear,
    /// The quality token, then those of [`OUTPUT_TOKENS`]: `[1, 5, 256]`.
    output_tokens: Tensor<3>,
    transformer: TwoWayTransformer,
    upscale: Upscale,
    quality_head: Mlp,
    complementarity: Complementarity,
    /// Of [`OUTPUT_TOKENS`].
    heads: Vec<Head>,
}

/// From an output token to its mask.
struct Head {
    /// Kernels for the image as the query sees it.
    hypernetwork: Mlp,
    /// Kernels for the mask features that all queries share.
    kernel: Linear,
}

/// What all queries look at.
pub struct Seen {
    /// `[1, cells, 256]`.
    image: Tensor<3>,
    /// Codes of the cells' places, `[1, cells, 256]`.
    positions: Tensor<3>,
    /// The shared mask features, `[1, 16 · cells, channels]`.
    features: Tensor<3>,
    /// The tokens of points at the places for queries.
    points: CellCodes,
    /// Cells a side.
    side: usize,
}

/// What a round of queries says.
pub struct Decoded {
    /// Of the masks of all [`OUTPUT_TOKENS`], `[queries, 4, S / 4, S / 4]`.
    pub logits: Tensor<4>,
    /// `[queries, 8]`: the logits of the scores of all output tokens, then those of the predicted IoUs.
    pub judged: Tensor<2>,
    /// By output token, `[queries, 1, 256]`.
    pub tokens: Vec<Tensor<3>>,
}

impl Decoder {
    /// `name` is that of the AIMS head; `points` is SAM's.
    pub fn load(
        weights: &Weights,
        name: &str,
        points: Rc<PromptEncoder>,
        config: &AimsConfig,
    ) -> Result<Self> {
        let decoder = format!("{name}.decoder");
        let token = |name: String| -> Result<Tensor<3>> {
            let token: Tensor<2> = weights.float(&name, [1, EMBED_DIM])?;
            Ok(ops::reshape(token, [1, 1, EMBED_DIM]))
        };
        let mut tokens = vec![token(format!("{decoder}.quality_token"))?];
        for (head, _) in OUTPUT_TOKENS {
            tokens.push(token(format!("{name}.decoders.{head}.token"))?);
        }
        let head = |&(head, _): &(&str, usize)| -> Result<_> {
            let name = format!("{name}.decoders.{head}");
            let widths = [EMBED_DIM, EMBED_DIM, EMBED_DIM, Upscale::CHANNELS];
            Ok(Head {
                hypernetwork: Mlp::load(weights, &format!("{name}.hypernetwork"), &widths)?,
                kernel: Linear::load(weights, &format!("{name}.kernel"), EMBED_DIM, config.mask_dim)?,
            })
        };
        let transformer = format!("{decoder}.transformer");
        Ok(Self {
            points,
            from_context: Linear::load(weights, &format!("{decoder}.from_context"), config.width, EMBED_DIM)?,
            output_tokens: ops::cat(tokens, 1),
            transformer: TwoWayTransformer::load(weights, &transformer, "mask_decoder.transformer")?,
            upscale: Upscale::load(weights, &format!("{decoder}.upscale"))?,
            quality_head: Mlp::load(
                weights,
                &format!("{decoder}.quality_head"),
                &[EMBED_DIM, EMBED_DIM, EMBED_DIM, 2 * OUTPUT_TOKENS.len()],
            )?,
            complementarity: Complementarity::load(weights, &format!("{decoder}.complementarity"))?,
            heads: OUTPUT_TOKENS.iter().map(head).collect::<Result<_>>()?,
        })
    }

    /// `embedding` is the encoder's, `[1, side, side, 256]`.
    pub fn see(&self, embedding: &Tensor<4>, maps: Maps) -> Seen {
        let [_, side, _, _] = embedding.dims();
        let [_, places, _, _] = maps.stride8.dims();
        let context = self.from_context.forward(maps.stride16, Activation::None);
        let image = ops::add(ops::add(embedding.clone(), self.points.no_mask()), context);
        let [_, rows, cols, channels] = maps.stride4.dims();
        Seen {
            image: ops::reshape(image, [1, side * side, EMBED_DIM]),
            positions: self.points.dense_positions(side * STRIDE),
            features: ops::reshape(maps.stride4, [1, rows * cols, channels]),
            points: self.points.cell_points(places),
            side,
        }
    }

    /// A round of queries at the places that are `chosen`: their numbers, then one more that is not a place.
    pub fn ask(&self, seen: &Seen, chosen: &Tensor<1>) -> Decoded {
        let _named = layer("level decoders");
        let queries = chosen.dims()[0] - 1;
        let points = ops::reshape(seen.points.at(chosen, queries), [queries, 1, EMBED_DIM]);
        let prompts = ops::cat(vec![points, ops::repeat(self.points.padding(), 0, queries)], 1);
        let output_tokens = ops::repeat(self.output_tokens.clone(), 0, queries);
        let tokens = ops::cat(vec![output_tokens, prompts.clone()], 1);
        let (image, positions) = (&seen.image, &seen.positions);
        let looked = self.transformer.look(image.clone(), positions.clone(), tokens.clone());
        let looked = self.complementarity.forward(looked, prompts);
        // From here on each query has its own view of the image.
        let room = ops::working_bytes(&image.device());
        let together = (room / Upscale::bytes(seen.side * seen.side)).clamp(1, queries);
        let mut said = Vec::new();
        let pieces = (0..queries).step_by(together).map(|from| {
            let some = |x: &Tensor<3>| ops::slice(x, 0, from..(from + together).min(queries));
            let (tokens, looked) = (some(&tokens), some(&looked));
            let (tokens, image) = self.transformer.finish(image.clone(), positions.clone(), tokens, looked);
            said.push(tokens.clone());
            self.masks(seen, &tokens, image)
        });
        let logits = ops::collect(pieces, 0, queries);
        let said = ops::cat(said, 0);
        let judged = self.quality_head.forward(ops::slice(&said, 1, 0..1), Activation::Relu);
        Decoded {
            logits,
            judged: ops::reshape(judged, [queries, 2 * OUTPUT_TOKENS.len()]),
            tokens: (0..self.heads.len()).map(|i| output_token(&said, i)).collect(),
        }
    }

    /// Logits `[queries, 4, S / 4, S / 4]` from what the tokens say at the end, and the image as each query sees it.
    fn masks(&self, seen: &Seen, tokens: &Tensor<3>, image: Tensor<3>) -> Tensor<4> {
        let heads = || self.heads.iter().enumerate().map(|(i, head)| (head, output_token(tokens, i)));
        let own = heads().map(|(head, token)| head.hypernetwork.forward(token, Activation::Relu));
        let own = ops::matmul_transposed(ops::cat(own.collect(), 1), self.upscale.forward(image));
        let own = Upscale::into_rows(own, seen.side);
        let shared = heads().map(|(head, token)| head.kernel.forward(token, Activation::None));
        let shared = ops::cat(shared.collect(), 1);
        let [queries, kernels, channels] = shared.dims();
        let shared = ops::reshape(shared, [1, queries * kernels, channels]);
        let shared = ops::matmul_transposed(shared, seen.features.clone());
        let shared = ops::reshape(shared, own.dims());
        ops::add(own, shared)
    }
}

/// Of all queries, `[queries, 1, 256]`; the quality token comes before the output tokens.
fn output_token(tokens: &Tensor<3>, i: usize) -> Tensor<3> {
    ops::slice(tokens, 1, 1 + i..2 + i)
}

/// The output tokens of all queries of a round look at one another.
struct Complementarity {
    norm: LayerNorm,
    attention: Attention,
}

impl Complementarity {
    fn load(weights: &Weights, name: &str) -> Result<Self> {
        Ok(Self {
            norm: LayerNorm::load(weights, &format!("{name}.norm"), EMBED_DIM, LayerNorm::EPSILON)?,
            attention: Attention::load(
                weights,
                &format!("{name}.attention"),
                [EMBED_DIM, EMBED_DIM / 2],
                DECODER_HEADS,
            )?,
        })
    }

    /// `tokens` are `[queries, tokens, 256]`, the quality token and the output tokens first; the first of the `prompts`,
    /// `[queries, _, 256]`, tells each query's place.
    fn forward(&self, tokens: Tensor<3>, prompts: Tensor<3>) -> Tensor<3> {
        let [queries, count, _] = tokens.dims();
        let some = |from: usize, to: usize| ops::slice(&tokens, 1, from..to);
        let outputs = OUTPUT_TOKENS.len();
        let flat = [1, queries * outputs, EMBED_DIM];
        let own = ops::reshape(some(1, 1 + outputs), flat);
        let places = ops::reshape(ops::repeat(ops::slice(&prompts, 1, 0..1), 1, outputs), flat);
        let x = self.norm.forward(own.clone(), Activation::None);
        let placed = ops::add(x.clone(), places);
        let own = self.attention.forward_add(placed.clone(), placed, x, own);
        let own = ops::reshape(own, [queries, outputs, EMBED_DIM]);
        ops::cat(vec![some(0, 1), own, some(1 + outputs, count)], 1)
    }
}

/// Logits of the links between the masks of a coarse level and those of a fine one.
pub struct Affinity {
    coarse: Linear,
    fine: Linear,
    bias: Tensor<1>,
}

impl Affinity {
    /// Channels of the projections.
    const DIM: usize = 64;

    pub fn load(weights: &Weights, name: &str) -> Result<Self> {
        Ok(Self {
            coarse: Linear::load(weights, &format!("{name}.coarse"), EMBED_DIM, Self::DIM)?,
            fine: Linear::load(weights, &format!("{name}.fine"), EMBED_DIM, Self::DIM)?,
            bias: weights.float(&format!("{name}.bias"), [1])?,
        })
    }

    pub fn forward(&self, coarse: Tensor<3>, fine: Tensor<3>) -> Tensor<3> {
        let coarse = self.coarse.forward(coarse, Activation::None);
        let fine = self.fine.forward(fine, Activation::None);
        ops::scale_add(
            ops::matmul_transposed(coarse, fine),
            (Self::DIM as f32).sqrt().recip(),
            self.bias.clone(),
        )
    }
}

/// A mask prompt as the network takes it, `[1, S, S, 1]`.
pub fn prompt_tensor(prompt: &[f32], embedding: &Tensor<4>) -> Tensor<4> {
    let size = prompt.len().isqrt();
    ops::tensor(prompt.to_vec(), [1, size, size, 1], &embedding.device())
}
