//! The mode `learned`: the level decoders find the masks of all levels. If the model file has a
//! scene head, it chooses among them; otherwise rules do.

use super::EncodedPhoto;
use super::by_head::{self, Heads, ScoredCandidates};
use super::by_score::level_candidates;
use super::proposer::{Proposer, level_error};
use super::request::Request;
use super::target::Area;
use crate::error::{Error, Result};
use crate::levels::{self, Level, LevelCandidates, LevelRules, Scene};
use crate::mask::BitMask;
use crate::model::{Aims, AimsOutput, ImageFeatures};
use crate::progress::Progress;

/// Finds masks with the level decoders.
pub(super) struct LearnedLevels<'a> {
    aims: &'a Aims,
    heads: Option<Heads<'a>>,
    /// The most rounds of queries.
    rounds: usize,
    /// If the caller set it, masks with a lower score are left out.
    min_score: Option<f32>,
    rules: LevelRules,
}

impl<'a> LearnedLevels<'a> {
    /// A proposer with the settings of one request. If there are `heads`, they choose the masks.
    pub(super) fn new(aims: &'a Aims, heads: Option<Heads<'a>>, request: &Request) -> Self {
        let config = aims.config();
        let in_rounds = |most: u32| (most as usize).div_ceil(config.round_queries);
        let min_mask_region_area = request.grid.min_mask_region_area;
        let rules = LevelRules { min_mask_region_area, ..LevelRules::default() };
        let rounds = request.max_queries.map_or(config.rounds, in_rounds);
        Self { aims, heads, rounds, min_score: request.min_score, rules }
    }

    /// The relation of two entities, with the score that the network gives it.
    async fn relation(
        &self,
        photo: &EncodedPhoto,
        [a, b]: &[BitMask; 2],
        progress: &Progress<'_>,
    ) -> Result<Scene> {
        let both = a.union(b);
        let query_levels = [Level::Relation, Level::Entity];
        let score = match self.heads {
            Some(heads) => {
                let scored =
                    self.scored(heads, photo, Some(&both), &query_levels, progress).await?;
                scored.related(&photo.view, [a, b])
            }
            None => {
                let candidates =
                    self.candidates(photo, Some(&both), &query_levels, progress).await?;
                levels::relation_score_of_levels(&candidates, &both, &self.rules)
            }
        };
        levels::relation_of(a, b, Some(score), &self.rules).map_err(level_error)
    }

    /// Finds candidates and lets the scene head score them.
    async fn scored(
        &self,
        heads: Heads<'_>,
        photo: &EncodedPhoto,
        region: Option<&BitMask>,
        query_levels: &[Level],
        progress: &Progress<'_>,
    ) -> Result<ScoredCandidates> {
        // With segments, SAM's decoder takes a good part of the time after the level decoders.
        let decoded = if heads.segments.is_some() { 0.7 } else { 0.9 };
        let decoding = &progress.piece(0.0, decoded);
        let output = self.run_decoders(photo, region, query_levels, decoding).await?;
        let (view, levels) = (&photo.view, self.aims.config());
        let scored = by_head::score_candidates(
            heads,
            levels,
            view,
            features(photo)?,
            output,
            region,
            &progress.piece(decoded, 0.95),
        )
        .await?;
        progress.checkpoint(1.0).await?;
        Ok(scored)
    }

    /// Finds the candidates of each level. Rules choose among them if there is no scene head.
    async fn candidates(
        &self,
        photo: &EncodedPhoto,
        region: Option<&BitMask>,
        query_levels: &[Level],
        progress: &Progress<'_>,
    ) -> Result<LevelCandidates> {
        let output =
            self.run_decoders(photo, region, query_levels, &progress.piece(0.0, 0.95)).await?;
        let mut candidates = level_candidates(self.aims.config(), &photo.view, output)?;
        if let Some(min_score) = self.min_score {
            candidates.thresholds.min_score = min_score;
        }
        progress.checkpoint(1.0).await?;
        Ok(candidates)
    }

    /// Runs the level decoders on the photo, or on a region of it. Queries are selected for the
    /// levels in `query_levels`.
    async fn run_decoders(
        &self,
        photo: &EncodedPhoto,
        region: Option<&BitMask>,
        query_levels: &[Level],
        progress: &Progress<'_>,
    ) -> Result<AimsOutput> {
        let prompt = photo.view.partial(region).map(|region| photo.view.input_mask(region));
        self.aims
            .forward(features(photo)?, prompt.as_deref(), query_levels, self.rounds, progress)
            .await
    }
}

impl Proposer for LearnedLevels<'_> {
    async fn scene(
        &self,
        photo: &EncodedPhoto,
        area: &Area,
        levels: &[Level],
        progress: &Progress<'_>,
    ) -> Result<Scene> {
        let (region, levels) = match area {
            Area::Photo => (None, levels),
            Area::Region(region) => (Some(region), levels),
            Area::Entity(entity) => (Some(entity), &[Level::Part][..]),
            Area::Pair(pair) => return self.relation(photo, pair, progress).await,
        };
        match self.heads {
            Some(heads) => {
                let scored = self.scored(heads, photo, region, levels, progress).await?;
                let decision = scored.decide(heads.scene, &photo.view, self.min_score);
                Ok(levels::scene_by_head(&decision, region, photo.size(), &self.rules, levels))
            }
            None => {
                let candidates = self.candidates(photo, region, levels, progress).await?;
                Ok(levels::scene_by_score(&candidates, region, photo.size(), &self.rules, levels))
            }
        }
    }

    async fn proposals(&self, photo: &EncodedPhoto, progress: &Progress<'_>) -> Result<Scene> {
        let query_levels = [Level::Part, Level::Entity, Level::Relation];
        let found = self.candidates(photo, None, &query_levels, progress).await?;
        let rules = LevelRules { min_area: 0.0, ..self.rules.clone() };
        Ok(levels::proposals(&found.entities, found.thresholds.same, photo.size(), &rules))
    }
}

fn features(photo: &EncodedPhoto) -> Result<&ImageFeatures> {
    let missing =
        || Error::Internal("the photo was encoded without features for the levels".to_string());
    photo.view.features().ok_or_else(missing)
}
