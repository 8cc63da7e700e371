//! Turns the output of the level decoders into candidates, among which rules can choose.

use std::mem;

use super::encoded::View;
use crate::error::Result;
use crate::levels::{Candidate, LevelCandidates, Thresholds};
use crate::model::{AimsOutput, LevelOutput, LevelsConfig, sigmoid};

/// The parts, entities and relations that the AIMS head found, and the links between them.
///
/// # Errors
/// [`crate::Error::Internal`] if logits do not fit the view.
pub(super) fn level_candidates(
    config: &LevelsConfig,
    view: &View,
    output: AimsOutput,
) -> Result<LevelCandidates> {
    let AimsOutput { levels: [part, entity, relation], entity_part, relation_entity, .. } = output;
    let thresholds = &config.thresholds;
    let part = LevelMasks::new(view, part, thresholds)?;
    let entity = LevelMasks::new(view, entity, thresholds)?;
    let relation = LevelMasks::new(view, relation, thresholds)?;
    Ok(LevelCandidates {
        entity_part: links(&entity_part, &entity, &part),
        relation_entity: links(&relation_entity, &relation, &entity),
        parts: part.candidates,
        entities: entity.candidates,
        relations: relation.candidates,
        thresholds: thresholds.clone(),
    })
}

/// The masks of a level that are good enough to be candidates.
struct LevelMasks {
    candidates: Vec<Candidate>,
    /// The index of each candidate's mask among all masks of the level.
    masks: Vec<usize>,
    mask_count: usize,
}

impl LevelMasks {
    fn new(view: &View, mut level: LevelOutput, thresholds: &Thresholds) -> Result<Self> {
        let mask_count = level.masks.len();
        let mut found = Self { candidates: Vec::new(), masks: Vec::new(), mask_count };
        for (mask, logits) in mem::take(&mut level.masks).into_iter().enumerate() {
            // The score is computed as in training: see `training/aims/postprocess.py`.
            let logits = view.logits(logits)?;
            let score =
                level.mask_score(mask) * logits.stability_score(0.0, thresholds.stability_offset);
            if score >= thresholds.candidate_score {
                found.candidates.push(Candidate { logits, frame: view.frame(), score });
                found.masks.push(mask);
            }
        }
        Ok(found)
    }
}

/// The probabilities of links between the candidates of two levels, from the logits of links
/// between all their masks. They are 0 if there are no logits.
fn links(logits: &[f32], coarse: &LevelMasks, fine: &LevelMasks) -> Vec<f32> {
    let columns = fine.mask_count;
    let link = |mask: usize, other: usize| {
        logits.get(mask * columns + other).map_or(0.0, |&logit| sigmoid(logit))
    };
    let row = |&mask: &usize| fine.masks.iter().map(move |&other| link(mask, other));
    coarse.masks.iter().flat_map(row).collect()
}
