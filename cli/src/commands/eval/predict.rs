//! Makes predictions with the model.

use std::time::{Duration, Instant};

use aims_web::photo::decode;
use aims_web::{Progress, Prompt, Request, Segmenter};
use anyhow::{Context, Result};

use super::data::{LabelLevel, LabelledImage};
use super::predictions::{ImagePredictions, Prediction};

/// Makes the predictions for one photo after another.
pub struct Predictor {
    /// The model.
    pub segmenter: Segmenter,
    /// The request for the whole photo. For other prompts, its prompt is replaced.
    pub request: Request,
    /// Whether to ask for overlapping masks without levels instead of a scene.
    pub proposals: bool,
    /// Whether to ask for the parts of each human entity as well.
    pub prompted: bool,
}

/// The time spent on photos.
#[derive(Clone, Copy, Default)]
pub struct Times {
    /// The time of the image encoder.
    pub encoder: Duration,
    /// The time from the features to the scene of the whole photo.
    pub levels: Duration,
}

impl Times {
    /// Adds the times of other photos.
    pub fn add(&mut self, other: Times) {
        self.encoder += other.encoder;
        self.levels += other.levels;
    }
}

impl Predictor {
    /// The predictions for one photo, and the time spent on it.
    pub async fn predict(
        &self,
        image: &LabelledImage,
        jpeg: &[u8],
    ) -> Result<(ImagePredictions, Times)> {
        let photo = decode(jpeg).with_context(|| image.name.clone())?;
        let start = Instant::now();
        let encoded = self.segmenter.encode(photo, &Progress::none()).await?;
        let encoder = start.elapsed();

        let ask = |prompt| {
            let request = Request { prompt, ..self.request.clone() };
            let (encoded, progress) = (&encoded, Progress::none());
            async move {
                match self.proposals {
                    true => self.segmenter.proposals(encoded, &request, &progress).await,
                    false => self.segmenter.segment(encoded, &request, &progress).await,
                }
            }
        };
        let start = Instant::now();
        let full = Prediction::new(&image.name, None, ask(Prompt::Full).await?);
        let levels = start.elapsed();

        let mut prompted = Vec::new();
        for (index, label) in image.drawings.first().iter().flat_map(|d| &d.labels).enumerate() {
            let has_parts = || {
                let labels = image.drawings.iter().flat_map(|drawing| &drawing.labels);
                labels
                    .into_iter()
                    .any(|part| part.level == LabelLevel::Part && part.parent == Some(index))
            };
            if self.prompted && label.level == LabelLevel::Entity && has_parts() {
                let scene = ask(Prompt::Entity { mask: label.rle.clone() }).await?;
                prompted.push(Prediction::new(&image.name, Some(index), scene));
            }
        }
        Ok((ImagePredictions { full: Some(full), prompted }, Times { encoder, levels }))
    }
}
