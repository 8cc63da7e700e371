//! The learned levels: all three levels in one pass of the AIMS head.

use std::mem;

use super::encoded::View;
use super::grid::low_res;
use crate::error::Result;
use crate::levels::{Candidate, Level, Prediction, Thresholds};
use crate::mask::BitMask;
use crate::model::{Aims, AimsOutput, ImageFeatures, LevelOutput, sigmoid};
use crate::progress::Progress;

/// What the level decoders say of the photo, or of a region of it (a mask of the photo's size), asked at the places of the levels that are
/// `sought`.
///
/// # Errors
/// [`crate::Error::Aborted`] from `progress`, [`crate::Error::DeviceLost`].
pub async fn ask(
    aims: &Aims,
    features: &ImageFeatures,
    view: &View,
    region: Option<&BitMask>,
    sought: &[Level],
    progress: &Progress<'_>,
) -> Result<AimsOutput> {
    let prompt = partial(view, region).map(|region| view.input_mask(region));
    aims.forward(features, prompt.as_deref(), sought, progress).await
}

/// The full image is no prompt.
pub fn partial<'a>(view: &View, region: Option<&'a BitMask>) -> Option<&'a BitMask> {
    region.filter(|region| u64::from(region.area()) < view.frame().area())
}

/// Parts, entities and relations, and their links.
///
/// # Errors
/// As [`ask`].
pub async fn predict(
    aims: &Aims,
    features: &ImageFeatures,
    view: &View,
    region: Option<&BitMask>,
    sought: &[Level],
    progress: &Progress<'_>,
) -> Result<Prediction> {
    let AimsOutput { levels: [part, entity, relation], entity_part, relation_entity, .. } =
        ask(aims, features, view, region, sought, &progress.piece(0.0, 0.95)).await?;
    let thresholds = &aims.config().thresholds;
    let part = Found::new(view, part, thresholds)?;
    let entity = Found::new(view, entity, thresholds)?;
    let relation = Found::new(view, relation, thresholds)?;
    progress.checkpoint(1.0).await?;
    Ok(Prediction {
        entity_part: links(&entity_part, &entity, &part),
        relation_entity: links(&relation_entity, &relation, &entity),
        parts: part.candidates,
        entities: entity.candidates,
        relations: relation.candidates,
        thresholds: thresholds.clone(),
    })
}

/// The masks of a level that are good enough to be candidates.
struct Found {
    candidates: Vec<Candidate>,
    /// Of each candidate.
    masks: Vec<usize>,
    mask_count: usize,
}

impl Found {
    fn new(view: &View, mut level: LevelOutput, thresholds: &Thresholds) -> Result<Self> {
        let mask_count = level.masks.len();
        let mut found = Self { candidates: Vec::new(), masks: Vec::new(), mask_count };
        for (mask, logits) in mem::take(&mut level.masks).into_iter().enumerate() {
            // As in training: `training/aims/postprocess.py`.
            let logits = low_res(view, logits)?;
            let score = level.mask_score(mask) * logits.stability_score(0.0, thresholds.stability_offset);
            if score >= thresholds.candidate_score {
                found.candidates.push(Candidate { logits, frame: view.frame(), score });
                found.masks.push(mask);
            }
        }
        Ok(found)
    }
}

/// Probabilities between the candidates of two levels, from logits between all their masks.
fn links(logits: &[f32], coarse: &Found, fine: &Found) -> Vec<f32> {
    let columns = fine.mask_count;
    let row = |&mask: &usize| fine.masks.iter().map(move |&other| sigmoid(logits[mask * columns + other]));
    coarse.masks.iter().flat_map(row).collect()
}
