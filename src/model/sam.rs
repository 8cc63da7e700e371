//! SAM as a whole: image encoder, prompt encoder and mask decoder.

use std::rc::Rc;

use super::efficient_net::EfficientNet;
use super::encoder::{ImageEncoder, ImageFeatures, InputSize, STRIDE};
use super::manifest::{Description, InputConfig};
use super::mask_decoder::{MaskDecoder, MaskPrediction};
use super::prompt_encoder::{PromptEncoder, PromptPoint};
use super::transformer::SharedImage;
use super::upscale::{FineFeatures, MASK_UPSCALE};
use super::weights::Weights;
use crate::error::Result;
use crate::ops::{self, Device, Tensor};
use crate::progress::Progress;

/// The share of EfficientNet in the time that it takes to encode an image, for progress.
const EFFICIENT_NET_SHARE: f32 = 0.15;

/// SAM with its weights on one device: MobileSAM or SAM 2, as the manifest says.
pub struct Sam {
    image_encoder: ImageEncoder,
    efficient_net: Option<EfficientNet>,
    prompt_encoder: Rc<PromptEncoder>,
    mask_decoder: Rc<MaskDecoder>,
    input: InputConfig,
    has_fine_features: bool,
    device: Device,
}

/// An encoded image, ready for prompts.
pub struct Embedding {
    /// The image embedding, `[1, cells, channels]`.
    cells: Tensor<3>,
    /// What all prompts without a mask share.
    shared: SharedImage,
    /// SAM 2's features of high resolution.
    fine: Option<FineFeatures>,
    size: InputSize,
}

impl Embedding {
    /// The size of the input that was encoded.
    pub fn input_size(&self) -> InputSize {
        self.size
    }

    /// The rows and columns of a mask's logits.
    pub fn mask_size(&self) -> [usize; 2] {
        self.size.cells(STRIDE / MASK_UPSCALE)
    }
}

impl Sam {
    /// Loads SAM from a model file.
    ///
    /// # Errors
    /// [`crate::Error::ModelCorrupt`] if a tensor is missing or has another shape than the manifest
    /// says.
    pub fn load(weights: &Weights) -> Result<Self> {
        let Description { input, decoder, .. } = &weights.manifest().description;
        Ok(Self {
            image_encoder: ImageEncoder::load(weights, "image_encoder")?,
            efficient_net: EfficientNet::load(weights, "efficient_net")?,
            prompt_encoder: Rc::new(PromptEncoder::load(weights, "prompt_encoder")?),
            mask_decoder: Rc::new(MaskDecoder::load(weights, "mask_decoder", decoder)?),
            input: input.clone(),
            has_fine_features: decoder.high_resolution.is_some(),
            device: weights.device().clone(),
        })
    }

    /// The prompt encoder, which the AIMS head uses as well.
    pub fn prompt_encoder(&self) -> Rc<PromptEncoder> {
        self.prompt_encoder.clone()
    }

    /// The mask decoder, which the AIMS head uses as well.
    pub fn mask_decoder(&self) -> Rc<MaskDecoder> {
        self.mask_decoder.clone()
    }

    /// Whether the manifest asks for photos to be padded to squares.
    pub fn wants_square(&self) -> bool {
        self.input.square
    }

    /// The device that has the weights.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Encodes an image of `width` x `height` RGB pixels (0 to 255, rows from the top), which is
    /// put in the top left of an input of `size`. The maps of EfficientNet are not computed.
    ///
    /// # Errors
    /// [`crate::Error::Aborted`] from `progress`, [`crate::Error::DeviceLost`].
    pub async fn encode(
        &self,
        rgb: &[u8],
        width: usize,
        height: usize,
        size: InputSize,
        progress: &Progress<'_>,
    ) -> Result<ImageFeatures> {
        let image = self.input(rgb, width, height, size);
        self.image_encoder.forward(image, progress).await
    }

