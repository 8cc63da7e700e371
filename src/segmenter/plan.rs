//! Finds out what calls would need of a GPU, without computing them.

use super::{EncodedPhoto, Probe, Request, Segmenter, check_input_size, device};
use crate::error::Result;
use crate::model::Weights;
use crate::ops::{Counters, Memory};
use crate::photo::Photo;
use crate::progress::Progress;

/// A network on a GPU that computes nothing. It quickly finds out, at any input size, how many
/// command buffers and how much memory calls need. It never gives a mask.
pub struct Plan {
    segmenter: Segmenter,
}

/// A photo for a [`Plan`]. It was not really encoded.
pub struct PlannedPhoto {
    photo: EncodedPhoto,
}

impl Plan {
    /// Loads a model file on a GPU that computes nothing.
    ///
    /// # Errors
    /// Those of [`Segmenter::new`].
    pub async fn new(model: &[u8], input_size: Option<u32>) -> Result<Self> {
        check_input_size(input_size)?;
        let opened = device::open_planning().await?;
        let segmenter =
            Segmenter::load(opened, input_size, |device| Weights::new(model, device), Probe::No)
                .await?;
        Ok(Self { segmenter })
    }

    /// Records the work of the image encoder on a photo.
    ///
    /// # Errors
    /// Those of [`Segmenter::encode`].
    pub async fn encode(&self, photo: Photo) -> Result<PlannedPhoto> {
        Ok(PlannedPhoto { photo: self.segmenter.encode(photo, &Progress::none()).await? })
    }

    /// Records the work of answering a prompt.
    ///
    /// # Errors
    /// Those of [`Segmenter::segment`].
    pub async fn segment(&self, photo: &PlannedPhoto, request: &Request) -> Result<()> {
        self.segmenter.segment(&photo.photo, request, &Progress::none()).await.map(drop)
    }

    /// The length of the input's long side, in pixels.
    pub fn input_size(&self) -> u32 {
        self.segmenter.input_size()
    }

    /// How much of the GPU's memory the network and its photos would take now.
    pub fn memory(&self) -> Memory {
        self.segmenter.memory()
    }

    /// What the GPU would have been asked to do so far.
    pub fn counters(&self) -> Counters {
        self.segmenter.counters()
    }
}
