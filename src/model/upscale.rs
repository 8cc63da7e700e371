//! Upscales the image embedding, as a prompt sees it, to the features that mask kernels are
//! multiplied with.

use super::encoder::ImageFeatures;
use super::layers::{LayerNorm, Linear};
use super::manifest::DecoderConfig;
use super::weights::Weights;
use crate::error::Result;
use crate::ops::profile::layer;
use crate::ops::{self, Activation, Tensor};

/// The number of mask logits per position of the image embedding, along each axis.
pub(super) const MASK_UPSCALE: usize = 4;

/// Two transposed 2 x 2 convolutions of stride 2. Their windows do not overlap, so each is a linear
/// layer that makes the four pixels of a cell. The norm and the GELU act on single pixels, so the
/// pixels are put in place only at the end, when each has four mask values instead of 32 channels.
pub(super) struct Upscale {
    first: Linear,
    norm: LayerNorm,
    second: Linear,
    hidden: usize,
    channels: usize,
}

/// The features that SAM 2's decoder adds at high resolution. The pixels of a cell are next to one
/// another, as in [`Upscale`].
#[derive(Clone)]
pub struct FineFeatures {
    /// `[1, cells, 4 · hidden]`.
    stride8: Tensor<3>,
    /// `[1, cells · 4, 4 · channels]`.
    stride4: Tensor<3>,
}

impl FineFeatures {
    /// Puts the encoder's features of strides 4 and 8 in this order.
    pub fn new(features: &ImageFeatures) -> Self {
        let [_, rows, cols, _] = features.embedding.dims();
        let (wide, fine) = (features.stride8.dims()[3], features.stride4.dims()[3]);
        let stride8 = ops::reshape(features.stride8.clone(), [rows, 2, cols, 2, wide]);
        let stride4 = ops::reshape(features.stride4.clone(), [rows, 2, 2, cols, 2, 2, fine]);
        Self {
            stride8: ops::reshape(
                ops::permute(stride8, [0, 2, 1, 3, 4]),
                [1, rows * cols, 4 * wide],
            ),
            stride4: ops::reshape(
                ops::permute(stride4, [0, 3, 1, 4, 2, 5, 6]),
                [1, rows * cols * 4, 4 * fine],
            ),
        }
    }
}

impl Upscale {
    /// Loads the layers from the tensors under `name`.
    pub(super) fn load(weights: &Weights, name: &str, config: &DecoderConfig) -> Result<Self> {
        let (hidden, channels) = (config.channels / 4, Self::channels(config));
        Ok(Self {
            first: Linear::load(weights, &format!("{name}.0"), config.channels, 4 * hidden)?,
            norm: LayerNorm::load(weights, &format!("{name}.1"), hidden, LayerNorm::EPSILON_2D)?,
            second: Linear::load(weights, &format!("{name}.3"), hidden, 4 * channels)?,
            hidden,
            channels,
        })
    }

    /// The number of channels of the result, and so of a mask's kernel.
    pub(super) fn channels(config: &DecoderConfig) -> usize {
        config.channels / 8
    }

    /// The memory in bytes that [`Self::forward`] needs for an image of so many cells: that of its
    /// result, and half as much for the values before it.
    pub(super) fn bytes(&self, cells: usize) -> usize {
        cells * 16 * (self.channels + self.channels / 2) * size_of::<f32>()
    }

    /// Upscales `[n, cells, channels]` to `[n, cells * 16, channels / 8]`. The pixels of a cell are
    /// in the order (y1, x1, y2, x2).
    pub(super) fn forward(&self, x: Tensor<3>, fine: Option<&FineFeatures>) -> Tensor<3> {
        let _named = layer("upscaling");
        let [batch, cells, _] = x.dims();
        let x = match fine {
            Some(fine) => self.first.forward_add(x, fine.stride8.clone(), Activation::None),
            None => self.first.forward(x, Activation::None),
        };
        let x = ops::reshape(x, [batch, cells * 4, self.hidden]);
        let x = self.norm.forward(x, Activation::Gelu);
        let x = match fine {
            Some(fine) => self.second.forward_add(x, fine.stride4.clone(), Activation::Gelu),
            None => self.second.forward(x, Activation::Gelu),
        };
        ops::reshape(x, [batch, cells * 16, self.channels])
    }

    /// Puts the pixels of `masks`, `[n, masks, cells * 16]`, in rows: `[n, masks, 4 rows, 4 cols]`.
    /// `[rows, cols]` are those of the cells.
    pub(super) fn into_rows(masks: Tensor<3>, [rows, cols]: [usize; 2]) -> Tensor<4> {
        let [batch, count, _] = masks.dims();
        let pixels = ops::reshape(masks, [batch * count, rows, cols, 2, 2, 2, 2]);
        let pixels = ops::permute(pixels, [0, 1, 3, 5, 2, 4, 6]);
        ops::reshape(pixels, [batch, count, rows * MASK_UPSCALE, cols * MASK_UPSCALE])
    }
}
