//! Scenes that the scene head chooses from the masks that the level decoders found.

use super::encoded::View;
use super::segments::{Drawn, Segments, Wanted};
use crate::candidates::{
    self, Choice, ClassMaps, Found, Kind, Pick, Region, SceneOutput, Surroundings,
};
use crate::error::Result;
use crate::levels::{Candidate, ChosenMasks};
use crate::mask::{BitMask, LowResLogits};
use crate::model::{AimsOutput, ImageFeatures, LevelsConfig, SceneHead, SceneInput, sigmoid};
use crate::progress::Progress;

const PART: usize = 0;
const ENTITY: usize = 1;

/// The scene head, and what finds segments, if the model file has it.
#[derive(Clone, Copy)]
pub(super) struct Heads<'a> {
    pub scene: &'a SceneHead,
    pub segments: Option<Segments<'a>>,
}

/// The candidates of a photo, and what the scene head says about them.
pub(super) struct ScoredCandidates {
    candidates: Vec<candidates::Candidate>,
    /// The logits of each candidate.
    logits: Vec<LowResLogits>,
    said: SceneOutput,
}

/// Lets the scene head score the masks that the level decoders found, and those from the semantic
/// head that repeat none of them. If there is a `region` (a mask of the photo's size), only masks
/// that lie mostly in it become candidates.
///
/// # Errors
/// [`crate::Error::Aborted`] from `progress`, [`crate::Error::DeviceLost`].
pub(super) async fn score_candidates(
    heads: Heads<'_>,
    levels: &LevelsConfig,
    view: &View,
    features: &ImageFeatures,
    output: AimsOutput,
    region: Option<&BitMask>,
    progress: &Progress<'_>,
) -> Result<ScoredCandidates> {
    let (mut found, mut logits) = (Vec::new(), Vec::new());
    for level in output.levels.into_iter().chain([output.nested]) {
        let said = level.score.iter().zip(&level.predicted_iou).zip(level.tokens);
        for (mask, ((score, predicted_iou), (output, token))) in level.masks.into_iter().zip(said) {
            let Some(kind) = kind(levels, output) else { continue };
            let mask = view.logits(mask)?;
            found.push(Found {
                cells: mask.to_low_res_mask(0.0),
                predicted_iou: sigmoid(*predicted_iou),
                score: sigmoid(*score),
                stability: mask.stability_score(0.0, levels.thresholds.stability_offset),
                kind,
                token,
            });
            logits.push(Some(mask));
        }
    }
    let (head, stability_offset) = (heads.scene, levels.thresholds.stability_offset);
    let limits = &head.config().limits;
    let mut drawn = Drawn { candidates: candidates::distinct(found, limits), logits };
    let region = view.partial(region).zip(drawn.candidates.first()).map(|(region, first)| {
        let (columns, rows) = first.found.cells.size();
        Region::new(region.sample_nearest(view.frame(), columns, rows))
    });
    let inside = head.config().inside;
    let wanted = Wanted { limits, stability_offset, region: region.as_ref(), inside };
    let class_maps = match heads.segments {
        Some(segments) => segments.add_to(&mut drawn, view, features, &wanted, progress).await?,
        None => None,
    };
    let Drawn { mut candidates, mut logits } = drawn;
    candidates.retain(|candidate| wanted.is_inside(&candidate.found));
    let input = describe(head, &candidates, view, features, class_maps, region.as_ref()).await?;
    let said = head.forward(input).await?;
    let logits = candidates.iter().filter_map(|candidate| logits[candidate.index].take()).collect();
    Ok(ScoredCandidates { candidates, logits, said })
}

/// How much each of SAM's answers to a click is worth, by the settings `pick`.
///
/// # Errors
/// [`crate::Error::DeviceLost`].
pub(super) async fn click_scores(
    heads: Heads<'_>,
    pick: &Pick,
    view: &View,
    features: &ImageFeatures,
    answers: Vec<Found>,
) -> Result<Vec<f32>> {
    let candidate = |(index, found)| candidates::Candidate { found, index, repeats: 1 };
    let candidates: Vec<_> = answers.into_iter().enumerate().map(candidate).collect();
    let class_maps = match heads.segments {
        Some(segments) if pick.classes => Some(view.class_maps(segments.head, features).await?),
        _ => None,
    };
    let input = describe(heads.scene, &candidates, view, features, class_maps, None).await?;
    let said = heads.scene.forward(input).await?;
    Ok(pick.click_scores(&candidates, &said))
}

