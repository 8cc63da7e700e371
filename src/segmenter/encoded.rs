//! Photos that have been through the image encoder.

use std::cell::OnceCell;

use super::grid::CropSource;
use crate::candidates::ClassMaps;
use crate::error::{Error, Result};
use crate::mask::{BBox, BitMask, LowResLogits};
use crate::model::{Embedding, ImageFeatures, InputSize, Sam, SemanticHead};
use crate::ops;
use crate::photo::{Photo, fit, scale_to};
use crate::progress::Progress;

/// Cells whose logits are above this belong to a mask.
pub(super) const MASK_THRESHOLD: f32 = 0.0;

/// An encoded photo. A prompt on it costs only the mask decoder.
pub struct EncodedPhoto {
    /// The width of the photo, in pixels.
    pub width: u32,
    /// The height of the photo, in pixels.
    pub height: u32,
    pub(super) view: View,
    pub(super) crops: CropSource,
}

impl EncodedPhoto {
    /// The width and height of the photo, in pixels.
    pub(super) fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }
}

/// An encoded rectangle of the photo: the whole photo or a crop.
pub(super) struct View {
    embedding: Embedding,
    /// The feature maps that the AIMS head reads, if there is one.
    features: Option<ImageFeatures>,
    /// The rectangle, in pixels of the photo.
    frame: BBox,
    /// The values of the feature maps that the scene head reads, once they have been read back.
    read_maps: OnceCell<Vec<Vec<f32>>>,
    /// What the semantic head says, once it has been asked.
    class_maps: OnceCell<ClassMaps>,
    /// The width and height of the scaled rectangle, in pixels. It lies in the top left corner of
    /// the network's input.
    scaled: (u32, u32),
}

impl View {
    /// Encodes `pixels`, which show `frame` of the photo at any resolution. `input_size` is the
    /// length of the input's long side, in pixels.
    pub(super) async fn encode(
        sam: &Sam,
        pixels: &Photo,
        frame: BBox,
        input_size: u32,
        keep_features: bool,
        progress: &Progress<'_>,
    ) -> Result<Self> {
        let scaled = fit(frame.width, frame.height, input_size);
        let input = scale_to(pixels, scaled.0, scaled.1)?;
        let (width, height) = (scaled.0 as usize, scaled.1 as usize);
        let size = if sam.wants_square() {
            InputSize::square(input_size as usize)
        } else {
            InputSize::around(width, height)
        };
        let features = if keep_features {
            sam.encode_with_efficient_net(&input.rgb, width, height, size, progress).await?
        } else {
            sam.encode(&input.rgb, width, height, size, progress).await?
        };
        Ok(Self {
            embedding: sam.embed(&features),
            features: keep_features.then_some(features),
            read_maps: OnceCell::new(),
            class_maps: OnceCell::new(),
            frame,
            scaled,
        })
    }

    /// The feature maps that the AIMS head reads, if they were kept.
    pub(super) fn features(&self) -> Option<&ImageFeatures> {
        self.features.as_ref()
    }

    /// The values of the embedding, of the trunk's deepest map, and of EfficientNet's last map, if
    /// there is one. They are read back only once.
    ///
    /// # Errors
    /// [`crate::Error::DeviceLost`].
    pub(super) async fn read_maps(&self, features: &ImageFeatures) -> Result<&[Vec<f32>]> {
        if self.read_maps.get().is_none() {
            let maps = features.pooled().into_iter().map(|map| ops::flattened(map.clone()));
            let read = ops::read_all(maps.collect()).await?;
            // Another call may have read them at the same time.
            let _ = self.read_maps.set(read);
        }
        Ok(self.read_maps.get().expect("it was set"))
    }

    /// What the semantic `head` says of the photo. It is asked only once.
    ///
    /// # Errors
    /// [`crate::Error::DeviceLost`].
    pub(super) async fn class_maps(
        &self,
        head: &SemanticHead,
        features: &ImageFeatures,
    ) -> Result<&ClassMaps> {
        if self.class_maps.get().is_none() {
            // Another call may have asked at the same time.
            let _ = self.class_maps.set(head.forward(features).await?);
        }
        Ok(self.class_maps.get().expect("it was set"))
    }

    /// The embedding that SAM's mask decoder reads.
    pub(super) fn embedding(&self) -> &Embedding {
        &self.embedding
    }

    /// The rectangle that is encoded, in pixels of the photo.
    pub(super) fn frame(&self) -> BBox {
        self.frame
    }

    /// The region (a mask of the photo's size) if it is smaller than the photo; otherwise `None`,
    /// because the whole photo is not a prompt.
    pub(super) fn partial<'a>(&self, region: Option<&'a BitMask>) -> Option<&'a BitMask> {
        region.filter(|region| u64::from(region.area()) < self.frame.area())
    }

    /// The position in the network's input, in pixels, of a position in the photo, in pixels.
    pub(super) fn to_input(&self, x: f64, y: f64) -> (f32, f32) {
        let scale = |at: f64, start: u32, length: u32, scaled: u32| {
            ((at - f64::from(start)) * f64::from(scaled) / f64::from(length)) as f32
        };
        (
            scale(x, self.frame.x, self.frame.width, self.scaled.0),
            scale(y, self.frame.y, self.frame.height, self.scaled.1),
        )
    }

    /// A mask of the photo's size as the network's input shows it: 0 or 1 for each pixel, with rows
    /// from the top.
    pub(super) fn input_mask(&self, mask: &BitMask) -> Vec<f32> {
        let (width, height) = self.scaled;
        let scaled = mask.sample_nearest(self.frame, width, height);
        let size = self.embedding.input_size();
        let mut values = vec![0.0; size.width * size.height];
        for y in 0..height {
            for x in 0..width {
                values[y as usize * size.width + x as usize] =
                    f32::from(u8::from(scaled.get(x, y)));
            }
        }
        values
    }

    /// The columns and rows of a mask's logits that show the photo. The rest is padding.
    pub(super) fn valid_cells(&self) -> (f32, f32) {
        let cell = self.pixels_per_cell();
        (self.scaled.0 as f32 / cell, self.scaled.1 as f32 / cell)
    }

    /// The side of a cell of the masks, in pixels of the network's input.
    pub(super) fn pixels_per_cell(&self) -> f32 {
        let [rows, _] = self.embedding.mask_size();
        self.embedding.input_size().height as f32 / rows as f32
    }

    /// The logits of a mask that the decoder made for this view.
    ///
    /// # Errors
    /// [`Error::Internal`] if the values do not fit the view.
    pub(super) fn logits(&self, values: Vec<f32>) -> Result<LowResLogits> {
        let [rows, columns] = self.embedding.mask_size().map(|count| count as u32);
        LowResLogits::new([columns, rows], self.valid_cells(), values)
            .map_err(|error| Error::Internal(error.to_string()))
    }
}
