//! The level decoders of `aims-base`: output tokens that run next to those of SAM 2's mask decoder
//! while it answers a point. They change nothing in it, so one pass gives SAM's nested masks,
//! exactly as they are, and the masks of all levels. Its PyTorch twin is
//! `training/aims/side_decoder.py`.

use std::rc::Rc;

use super::decoder::{Decoded, Head, masks, output_token, output_tokens};
use super::pixel_decoder::Maps;
use super::{LayerNorm, Linear, Mlp};
use crate::error::Result;
use crate::model::attention::{Attention, mixed};
use crate::model::encoder::{ImageFeatures, InputSize, STRIDE};
use crate::model::manifest::{DecoderConfig, LevelsConfig};
use crate::model::mask_decoder::MaskDecoder;
use crate::model::prompt_encoder::{CellEncodings, PromptEncoder};
use crate::model::transformer::{SharedImage, Trace};
use crate::model::upscale::FineFeatures;
use crate::model::weights::Weights;
use crate::ops::profile::layer;
use crate::ops::{self, Activation, Tensor};

/// The side decoder with its weights.
pub(super) struct SideDecoder {
    sam: Rc<MaskDecoder>,
    points: Rc<PromptEncoder>,
    from_context: Linear,
    /// The quality token, then the output tokens: `[1, 1 + outputs, channels]`.
    start: Tensor<3>,
    blocks: Vec<Block>,
    last: ImageAttention,
    norm: LayerNorm,
    quality_head: Mlp,
    /// The heads of the output tokens, in their order.
    heads: Vec<Head>,
}

/// What all queries on an image share.
pub(super) struct PreparedImage {
    image: SharedImage,
    fine: FineFeatures,
    /// The keys and values of the context, for each block.
    context: Vec<(Tensor<3>, Tensor<3>)>,
    /// The shared mask features, `[1, 16 · cells, channels]`.
    features: Tensor<3>,
    /// The tokens of points at the positions that queries may have.
    points: CellEncodings,
    /// The rows and columns of the image embedding.
    size: [usize; 2],
}

impl SideDecoder {
    /// The number of SAM's nested masks for a point.
    pub(super) const NESTED: usize = 3;

    /// Loads the side decoder. `name` is the name of the AIMS head, and `points` and `sam` are
    /// SAM's prompt encoder and mask decoder.
    pub(super) fn load(
        weights: &Weights,
        name: &str,
        points: Rc<PromptEncoder>,
        sam: Rc<MaskDecoder>,
        config: &LevelsConfig,
    ) -> Result<Self> {
        let decoder_config = &weights.manifest().description.decoder;
        let channels = decoder_config.channels;
        let decoder = format!("{name}.decoder");
        let block =
            |i: usize| Block::load(weights, &format!("{decoder}.blocks.{i}"), decoder_config, i);
        Ok(Self {
            sam,
            points,
            from_context: Linear::load(
                weights,
                &format!("{decoder}.from_context"),
                config.width,
                channels,
            )?,
            start: output_tokens(weights, name, config)?,
            blocks: (0..decoder_config.depth).map(block).collect::<Result<_>>()?,
            last: ImageAttention::load(weights, &format!("{decoder}.last"), decoder_config)?,
            norm: LayerNorm::load(
                weights,
                &format!("{decoder}.norm"),
                channels,
                LayerNorm::EPSILON,
            )?,
            quality_head: Mlp::load(
                weights,
                &format!("{decoder}.quality_head"),
                &[channels, channels, channels, 2 * config.outputs.len()],
            )?,
            heads: Head::load_all(weights, name, config)?,
        })
    }