    /// Does the same as [`Self::encode`], and also computes the maps of EfficientNet, if the model
    /// file has it.
    ///
    /// # Errors
    /// [`crate::Error::Aborted`] from `progress`, [`crate::Error::DeviceLost`].
    pub async fn encode_with_efficient_net(
        &self,
        rgb: &[u8],
        width: usize,
        height: usize,
        size: InputSize,
        progress: &Progress<'_>,
    ) -> Result<ImageFeatures> {
        let Some(efficient_net) = &self.efficient_net else {
            return self.encode(rgb, width, height, size, progress).await;
        };
        let image = self.input(rgb, width, height, size);
        let first = &progress.piece(0.0, 1.0 - EFFICIENT_NET_SHARE);
        let features = self.image_encoder.forward(image.clone(), first).await?;
        let rest = &progress.piece(1.0 - EFFICIENT_NET_SHARE, 1.0);
        let efficient = efficient_net.forward(image, rest).await?;
        Ok(ImageFeatures { efficient: Some(efficient), ..features })
    }

    /// The network's input for an image, `[1, height, width, 3]`.
    fn input(&self, rgb: &[u8], width: usize, height: usize, size: InputSize) -> Tensor<4> {
        let is_whole =
            [size.width, size.height].iter().all(|side| side.is_multiple_of(InputSize::UNIT));
        assert!(
            is_whole && width <= size.width && height <= size.height,
            "the image must fit the input"
        );
        assert_eq!(rgb.len(), width * height * 3, "three bytes per pixel");
        // The padding is zero after normalisation, as in the reference.
        let mut input = vec![0.0; size.width * size.height * 3];
        let InputConfig { mean, std, .. } = &self.input;
        for (row, pixels) in rgb.chunks(width * 3).enumerate() {
            let line = &mut input[row * size.width * 3..][..width * 3];
            for (i, (value, pixel)) in line.iter_mut().zip(pixels).enumerate() {
                *value = (f32::from(*pixel) - mean[i % 3]) / std[i % 3];
            }
        }
        ops::tensor(input, [1, size.height, size.width, 3], &self.device)
    }

    /// Prepares what prompts need of an encoded image.
    pub fn embed(&self, features: &ImageFeatures) -> Embedding {
        let [_, rows, cols, channels] = features.embedding.dims();
        let size = InputSize::of(&features.embedding);
        let cells = ops::reshape(features.embedding.clone(), [1, rows * cols, channels]);
        Embedding {
            shared: self.share(&cells, self.prompt_encoder.no_mask(), size),
            fine: self.has_fine_features.then(|| FineFeatures::new(features)),
            cells,
            size,
        }
    }

    /// Computes what prompts share. `dense` is what they add to each cell, `[1, cells, channels]`,
    /// or to all cells alike, `[1, 1, channels]`.
    fn share(&self, cells: &Tensor<3>, dense: Tensor<3>, size: InputSize) -> SharedImage {
        let image = ops::add(cells.clone(), dense);
        self.mask_decoder.share(image, self.prompt_encoder.dense_positions(size))
    }

    /// Decodes a batch of prompts. All must have the same number of points, and either all or none
    /// must have a box. `mask` has the logits of an earlier mask, `[1, height / 4, width / 4, 1]`,
    /// which is a mask prompt for all of them.
    pub fn decode(
        &self,
        embedding: &Embedding,
        prompts: &[Vec<PromptPoint>],
        mask: Option<Tensor<4>>,
    ) -> MaskPrediction {
        let tokens = self.prompt_encoder.encode_points(prompts, embedding.size.side());
        let masked = mask.map(|logits| {
            let map = self.prompt_encoder.encode_mask(logits);
            let [_, height, width, channels] = map.dims();
            let dense = ops::reshape(map, [1, height * width, channels]);
            self.share(&embedding.cells, dense, embedding.size)
        });
        let shared = masked.as_ref().unwrap_or(&embedding.shared);
        self.mask_decoder.forward(
            shared,
            tokens,
            embedding.fine.as_ref(),
            embedding.size.cells(STRIDE),
        )
    }
}
