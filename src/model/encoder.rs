//! The image encoder that the manifest names, and what any of them makes of an image.

use super::hiera::Hiera;
use super::manifest::{Description, EncoderConfig};
use super::tiny_vit::TinyVit;
use super::weights::Weights;
use crate::error::Result;
use crate::ops::Tensor;
use crate::progress::Progress;

/// Input pixels for one position of the image embedding, along each axis.
pub const STRIDE: usize = 16;

/// What the encoder makes of one image, `[1, height / stride, width / stride, channels]` each.
#[derive(Clone)]
pub struct ImageFeatures {
    /// Of stride 4. With SAM 2's encoder this and the next are what its mask decoder adds at high resolution.
    pub stride4: Tensor<4>,
    pub stride8: Tensor<4>,
    /// The trunk's last map, which knows most about what things are: of stride 16, with Hiera of stride 32.
    pub deepest: Tensor<4>,
    /// SAM's image embedding, of stride 16.
    pub embedding: Tensor<4>,
}

impl ImageFeatures {
    /// Stride of the deepest map.
    pub fn deepest_stride(description: &Description) -> usize {
        match &description.encoder {
            EncoderConfig::TinyVit(_) => STRIDE,
            EncoderConfig::Hiera(_) => 2 * STRIDE,
        }
    }

    /// Channels of the maps of strides 4 and 8, and of the deepest.
    pub fn channels(description: &Description) -> [usize; 3] {
        match &description.encoder {
            EncoderConfig::TinyVit(config) => [0, 1, 3].map(|stage| config.stages[stage].channels),
            EncoderConfig::Hiera(config) => {
                let [stride4, stride8] = high_resolution(description);
                [stride4, stride8, config.stages[3].channels]
            }
        }
    }
}

/// Channels of SAM 2's features of strides 4 and 8.
fn high_resolution(description: &Description) -> [usize; 2] {
    let channels = description.decoder.channels;
    description.decoder.high_resolution.unwrap_or([channels / 8, channels / 4])
}

/// Size of the network's input in pixels, both multiples of 64. A photo lies in its top left corner.
///
/// Positions are those of the square around it, so that a photo means the same whether its square is filled up with padding or cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputSize {
    pub width: usize,
    pub height: usize,
}

impl InputSize {
    /// Sides are multiples of this.
    pub const UNIT: usize = 64;

    /// The smallest input for so many pixels.
    pub fn around(width: usize, height: usize) -> Self {
        Self {
            width: width.next_multiple_of(Self::UNIT),
            height: height.next_multiple_of(Self::UNIT),
        }
    }

    /// That of an image with such an embedding, `[1, rows, cols, channels]`.
    pub fn of(embedding: &Tensor<4>) -> Self {
        let [_, rows, cols, _] = embedding.dims();
        Self { width: cols * STRIDE, height: rows * STRIDE }
    }

    pub fn square(side: usize) -> Self {
        Self { width: side, height: side }
    }

    /// Side of the square that positions refer to.
    pub fn side(&self) -> usize {
        self.width.max(self.height)
    }

    /// Rows and columns of a map of so many pixels a position.
    pub fn cells(&self, stride: usize) -> [usize; 2] {
        [self.height / stride, self.width / stride]
    }
}

pub enum ImageEncoder {
    TinyVit(Box<TinyVit>),
    Hiera(Box<Hiera>),
}

impl ImageEncoder {
    /// # Errors
    /// [`crate::Error::ModelCorrupt`] if a tensor is missing or has another shape than the manifest says.
    pub fn load(weights: &Weights, name: &str) -> Result<Self> {
        let description = &weights.manifest().description;
        let embedding = description.decoder.channels;
        Ok(match &description.encoder {
            EncoderConfig::TinyVit(config) => {
                Self::TinyVit(Box::new(TinyVit::load(weights, name, config, embedding)?))
            }
            EncoderConfig::Hiera(config) => {
                let outputs = high_resolution(description);
                Self::Hiera(Box::new(Hiera::load(weights, name, config, outputs, embedding)?))
            }
        })
    }

    /// `image` is `[1, height, width, 3]`, normalised; both sides are multiples of 64.
    ///
    /// # Errors
    /// [`crate::Error::Aborted`] from `progress`, which is asked after every block; [`crate::Error::DeviceLost`].
    pub async fn forward(
        &self,
        image: Tensor<4>,
        progress: &Progress<'_>,
    ) -> Result<ImageFeatures> {
        match self {
            Self::TinyVit(encoder) => encoder.forward(image, progress).await,
            Self::Hiera(encoder) => encoder.forward(image, progress).await,
        }
    }
}
