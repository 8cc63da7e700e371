//! The mode `grid`: SAM is prompted at every point of a grid, as by its automatic mask generator,
//! and rules make a scene of the masks.

mod crops;
mod propose;

use super::EncodedPhoto;
use super::encoded::View;
use super::proposer::{Proposer, level_error};
use super::request::GridOptions;
use super::target::Area;
use crate::error::{Error, Result};
use crate::levels::{self, Candidate, Level, LevelRules, Scene};
use crate::mask::BitMask;
use crate::model::Sam;
use crate::progress::Progress;
pub(super) use crops::{CropSource, cut};
use propose::{Proposal, merge_crops, points, propose};

/// Finds masks at the points of a grid.
pub(super) struct PointGrid<'a> {
    sam: &'a Sam,
    /// The length of the input's long side for a crop, in pixels.
    input_size: u32,
    options: &'a GridOptions,
    rules: LevelRules,
}

impl<'a> PointGrid<'a> {
    /// A proposer with the settings of one request. `input_size` is that of a crop, in pixels.
    pub(super) fn new(
        sam: &'a Sam,
        input_size: u32,
        options: &'a GridOptions,
        rules: &LevelRules,
    ) -> Self {
        let min_mask_region_area = options.min_mask_region_area;
        let rules = LevelRules { min_mask_region_area, ..rules.clone() };
        Self { sam, input_size, options, rules }
    }

    /// Finds the candidates of the whole photo, from all layers of crops.
    async fn everywhere(
        &self,
        photo: &EncodedPhoto,
        progress: &Progress<'_>,
    ) -> Result<Vec<Candidate>> {
        let (size, options) = (photo.size(), self.options);
        let crops = crops::layers(size, options);
        let steps = 1.0 + crops.len() as f32;
        let piece = |step: usize| progress.piece(step as f32 / steps, (step + 1) as f32 / steps);

        let whole = points(&photo.view.frame(), options.points_per_side, None);
        let mut found = propose(self.sam, &photo.view, &whole, size, options, &piece(0)).await?;
        for (i, crop) in crops.iter().enumerate() {
            let progress = piece(i + 1);
            let pixels = photo.crops.cut(crop.frame, photo.width);
            // Encoding counts as half of a crop's time. This is only a rough share, because it
            // depends on the number of points.
            let first = progress.piece(0.0, 0.5);
            let view =
                View::encode(self.sam, &pixels, crop.frame, self.input_size, false, &first).await?;
            let inside = points(&crop.frame, crop.points_per_side, None);
            let second = progress.piece(0.5, 1.0);
            found.extend(propose(self.sam, &view, &inside, size, options, &second).await?);
        }
        if !crops.is_empty() {
            found = merge_crops(found, options);
        }
        Ok(into_candidates(found))
    }

    /// Finds candidates from points inside a mask. Its box has as many points per side as a whole
    /// photo.
    async fn inside(
        &self,
        photo: &EncodedPhoto,
        region: &BitMask,
        progress: &Progress<'_>,
    ) -> Result<Vec<Candidate>> {
        let frame = region.bbox().ok_or(Error::EmptyPrompt)?;
        let points = points(&frame, self.options.points_per_side, Some(region));
        let found =
            propose(self.sam, &photo.view, &points, photo.size(), self.options, progress).await?;
        Ok(into_candidates(found))
    }
}

impl Proposer for PointGrid<'_> {
    async fn scene(
        &self,
        photo: &EncodedPhoto,
        area: &Area,
        levels: &[Level],
        progress: &Progress<'_>,
    ) -> Result<Scene> {
        let rules = &self.rules;
        match area {
            Area::Photo => {
                let candidates = self.everywhere(photo, progress).await?;
                Ok(levels::scene_by_rules(&candidates, photo.size(), rules, levels))
            }
            Area::Region(region) => {
                let candidates = self.inside(photo, region, progress).await?;
                levels::entities_in(&candidates, region, rules, levels).map_err(level_error)
            }
            Area::Entity(entity) => {
                let candidates = self.inside(photo, entity, progress).await?;
                levels::parts_of(&candidates, entity, rules).map_err(level_error)
            }
            Area::Pair([a, b]) => levels::relation_of(a, b, None, rules).map_err(level_error),
        }
    }

    async fn proposals(&self, photo: &EncodedPhoto, progress: &Progress<'_>) -> Result<Scene> {
        let candidates = self.everywhere(photo, progress).await?;
        let rules = LevelRules { min_area: 0.0, ..self.rules.clone() };
        Ok(levels::proposals(&candidates, self.options.box_nms_thresh, photo.size(), &rules))
    }
}

fn into_candidates(proposals: Vec<Proposal>) -> Vec<Candidate> {
    proposals.into_iter().map(|proposal| proposal.candidate).collect()
}
