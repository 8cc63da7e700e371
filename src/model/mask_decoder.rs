//! SAM's mask decoder.

use burn::tensor::Tensor;

use super::config::{EMBED_DIM, MASK_TOKENS};
use super::layers::Mlp;
use super::transformer::TwoWayTransformer;
use super::upscale::Upscale;
use super::weights::Weights;
use crate::error::Result;
use crate::ops::profile::layer;
use crate::ops::{self, Activation};

/// Masks for a batch of prompts. Of the four, the first is for prompts that leave no doubt (several points, a box),
/// the others are nested alternatives for those that do.
pub struct MaskPrediction {
    /// `[prompts, 4, S / 4, S / 4]`; above zero is inside.
    pub logits: Tensor<4>,
    /// Predicted IoU of each, `[prompts, 4]`.
    pub iou: Tensor<2>,
}

impl MaskPrediction {
    /// The values of both, in one read-back: predicted IoUs, then logits.
    ///
    /// # Errors
    /// [`crate::Error::DeviceLost`].
    pub async fn read(self) -> Result<(Vec<f32>, Vec<f32>)> {
        let mut both = ops::read_all(vec![ops::flattened(self.iou), ops::flattened(self.logits)]).await?;
        let logits = both.pop().expect("as many as asked for");
        Ok((both.pop().expect("as many as asked for"), logits))
    }
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
        let iou = weights.float(&format!("{name}.iou_token.weight"), [1, EMBED_DIM])?;
        let masks = weights.float(&format!("{name}.mask_tokens.weight"), [MASK_TOKENS, EMBED_DIM])?;
        Ok(Self {
            output_tokens: ops::reshape(ops::cat::<2>(vec![iou, masks], 0), [1, 1 + MASK_TOKENS, EMBED_DIM]),
            transformer: {
                let name = format!("{name}.transformer");
                TwoWayTransformer::load(weights, &name, &name)?
            },
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
        let _named = layer("SAM's decoder");
        let [batch, ..] = prompts.dims();
        let side = image.dims()[1].isqrt();
        let output_tokens = ops::repeat(self.output_tokens.clone(), 0, batch);
        let tokens = ops::cat(vec![output_tokens, prompts], 1);
        let (tokens, image) = self.transformer.forward(image, positions, tokens);

        let token = |i: usize| ops::slice(&tokens, 1, i..i + 1);
        let kernels = self
            .hypernetworks
            .iter()
            .enumerate()
            .map(|(i, mlp)| mlp.forward(token(1 + i), Activation::Relu))
            .collect();
        let logits = ops::matmul_transposed(ops::cat(kernels, 1), self.upscale.forward(image));
        MaskPrediction {
            logits: Upscale::into_rows(logits, side),
            iou: ops::reshape(self.iou_head.forward(token(0), Activation::Relu), [batch, MASK_TOKENS]),
        }
    }
}