/// The kind of the masks of one decoder output. The outputs of the levels come first, then those
/// for SAM's nested masks.
fn kind(levels: &LevelsConfig, output: usize) -> Option<Kind> {
    match levels.outputs.get(output) {
        Some(output) => Kind::of_token(&output.token),
        None => Kind::NESTED.get(output - levels.outputs.len()).copied(),
    }
}

/// What the scene head reads about the candidates. Without `class_maps` nothing is known of their
/// classes.
async fn describe(
    head: &SceneHead,
    candidates: &[candidates::Candidate],
    view: &View,
    features: &ImageFeatures,
    class_maps: Option<&ClassMaps>,
    region: Option<&Region>,
) -> Result<SceneInput> {
    let maps = features.pooled();
    let values = view.read_maps(features).await?;
    let [rows, _] = view.embedding().mask_size();
    let surroundings = |i: usize| {
        let [_, map_rows, columns, channels] = maps[i].dims();
        Surroundings { values: &values[i], columns, channels, cells: rows / map_rows }
    };
    let mut sources = vec![
        candidates.iter().flat_map(|candidate| candidate.found.token.iter().copied()).collect(),
        candidates::pool(candidates, &surroundings(0), false),
        candidates::pool(candidates, &surroundings(0), true),
    ];
    let others = (1..maps.len()).map(|i| candidates::pool(candidates, &surroundings(i), false));
    sources.extend(others);
    if let Some(classes) = head.classes() {
        sources.push(match class_maps {
            Some(maps) => candidates::pool(candidates, &maps.surroundings(), false),
            None => vec![0.0; candidates.len() * classes],
        });
    }
    let frame = view.frame();
    Ok(SceneInput {
        count: candidates.len(),
        sources,
        geometry: candidates::geometry(
            candidates,
            frame.width as f32 / frame.height as f32,
            region,
        ),
        pairs: candidates::pairs(candidates),
    })
}

impl ScoredCandidates {
    /// Chooses the scene with the largest expected value. Masks with a score below `min_score` are
    /// left out.
    pub(super) fn decide(
        &self,
        head: &SceneHead,
        view: &View,
        min_score: Option<f32>,
    ) -> ChosenMasks {
        let config = head.config();
        let min_score = min_score.unwrap_or(0.0);
        let choose = |level, choice: &Choice| {
            let choice = Choice { floor: choice.floor.max(min_score), ..choice.clone() };
            candidates::choose(&self.candidates, &self.said, level, &choice, config.most)
        };
        let (entities, parts) = (choose(ENTITY, &config.entities), choose(PART, &config.parts));
        let candidate = |chosen: &candidates::Chosen| Candidate {
            logits: self.logits[chosen.candidate].clone(),
            frame: view.frame(),
            score: chosen.value,
        };
        let parent = |part: &candidates::Chosen| {
            let links = entities
                .iter()
                .map(|entity| self.said.pair(part.candidate, entity.candidate).part_of);
            let best = links.enumerate().max_by(|(_, a), (_, b)| a.total_cmp(b));
            best.filter(|(_, link)| *link >= config.part_of).map(|(entity, _)| entity)
        };
        let mut related: Vec<_> = (0..entities.len())
            .flat_map(|a| (a + 1..entities.len()).map(move |b| (a, b)))
            .map(|(a, b)| {
                (a, b, self.said.pair(entities[a].candidate, entities[b].candidate).related)
            })
            .filter(|(.., probability)| *probability >= config.related.max(min_score))
            .collect();
        related.sort_by(|(.., a), (.., b)| b.total_cmp(a));
        ChosenMasks {
            parents: parts.iter().map(parent).collect(),
            entities: entities.iter().map(candidate).collect(),
            parts: parts.iter().map(candidate).collect(),
            related,
            speck: config.speck,
        }
    }

    /// The probability that two entities (masks of the photo's size) belong together. This is what
    /// the scene head says about the two candidates that are most similar to them, or 0 if there
    /// are no similar ones.
    pub(super) fn related(&self, view: &View, masks: [&BitMask; 2]) -> f32 {
        let nearest = |mask: &BitMask| {
            let first = self.candidates.first()?;
            let (columns, rows) = first.found.cells.size();
            let cells = mask.sample_nearest(view.frame(), columns, rows);
            let ious = self.candidates.iter().map(|candidate| candidate.found.cells.iou(&cells));
            let best = ious.enumerate().max_by(|(_, a), (_, b)| a.total_cmp(b))?;
            (best.1 >= 0.5).then_some(best.0)
        };
        match masks.map(nearest) {
            [Some(a), Some(b)] if a != b => self.said.pair(a, b).related,
            _ => 0.0,
        }
    }
}
