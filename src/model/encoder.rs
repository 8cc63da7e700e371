//! The image encoder that the manifest names, and the features that every encoder gives.

use super::efficient_net::EfficientMaps;
use super::hiera::Hiera;
use super::manifest::{Description, EncoderConfig};
use super::tiny_vit::TinyVit;
use super::weights::Weights;
use crate::error::Result;
use crate::ops::Tensor;
use crate::progress::Progress;

/// The stride of the image embedding: the number of input pixels per position, along each axis.
pub(super) const STRIDE: usize = 16;

/// The features that the encoder gives for one image, each
/// `[1, height / stride, width / stride, channels]`.
#[derive(Clone)]
pub struct ImageFeatures {
    /// The features of stride 4. SAM 2's mask decoder adds these and those of stride 8 at high
    /// resolution.
    pub stride4: Tensor<4>,
    /// The features of stride 8.
    pub stride8: Tensor<4>,
    /// The trunk's last map, which knows most about what things are. Its stride is 16 with TinyViT
    /// and 32 with Hiera.
    pub deepest: Tensor<4>,
    /// SAM's image embedding, of stride 16.
    pub embedding: Tensor<4>,
    /// The maps of EfficientNet, if the model file has it and they were asked for.
    pub efficient: Option<EfficientMaps>,
}

impl ImageFeatures {
    /// The stride of the deepest map.
    pub fn deepest_stride(description: &Description) -> usize {
        match &description.encoder {
            EncoderConfig::TinyVit(_) => STRIDE,
            EncoderConfig::Hiera(_) => 2 * STRIDE,
        }
    }

    /// The maps whose means under the masks describe candidates: the embedding, the trunk's last
    /// map, and that of EfficientNet, if there is one.
    pub fn pooled(&self) -> Vec<&Tensor<4>> {
        let efficient = self.efficient.as_ref().map(|maps| &maps.stride32);
        [&self.embedding, &self.deepest].into_iter().chain(efficient).collect()
    }

    /// The numbers of channels of the maps of strides 4 and 8, and of the deepest map.
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

/// The numbers of channels of SAM 2's features of strides 4 and 8.
fn high_resolution(description: &Description) -> [usize; 2] {
    let channels = description.decoder.channels;
    description.decoder.high_resolution.unwrap_or([channels / 8, channels / 4])
}

/// The size of the network's input in pixels. Both sides are multiples of 64. A photo lies in the
/// top left corner.
///
/// Positions are relative to the square around the input, so that a photo means the same whether
/// its square is filled up with padding or cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputSize {
    /// The width in pixels.
    pub width: usize,
    /// The height in pixels.
    pub height: usize,
}

impl InputSize {
    /// Both sides are multiples of this number of pixels.
    pub const UNIT: usize = 64;

    /// The smallest input that holds `width` x `height` pixels.
    pub fn around(width: usize, height: usize) -> Self {
        Self {
            width: width.next_multiple_of(Self::UNIT),
            height: height.next_multiple_of(Self::UNIT),
        }
    }

    /// The size of the input that has this embedding, `[1, rows, cols, channels]`.
    pub fn of(embedding: &Tensor<4>) -> Self {
        let [_, rows, cols, _] = embedding.dims();
        Self { width: cols * STRIDE, height: rows * STRIDE }
    }

    /// A square input with sides of `side` pixels.
    pub fn square(side: usize) -> Self {
        Self { width: side, height: side }
    }

    /// The side of the square that positions are relative to, in pixels.
    pub fn side(&self) -> usize {
        self.width.max(self.height)
    }

    /// The rows and columns of a map of the given stride.
    pub fn cells(&self, stride: usize) -> [usize; 2] {
        [self.height / stride, self.width / stride]
    }
}

/// The image encoder of a model file, of any kind.
pub(super) enum ImageEncoder {
    TinyVit(Box<TinyVit>),
    Hiera(Box<Hiera>),
}

impl ImageEncoder {
    /// Loads the encoder that the manifest names from the tensors under `name`.
    ///
    /// # Errors
    /// [`crate::Error::ModelCorrupt`] if a tensor is missing or has another shape than the manifest
    /// says.
    pub(super) fn load(weights: &Weights, name: &str) -> Result<Self> {
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

    /// Encodes `image`, `[1, height, width, 3]`, which is normalised and has sides that are
    /// multiples of 64.
    ///
    /// # Errors
    /// [`crate::Error::Aborted`] from `progress`, which is asked after every block;
    /// [`crate::Error::DeviceLost`].
    pub(super) async fn forward(
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
