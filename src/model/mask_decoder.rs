//! The mask decoder of SAM and of SAM 2.

use super::layers::Mlp;
use super::manifest::DecoderConfig;
use super::transformer::{SharedImage, Trace, TwoWayTransformer};
use super::upscale::{FineFeatures, Upscale};
use super::weights::Weights;
use crate::error::Result;
use crate::ops::profile::layer;
use crate::ops::{self, Activation, Tensor};

/// The masks for a batch of prompts. The first mask of each prompt is for prompts that leave no
/// doubt (several points, or a box). The others are nested alternatives for prompts that do.
pub struct MaskPrediction {
    /// The logits of the masks, `[prompts, masks, height / 4, width / 4]`. Above zero is inside.
    pub logits: Tensor<4>,
    /// The predicted IoU of each mask, `[prompts, masks]`. With SAM 2 these are logits, from which
    /// [`Self::read`] makes probabilities.
    pub iou: Tensor<2>,
    /// The mask tokens after the decoder, `[prompts, masks, channels]`.
    pub tokens: Tensor<3>,
    score_sigmoid: bool,
}

/// The values of a [`MaskPrediction`], row-major, with the shapes given there.
pub struct MaskValues {
    /// The logits of the masks.
    pub logits: Vec<f32>,
    /// The predicted IoUs, 0 to 1.
    pub iou: Vec<f32>,
    /// The mask tokens after the decoder.
    pub tokens: Vec<f32>,
}

impl MaskPrediction {
    /// Reads all values, in one read-back.
    ///
    /// # Errors
    /// [`crate::Error::DeviceLost`].
    pub async fn read(self) -> Result<MaskValues> {
        let all =
            [ops::flattened(self.logits), ops::flattened(self.iou), ops::flattened(self.tokens)];
        let read = ops::read_all(all.to_vec()).await?;
        let [logits, mut iou, tokens] =
            <[Vec<f32>; 3]>::try_from(read).expect("one for each tensor");
        if self.score_sigmoid {
            iou.iter_mut().for_each(|logit| *logit = super::sigmoid(*logit));
        }
        Ok(MaskValues { logits, iou, tokens })
    }
}

/// The mask decoder with its weights.
pub struct MaskDecoder {
    /// The output tokens, `[1, tokens, channels]`: SAM 2's token for the presence of the object,
    /// the IoU token, then the mask tokens.
    output_tokens: Tensor<3>,
    /// The index of the IoU token among them.
    iou_token: usize,
    transformer: TwoWayTransformer,
    upscale: Upscale,
    hypernetworks: Vec<Mlp>,
    iou_head: Mlp,
    score_sigmoid: bool,
}

impl MaskDecoder {
    /// Loads the decoder from the tensors under `name`.
    ///
    /// # Errors
    /// [`crate::Error::ModelCorrupt`] if a tensor is missing or has another shape than the manifest
    /// says.
    pub fn load(weights: &Weights, name: &str, config: &DecoderConfig) -> Result<Self> {
        let &DecoderConfig { channels, masks, .. } = config;
        let tokens = |kind: &str, count| {
            weights.float::<2>(&format!("{name}.{kind}.weight"), [count, channels])
        };
        let mut output_tokens = Vec::new();
        if config.object_token {
            output_tokens.push(tokens("obj_score_token", 1)?);
        }
        let iou_token = output_tokens.len();
        output_tokens.extend([tokens("iou_token", 1)?, tokens("mask_tokens", masks)?]);
        let output_tokens = ops::concat(output_tokens, 0);
        let [count, _] = output_tokens.dims();
        Ok(Self {
            output_tokens: ops::reshape(output_tokens, [1, count, channels]),
            iou_token,
            transformer: {
                let name = format!("{name}.transformer");
                TwoWayTransformer::load(weights, &name, &name, config)?
            },
            upscale: Upscale::load(weights, &format!("{name}.output_upscaling"), config)?,
            hypernetworks: (0..masks)
                .map(|i| {
                    let name = format!("{name}.output_hypernetworks_mlps.{i}");
                    Mlp::load(
                        weights,
                        &name,
                        &[channels, channels, channels, Upscale::channels(config)],
                    )
                })
                .collect::<Result<_>>()?,
            iou_head: Mlp::load(
                weights,
                &format!("{name}.iou_prediction_head"),
                &[channels, channels, channels, masks],
            )?,
            score_sigmoid: config.score_sigmoid,
        })
    }

