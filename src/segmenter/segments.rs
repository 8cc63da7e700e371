//! Candidates from the semantic head: the segments that it finds, and SAM's answers to their boxes.

use super::encoded::{MASK_THRESHOLD, View};
use crate::candidates::{self, Candidate, ClassMaps, Found, Limits, Region};
use crate::error::Result;
use crate::mask::LowResLogits;
use crate::model::{ImageFeatures, MaskValues, PointLabel, PromptPoint, Sam, SemanticHead};
use crate::progress::Progress;

/// How many boxes the mask decoder is asked about at once.
const BATCH: usize = 8;

/// The semantic head, and SAM, which draws some of its segments again.
#[derive(Clone, Copy)]
pub(super) struct Segments<'a> {
    pub head: &'a SemanticHead,
    pub sam: &'a Sam,
}

/// The settings that say which masks become candidates.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub limits: &'a Limits,
    /// How far the two thresholds of a mask's stability score are from that of the mask.
    pub stability_offset: f32,
    /// The mask prompt, if there is one.
    pub region: Option<&'a Region>,
    /// The smallest share of a mask that must lie in the mask prompt.
    pub inside: f32,
}

impl Wanted<'_> {
    /// Whether a mask lies in the mask prompt.
    pub(super) fn is_inside(&self, found: &Found) -> bool {
        self.region.is_none_or(|region| region.holds(&found.cells) >= self.inside)
    }
}

/// Candidates with the logits of all masks that were found, by [`Candidate::index`].
pub(super) struct Drawn {
    pub candidates: Vec<Candidate>,
    pub logits: Vec<Option<LowResLogits>>,
}

impl Drawn {
    /// Adds the masks that repeat no earlier one.
    fn add(&mut self, found: Vec<(Found, LowResLogits)>, limits: &Limits) {
        let first = self.logits.len();
        let (found, logits): (_, Vec<_>) = found.into_iter().unzip();
        let candidates = std::mem::take(&mut self.candidates);
        self.candidates = candidates::add_distinct(candidates, found, first, limits);
        self.logits.extend(logits.into_iter().map(Some));
    }
}

impl<'a> Segments<'a> {
    /// Adds the segments of the photo, and then SAM's four answers to the boxes of the best of
    /// those that are new and lie in the mask prompt. Returns what the semantic head says of the
    /// photo.
    ///
    /// # Errors
    /// [`crate::Error::Aborted`] from `progress`, [`crate::Error::DeviceLost`].
    pub(super) async fn add_to<'v>(
        self,
        drawn: &mut Drawn,
        view: &'v View,
        features: &ImageFeatures,
        wanted: &Wanted<'_>,
        progress: &Progress<'_>,
    ) -> Result<Option<&'v ClassMaps>> {
        let Some(first) = drawn.candidates.first() else { return Ok(None) };
        let (size, channels) = (first.found.cells.size(), first.found.token.len());
        progress.checkpoint(0.0).await?;
        let maps = view.class_maps(self.head, features).await?;
        let start = drawn.logits.len();
        let mut segments = Vec::new();
        for mut segment in maps.segments(&self.head.config().named(), size) {
            segment.found.token = vec![0.0; channels];
            segments.push((segment.found, view.logits(segment.logits)?));
        }
        drawn.add(segments, wanted.limits);

        let is_new =
            |candidate: &&Candidate| candidate.index >= start && wanted.is_inside(&candidate.found);
        let mut asked: Vec<&Found> =
            drawn.candidates.iter().filter(is_new).map(|candidate| &candidate.found).collect();
        let rank = |found: &Found| found.score * found.stability;
        asked.sort_by(|a, b| rank(b).total_cmp(&rank(a)));
        asked.truncate(self.head.config().refined);
        let mut answers = Vec::new();
        for (number, some) in asked.chunks(BATCH).enumerate() {
            let done = (1 + number * BATCH) as f32 / (1 + asked.len()) as f32;
            progress.checkpoint(done).await?;
            let prompts: Vec<_> = some.iter().map(|found| corners(view, found)).collect();
            let values = self.sam.decode(view.embedding(), &prompts, None).read().await?;
            answers.extend(of_boxes(view, some, values, wanted.stability_offset)?);
        }
        drawn.add(answers, wanted.limits);
        Ok(Some(maps))
    }
}

/// The corners of a segment's box, in pixels of the network's input.
fn corners(view: &View, found: &Found) -> Vec<PromptPoint> {
    let Some(frame) = found.cells.bbox() else { return Vec::new() };
    let cell = view.pixels_per_cell();
    // The prompt encoder takes points for the corners of pixels, and adds half a pixel.
    let point = |x: u32, y: u32, label| PromptPoint {
        x: x as f32 * cell - 0.5,
        y: y as f32 * cell - 0.5,
        label,
    };
    vec![
        point(frame.x, frame.y, PointLabel::BoxTopLeft),
        point(frame.right(), frame.bottom(), PointLabel::BoxBottomRight),
    ]
}

/// The masks that answer a batch of segments.
fn of_boxes(
    view: &View,
    asked: &[&Found],
    MaskValues { iou, logits, tokens }: MaskValues,
    stability_offset: f32,
) -> Result<Vec<(Found, LowResLogits)>> {
    let (length, channels) = (logits.len() / iou.len(), tokens.len() / iou.len());
    let masks = iou.len() / asked.len();
    let mut answers = Vec::with_capacity(iou.len());
    for (i, &predicted_iou) in iou.iter().enumerate() {
        let asker = asked[i / masks];
        let logits = view.logits(logits[i * length..][..length].to_vec())?;
        let found = Found {
            cells: logits.to_low_res_mask(MASK_THRESHOLD),
            predicted_iou,
            score: asker.score,
            stability: logits.stability_score(MASK_THRESHOLD, stability_offset),
            kind: asker.kind,
            token: tokens[i * channels..][..channels].to_vec(),
        };
        answers.push((found, logits));
    }
    Ok(answers)
}