    /// Computes what all queries on an image share from the encoder's features and the pixel
    /// decoder's maps.
    pub(super) fn prepare(&self, features: &ImageFeatures, maps: Maps) -> PreparedImage {
        let embedding = &features.embedding;
        let [_, rows, cols, channels] = embedding.dims();
        let size = InputSize::of(embedding);
        let image = ops::reshape(embedding.clone(), [1, rows * cols, channels]);
        let image = ops::add(image, self.points.no_mask());
        let positions = self.points.dense_positions(size);
        let context = self.from_context.forward(maps.stride16, Activation::None);
        let context = ops::reshape(context, [1, rows * cols, channels]);
        let placed = ops::add(context.clone(), positions.clone());
        let keys_and_values =
            |block: &Block| block.context.keys_and_values(placed.clone(), context.clone());
        let [_, fine_rows, fine_cols, fine_channels] = maps.stride4.dims();
        PreparedImage {
            image: self.sam.share(image, positions),
            fine: FineFeatures::new(features),
            context: self.blocks.iter().map(keys_and_values).collect(),
            features: ops::reshape(maps.stride4, [1, fine_rows * fine_cols, fine_channels]),
            points: self.points.cell_points(size, STRIDE / 2),
            size: [rows, cols],
        }
    }

    /// Decodes a round of queries. `chosen` has the numbers of their positions, then one more value
    /// that is not a position. The outputs are those of the levels, then SAM's nested masks, whose
    /// score is their predicted IoU.
    pub(super) fn decode(&self, prepared: &PreparedImage, chosen: &Tensor<1>) -> Decoded {
        let _named = layer("level decoders");
        let queries = chosen.dims()[0] - 1;
        let points = prepared.points.at(chosen, queries);
        let channels = points.dims()[1];
        let points = ops::reshape(points, [queries, 1, channels]);
        let prompts = ops::concat(vec![points, ops::repeat(self.points.padding(), 0, queries)], 1);
        // Each query has its own view of the image, which takes so much memory that queries are
        // decoded in groups.
        let room = ops::working_bytes(&chosen.device());
        let together = (room / self.bytes(prepared.image.cells())).clamp(1, queries);
        let (mut said, mut nested, mut iou) = (Vec::new(), Vec::new(), Vec::new());
        let pieces = (0..queries).step_by(together).map(|from| {
            let some = ops::slice(&prompts, 0, from..(from + together).min(queries));
            let answer =
                self.sam.answer(&prepared.image, some, Some(&prepared.fine), prepared.size);
            let own = self.read(prepared, &answer.trace);
            let levels = masks(&self.heads, &own, answer.pixels, &prepared.features, prepared.size);
            said.push(own);
            nested.push(answer.tokens);
            iou.push(answer.iou);
            ops::concat(vec![levels, answer.logits], 1)
        });
        let logits = ops::collect(pieces, 0, queries);
        let (said, nested, iou) =
            (ops::concat(said, 0), ops::concat(nested, 0), ops::concat(iou, 0));
        let scores = self.quality_head.forward(ops::slice(&said, 1, 0..1), Activation::Relu);
        let count = self.heads.len();
        let scores = ops::reshape(scores, [queries, 2 * count]);
        let half = |at: usize| ops::slice(&scores, 1, at * count..(at + 1) * count);
        let levels = (0..count).map(|i| output_token(&said, i));
        Decoded {
            logits,
            scores: ops::concat(vec![half(0), iou.clone(), half(1), iou], 1),
            tokens: levels
                .chain((0..Self::NESTED).map(|i| ops::slice(&nested, 1, i..i + 1)))
                .collect(),
        }
    }

    /// The memory that a query needs, in bytes: for the image at its end, and for its keys and
    /// values in each attention after the first.
    fn bytes(&self, cells: usize) -> usize {
        let channels = self.start.dims()[2];
        self.sam.bytes(cells) + (1 + self.blocks.len()) * cells * channels * size_of::<f32>()
    }

    /// The side decoder's own tokens at the end, `[queries, 1 + outputs, channels]`, after they
    /// have run next to SAM's.
    fn read(
        &self,
        prepared: &PreparedImage,
        Trace { tokens_in, image_in: looks }: &Trace,
    ) -> Tensor<3> {
        let _named = layer("side decoder");
        let queries = tokens_in[0].dims()[0];
        let start = ops::repeat(self.start.clone(), 0, queries);
        let mut own = start.clone();
        for (i, block) in self.blocks.iter().enumerate() {
            let theirs = (tokens_in[i].clone(), tokens_in[0].clone());
            own = block.forward(
                own,
                start.clone(),
                theirs,
                looks[i].clone(),
                prepared.context[i].clone(),
            );
        }
        let placed = ops::add(own.clone(), start);
        let own = self.last.forward_add(placed, looks[self.blocks.len()].clone(), own);
        self.norm.forward(own, Activation::None)
    }
}