    /// Computes what all prompts share. `image`, `[1, cells, channels]`, is the image embedding
    /// plus the mask prompt, and `positions` are the positional encodings in the same shape.
    pub fn share(&self, image: Tensor<3>, positions: Tensor<3>) -> SharedImage {
        self.transformer.share(image, positions)
    }

    /// Decodes `prompts`, `[n, points, channels]`. `fine` are SAM 2's features of high resolution,
    /// and `size` has the rows and columns of the image embedding.
    pub fn forward(
        &self,
        shared: &SharedImage,
        prompts: Tensor<3>,
        fine: Option<&FineFeatures>,
        size: [usize; 2],
    ) -> MaskPrediction {
        let _named = layer("SAM's decoder");
        let tokens = self.with_outputs(prompts);
        let (tokens, image) = self.transformer.forward(shared, tokens);
        let pixels = self.upscale.forward(image, fine);
        let (logits, iou) = self.masks(&tokens, pixels, size);
        let first = self.iou_token + 1;
        let tokens = ops::slice(&tokens, 1, first..first + self.hypernetworks.len());
        MaskPrediction { logits, iou, tokens, score_sigmoid: self.score_sigmoid }
    }

    /// Puts the output tokens before the tokens of each prompt.
    fn with_outputs(&self, prompts: Tensor<3>) -> Tensor<3> {
        let [batch, ..] = prompts.dims();
        ops::concat(vec![ops::repeat(self.output_tokens.clone(), 0, batch), prompts], 1)
    }

    /// The logits of all masks and the predicted IoUs, from the tokens at the end and the `pixels`
    /// that kernels are multiplied with.
    fn masks(
        &self,
        tokens: &Tensor<3>,
        pixels: Tensor<3>,
        size: [usize; 2],
    ) -> (Tensor<4>, Tensor<2>) {
        let token = |i: usize| ops::slice(tokens, 1, i..i + 1);
        let masks = self.hypernetworks.iter().enumerate();
        let kernels = masks
            .map(|(i, mlp)| mlp.forward(token(self.iou_token + 1 + i), Activation::Relu))
            .collect();
        let logits = ops::matmul_transposed(ops::concat(kernels, 1), pixels);
        let iou = self.iou_head.forward(token(self.iou_token), Activation::Relu);
        let batch = tokens.dims()[0];
        (Upscale::into_rows(logits, size), ops::reshape(iou, [batch, self.hypernetworks.len()]))
    }

    /// Answers single points, `[n, points, channels]`. The answer includes what the side decoder
    /// reads of this decoder.
    pub fn answer(
        &self,
        shared: &SharedImage,
        prompts: Tensor<3>,
        fine: Option<&FineFeatures>,
        size: [usize; 2],
    ) -> Answer {
        let _named = layer("SAM's decoder");
        let tokens = self.with_outputs(prompts);
        let attended = self.transformer.attend(shared, tokens.clone());
        let mut trace = Trace::default();
        let (tokens, image) = self.transformer.finish(shared, tokens, attended, Some(&mut trace));
        let pixels = self.upscale.forward(image, fine);
        let (logits, iou) = self.masks(&tokens, pixels.clone(), size);
        let nested = 1..self.hypernetworks.len();
        let first = self.iou_token + 1;
        Answer {
            logits: ops::slice(&logits, 1, nested.clone()),
            iou: ops::slice(&iou, 1, nested.clone()),
            tokens: ops::slice(&tokens, 1, first + nested.start..first + nested.end),
            pixels,
            trace,
        }
    }

    /// The memory that [`Self::answer`] needs for each point besides its result, in bytes.
    pub fn bytes(&self, cells: usize) -> usize {
        self.upscale.bytes(cells)
    }
}

/// SAM's nested masks for `n` points, and what they were made from.
pub struct Answer {
    /// The logits of the masks, `[n, nested masks, height / 4, width / 4]`.
    pub logits: Tensor<4>,
    /// The logits of the predicted IoUs, `[n, nested masks]`.
    pub iou: Tensor<2>,
    /// The mask tokens after the decoder, `[n, nested masks, channels]`.
    pub tokens: Tensor<3>,
    /// The features that kernels are multiplied with, `[n, cells · 16, channels / 8]`.
    pub pixels: Tensor<3>,
    /// The record of the transformer's run.
    pub trace: Trace,
}
