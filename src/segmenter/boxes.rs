//! Masks that SAM finds for the boxes of the box head.

use super::encoded::{MASK_THRESHOLD, View};
use crate::candidates::{Found, Kind, PromptBox};
use crate::error::Result;
use crate::level::Level;
use crate::mask::{BitMask, LowResLogits};
use crate::model::{BOX_STRIDE, BoxHead, ImageFeatures, MaskValues, PointLabel, PromptPoint, Sam};
use crate::progress::Progress;

/// How many boxes the mask decoder is asked about at once.
const BATCH: usize = 8;

/// The box head, and SAM, which answers its boxes.
#[derive(Clone, Copy)]
pub(super) struct BoxPrompts<'a> {
    pub head: &'a BoxHead,
    pub sam: &'a Sam,
}

impl BoxPrompts<'_> {
    /// SAM's four masks for each of the best boxes, as candidates with their logits. If there is a
    /// `region` (a mask of the photo's size), only cells in it are looked at.
    ///
    /// # Errors
    /// [`crate::Error::Aborted`] from `progress`, [`crate::Error::DeviceLost`].
    pub(super) async fn answers(
        self,
        view: &View,
        features: &ImageFeatures,
        region: Option<&BitMask>,
        levels: &[Level],
        stability_offset: f32,
        progress: &Progress<'_>,
    ) -> Result<Vec<(Found, LowResLogits)>> {
        progress.checkpoint(0.0).await?;
        let output = self.head.forward(features).await?;
        let (columns, rows) = view.valid_cells();
        let size = (columns / CELLS, rows / CELLS);
        let region = view.partial(region).map(|region| {
            region.sample_nearest(view.frame(), size.0.ceil() as u32, size.1.ceil() as u32)
        });
        let is_asked = |x: usize, y: usize| {
            region.as_ref().is_none_or(|region| region.get(x as u32, y as u32))
        };
        let boxes = output.prompts(levels, size, self.head.config().count, is_asked);
        let mut answers = Vec::new();
        for (number, some) in boxes.chunks(BATCH).enumerate() {
            progress.checkpoint((number * BATCH) as f32 / boxes.len() as f32).await?;
            let prompts: Vec<_> = some.iter().map(corners).collect();
            let values = self.sam.decode(view.embedding(), &prompts, None).read().await?;
            answers.extend(found(view, some, values, stability_offset)?);
        }
        Ok(answers)
    }
}

/// The cells of a mask along a cell of the box head.
const CELLS: f32 = 2.0;

/// The corners of a box, in pixels of the network's input.
fn corners(prompt: &PromptBox) -> Vec<PromptPoint> {
    let [left, top, right, bottom] = prompt.found.corners;
    // The prompt encoder takes points for the corners of pixels, and adds half a pixel.
    let point = |x: f32, y: f32, label| PromptPoint {
        x: x * BOX_STRIDE as f32 - 0.5,
        y: y * BOX_STRIDE as f32 - 0.5,
        label,
    };
    vec![point(left, top, PointLabel::BoxTopLeft), point(right, bottom, PointLabel::BoxBottomRight)]
}

/// The masks of a batch of boxes.
fn found(
    view: &View,
    boxes: &[PromptBox],
    MaskValues { iou, logits, tokens }: MaskValues,
    stability_offset: f32,
) -> Result<Vec<(Found, LowResLogits)>> {
    let (length, channels) = (logits.len() / iou.len(), tokens.len() / iou.len());
    let masks = iou.len() / boxes.len();
    let mut answers = Vec::with_capacity(iou.len());
    for (i, &predicted_iou) in iou.iter().enumerate() {
        let PromptBox { found, level } = boxes[i / masks];
        let logits = view.logits(logits[i * length..][..length].to_vec())?;
        let found = Found {
            cells: logits.to_low_res_mask(MASK_THRESHOLD),
            predicted_iou,
            score: found.quality,
            stability: logits.stability_score(MASK_THRESHOLD, stability_offset),
            kind: if level == Level::Part { Kind::Part } else { Kind::Entity },
            token: tokens[i * channels..][..channels].to_vec(),
        };
        answers.push((found, logits));
    }
    Ok(answers)
}
