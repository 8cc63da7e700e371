//! The whole network.

use std::rc::Rc;

use burn::tensor::{Device, Tensor};

use super::config::{EMBED_DIM, MASK_UPSCALE, PIXEL_MEAN, PIXEL_STD, STRIDE};
use super::mask_decoder::{MaskDecoder, MaskPrediction};
use super::prompt_encoder::{PromptEncoder, PromptPoint};
use super::tiny_vit::{ImageFeatures, TinyVit};
use super::weights::Weights;
use crate::error::Result;
use crate::ops;
use crate::progress::Progress;

/// MobileSAM with its weights on one device.
pub struct Sam {
    image_encoder: TinyVit,
    prompt_encoder: Rc<PromptEncoder>,
    mask_decoder: MaskDecoder,
    device: Device,
}

/// One encoded image, ready for prompts.
pub struct Embedding {
    /// `[1, side², 256]`.
    cells: Tensor<3>,
    /// `[1, side², 256]`.
    positions: Tensor<3>,
    input_size: usize,
}

impl Embedding {
    /// Side of the square input, in pixels.
    pub fn input_size(&self) -> usize {
        self.input_size
    }

    /// Side of the square of mask logits.
    pub fn mask_size(&self) -> usize {
        self.input_size / STRIDE * MASK_UPSCALE
    }
}

impl Sam {
    /// # Errors
    /// [`crate::Error::ModelCorrupt`] if a tensor is missing or has another shape.
    pub fn load(weights: &Weights) -> Result<Self> {
        Ok(Self {
            image_encoder: TinyVit::load(weights, "image_encoder")?,
            prompt_encoder: Rc::new(PromptEncoder::load(weights, "prompt_encoder")?),
            mask_decoder: MaskDecoder::load(weights, "mask_decoder")?,
            device: weights.device().clone(),
        })
    }

    pub fn prompt_encoder(&self) -> Rc<PromptEncoder> {
        self.prompt_encoder.clone()
    }

    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Encodes an image of `width` x `height` RGB pixels (0..255, rows from the top) in the top left of a square of
    /// `size` pixels; `size` is a multiple of 64 and at least both sides.
    ///
    /// # Errors
    /// [`crate::Error::Aborted`] from `progress`.
    pub async fn encode(
        &self,
        rgb: &[u8],
        width: usize,
        height: usize,
        size: usize,
        progress: &Progress<'_>,
    ) -> Result<ImageFeatures> {
        assert!(size.is_multiple_of(64) && width.max(height) <= size, "the image must fit the input");
        assert_eq!(rgb.len(), width * height * 3, "one byte a channel");
        // The padding is zero after normalisation, as in the reference.
        let mut input = vec![0.0; size * size * 3];
        for (row, pixels) in rgb.chunks(width * 3).enumerate() {
            let line = &mut input[row * size * 3..][..width * 3];
            for (i, (value, pixel)) in line.iter_mut().zip(pixels).enumerate() {
                *value = (f32::from(*pixel) - PIXEL_MEAN[i % 3]) / PIXEL_STD[i % 3];
            }
        }
        let image = ops::tensor(input, [1, size, size, 3], &self.device);
        self.image_encoder.forward(image, progress).await
    }

    /// What prompts need of an encoded image.
    pub fn embed(&self, features: &ImageFeatures) -> Embedding {
        let [_, side, _, _] = features.embedding.dims();
        let input_size = side * STRIDE;
        Embedding {
            cells: ops::reshape(features.embedding.clone(), [1, side * side, EMBED_DIM]),
            positions: self.prompt_encoder.dense_positions(input_size),
            input_size,
        }
    }

    /// Masks for a batch of prompts, each of the same number of points; without a box, the last point should be
    /// [`PromptPoint::PADDING`]. `mask` holds the logits of an earlier mask for all of them, `[1, S / 4, S / 4, 1]`.
    pub fn decode(
        &self,
        embedding: &Embedding,
        prompts: &[Vec<PromptPoint>],
        mask: Option<Tensor<4>>,
    ) -> MaskPrediction {
        let tokens = self.prompt_encoder.encode_points(prompts, embedding.input_size);
        let dense = match mask {
            Some(logits) => {
                let map = self.prompt_encoder.encode_mask(logits);
                let [_, height, width, _] = map.dims();
                ops::reshape(map, [1, height * width, EMBED_DIM])
            }
            None => ops::reshape(self.prompt_encoder.no_mask(), [1, 1, EMBED_DIM]),
        };
        let image = ops::add(embedding.cells.clone(), dense);
        self.mask_decoder.forward(image, embedding.positions.clone(), tokens)
    }
}
