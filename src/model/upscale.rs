//! From the image embedding, as a prompt sees it, to the features that mask kernels are multiplied with.

use burn::tensor::Tensor;

use super::config::{EMBED_DIM, MASK_UPSCALE};
use super::layers::{LayerNorm, Linear};
use super::weights::Weights;
use crate::error::Result;
use crate::ops::profile::layer;
use crate::ops::{self, Activation};

/// Two transposed 2 x 2 convolutions of stride 2. As their windows do not overlap, each is a linear layer that makes
/// the four pixels of a cell; norm and GELU act on single pixels, so the pixels are put in place only at the end, when
/// there are four mask values for each instead of 32 channels.
pub struct Upscale {
    first: Linear,
    norm: LayerNorm,
    second: Linear,
}

impl Upscale {
    const HIDDEN: usize = 64;
    pub const CHANNELS: usize = 32;

    pub fn load(weights: &Weights, name: &str) -> Result<Self> {
        Ok(Self {
            first: Linear::load(weights, &format!("{name}.0"), EMBED_DIM, 4 * Self::HIDDEN)?,
            norm: LayerNorm::load(weights, &format!("{name}.1"), Self::HIDDEN, LayerNorm::EPSILON_2D)?,
            second: Linear::load(weights, &format!("{name}.3"), Self::HIDDEN, 4 * Self::CHANNELS)?,
        })
    }

    /// What [`Self::forward`] takes for an image of so many cells: its result, and half as much before that.
    pub fn bytes(cells: usize) -> usize {
        cells * 16 * (Self::CHANNELS + Self::CHANNELS / 2) * size_of::<f32>()
    }

    /// `[n, cells, 256]` to `[n, cells * 16, 32]`, a cell's pixels in the order (y1, x1, y2, x2).
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let _named = layer("upscaling");
        let [batch, cells, _] = x.dims();
        let x = self.first.forward(x, Activation::None);
        let x = ops::reshape(x, [batch, cells * 4, Self::HIDDEN]);
        let x = self.norm.forward(x, Activation::Gelu);
        ops::reshape(self.second.forward(x, Activation::Gelu), [batch, cells * 16, Self::CHANNELS])
    }

    /// `[n, masks, cells * 16]` to pixels in rows, `[n, masks, 4 side, 4 side]`.
    pub fn into_rows(masks: Tensor<3>, side: usize) -> Tensor<4> {
        let [batch, count, _] = masks.dims();
        let size = side * MASK_UPSCALE;
        let pixels = ops::reshape(masks, [batch * count, side, side, 2, 2, 2, 2]);
        ops::reshape(ops::permute(pixels, [0, 1, 3, 5, 2, 4, 6]), [batch, count, size, size])
    }
}