/// Attention to the image through SAM's keys and values.
struct ImageAttention {
    q: Linear,
    out: Linear,
    heads: usize,
}

impl ImageAttention {
    fn load(weights: &Weights, name: &str, config: &DecoderConfig) -> Result<Self> {
        let (channels, half) = (config.channels, config.channels / 2);
        Ok(Self {
            q: Linear::load(weights, &format!("{name}.q_proj"), channels, half)?,
            out: Linear::load(weights, &format!("{name}.out_proj"), half, channels)?,
            heads: config.heads,
        })
    }

    /// The attention of `queries` to the projected `image`, plus `residual`.
    fn forward_add(
        &self,
        queries: Tensor<3>,
        image: (Tensor<3>, Tensor<3>),
        residual: Tensor<3>,
    ) -> Tensor<3> {
        let q = self.q.forward(queries, Activation::None);
        self.out.forward_add(mixed(q, image, self.heads), residual, Activation::None)
    }
}

/// A block that runs next to a block of SAM's transformer, whose feed-forward layer it shares.
struct Block {
    self_attention: Attention,
    norm1: LayerNorm,
    image: ImageAttention,
    norm2: LayerNorm,
    context: Attention,
    norm_context: LayerNorm,
    mlp_in: Linear,
    mlp_out: Linear,
    norm3: LayerNorm,
    /// As in SAM, the first block's self-attention replaces the tokens and adds no positional
    /// encodings.
    is_first: bool,
}

impl Block {
    fn load(weights: &Weights, name: &str, config: &DecoderConfig, number: usize) -> Result<Self> {
        let &DecoderConfig { channels, heads, hidden, .. } = config;
        let norm = |part: &str| {
            LayerNorm::load(weights, &format!("{name}.{part}"), channels, LayerNorm::EPSILON)
        };
        let mlp = format!("mask_decoder.transformer.layers.{number}.mlp");
        Ok(Self {
            self_attention: Attention::load(
                weights,
                &format!("{name}.self_attn"),
                [channels; 2],
                heads,
            )?,
            norm1: norm("norm1")?,
            image: ImageAttention::load(weights, &format!("{name}.image"), config)?,
            norm2: norm("norm2")?,
            context: Attention::load(
                weights,
                &format!("{name}.context"),
                [channels, channels / 2],
                heads,
            )?,
            norm_context: norm("norm_context")?,
            mlp_in: Linear::load(weights, &format!("{mlp}.lin1"), channels, hidden)?,
            mlp_out: Linear::load(weights, &format!("{mlp}.lin2"), hidden, channels)?,
            norm3: norm("norm3")?,
            is_first: number == 0,
        })
    }

    /// Runs the block on the `own` tokens, which began as `start`. SAM's tokens are given in the
    /// same way, and the image and the context as keys and values.
    fn forward(
        &self,
        own: Tensor<3>,
        start: Tensor<3>,
        (theirs, their_start): (Tensor<3>, Tensor<3>),
        image: (Tensor<3>, Tensor<3>),
        context: (Tensor<3>, Tensor<3>),
    ) -> Tensor<3> {
        let placed = |own: &Tensor<3>| ops::add(own.clone(), start.clone());
        let all = ops::concat(vec![theirs.clone(), own.clone()], 1);
        let own = if self.is_first {
            self.self_attention.forward(own, all.clone(), all)
        } else {
            let keys = ops::concat(vec![ops::add(theirs, their_start), placed(&own)], 1);
            self.self_attention.forward_add(placed(&own), keys, all, own)
        };
        let own = self.norm1.forward(own, Activation::None);
        let own =
            self.norm2.forward(self.image.forward_add(placed(&own), image, own), Activation::None);
        let queries = self.context.queries(placed(&own));
        let own = self
            .norm_context
            .forward(self.context.mix_add(queries, context, own), Activation::None);
        let hidden = self.mlp_in.forward(own.clone(), Activation::Relu);
        self.norm3
            .forward(self.mlp_out.forward_add(hidden, own, Activation::None), Activation::None)
    }
}
