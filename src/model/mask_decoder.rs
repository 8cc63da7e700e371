//! SAM's mask decoder.

use burn::tensor::Tensor;

use super::config::{EMBED_DIM, MASK_TOKENS, MASK_UPSCALE};
use super::layers::{LayerNorm, Linear, Mlp};
use super::transformer::TwoWayTransformer;
use super::weights::Weights;
use crate::error::Result;
use crate::ops::{self, Activation};

/// Masks for a batch of prompts. Of the four, the first is for prompts that leave no doubt (several points, a box),
/// the others are nested alternatives for those that do.
pub struct MaskPrediction {
    /// `[prompts, 4, S / 4, S / 4]`; above zero is inside.
    pub logits: Tensor<4>,
    /// Predicted IoU of each, `[prompts, 4]`.
    pub iou: Tensor<2>,
}

pub struct MaskDecoder {
    /// The IoU token, then the mask tokens: `[1, 5, 256]`.
    output_tokens: Tensor<3>,
    transformer: TwoWayTransformer,
    upscale: Upscale,
    hypernetworks: Vec<Mlp>,
    iou_head: Mlp,
}

impl MaskDecoder {
    pub fn load(weights: &Weights, name: &str) -> Result<Self> {
        let iou: Tensor<2> = weights.float(&format!("{name}.iou_token.weight"), [1, EMBED_DIM])?;
        let masks = weights.float(&format!("{name}.mask_tokens.weight"), [MASK_TOKENS, EMBED_DIM])?;
        Ok(Self {
            output_tokens: Tensor::cat(vec![iou, masks], 0).unsqueeze(),
            transformer: TwoWayTransformer::load(weights, &format!("{name}.transformer"))?,
            upscale: Upscale::load(weights, &format!("{name}.output_upscaling"))?,
            hypernetworks: (0..MASK_TOKENS)
                .map(|i| {
                    let name = format!("{name}.output_hypernetworks_mlps.{i}");
                    Mlp::load(weights, &name, &[EMBED_DIM, EMBED_DIM, EMBED_DIM, Upscale::CHANNELS])
                })
                .collect::<Result<_>>()?,
            iou_head: Mlp::load(
                weights,
                &format!("{name}.iou_prediction_head"),
                &[EMBED_DIM, EMBED_DIM, EMBED_DIM, MASK_TOKENS],
            )?,
        })
    }

    /// `image` is `[1, side², 256]` (with the mask prompt added), `positions` likewise, `prompts` `[n, points, 256]`.
    pub fn forward(&self, image: Tensor<3>, positions: Tensor<3>, prompts: Tensor<3>) -> MaskPrediction {
        let [batch, ..] = prompts.dims();
        let side = image.dims()[1].isqrt();
        let output_tokens = self.output_tokens.clone().repeat_dim(0, batch);
        let tokens = Tensor::cat(vec![output_tokens, prompts], 1);
        let (tokens, image) = self.transformer.forward(image, positions, tokens);

        let token =
            |i: usize| tokens.clone().slice([0..batch, i..i + 1, 0..EMBED_DIM]).reshape([batch, EMBED_DIM]);
        let kernels = self
            .hypernetworks
            .iter()
            .enumerate()
            .map(|(i, mlp)| mlp.forward(token(1 + i), Activation::Relu).unsqueeze_dim(1))
            .collect();
        let kernels: Tensor<3> = Tensor::cat(kernels, 1);
        let logits = ops::matmul_transposed(kernels, self.upscale.forward(image));
        MaskPrediction {
            logits: Upscale::into_rows(logits, side),
            iou: self.iou_head.forward(token(0), Activation::Relu),
        }
    }
}

/// Two transposed 2 x 2 convolutions of stride 2. As their windows do not overlap, each is a linear layer that makes
/// the four pixels of a cell; norm and GELU act on single pixels, so the pixels are put in place only at the end, when
/// there are four mask values for each instead of 32 channels.
struct Upscale {
    first: Linear,
    norm: LayerNorm,
    second: Linear,
}

impl Upscale {
    const HIDDEN: usize = 64;
    const CHANNELS: usize = 32;

    fn load(weights: &Weights, name: &str) -> Result<Self> {
        Ok(Self {
            first: Linear::load(weights, &format!("{name}.0"), EMBED_DIM, 4 * Self::HIDDEN)?,
            norm: LayerNorm::load(weights, &format!("{name}.1"), Self::HIDDEN, LayerNorm::EPSILON_2D)?,
            second: Linear::load(weights, &format!("{name}.3"), Self::HIDDEN, 4 * Self::CHANNELS)?,
        })
    }

    /// `[n, cells, 256]` to `[n, cells * 16, 32]`, a cell's pixels in the order (y1, x1, y2, x2).
    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let [batch, cells, _] = x.dims();
        let x = self.first.forward(x, Activation::None).reshape([batch, cells * 4, Self::HIDDEN]);
        let x = self.norm.forward(x, Activation::Gelu);
        self.second.forward(x, Activation::Gelu).reshape([batch, cells * 16, Self::CHANNELS])
    }

    /// `[n, masks, cells * 16]` to pixels in rows, `[n, masks, 4 side, 4 side]`.
    fn into_rows(masks: Tensor<3>, side: usize) -> Tensor<4> {
        let [batch, count, _] = masks.dims();
        let size = side * MASK_UPSCALE;
        masks
            .reshape([batch * count, side, side, 2, 2, 2, 2])
            .permute([0, 1, 3, 5, 2, 4, 6])
            .reshape([batch, count, size, size])
    }
}
