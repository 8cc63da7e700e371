//! What a caller may ask of an encoded photo. Coordinates are pixels of the upright photo, from its top left corner.

use serde::{Deserialize, Deserializer, Serialize};

use super::previous::MaskLogits;
use crate::error::{Error, Result};
use crate::levels::Level;
use crate::mask::polygon::{PolygonDrawing, rasterise_box};
use crate::mask::{BitMask, Rle, RleError, ShapeError};
use crate::progress::Progress;

/// Most points of a prompt: the mask decoder's memory grows with their square.
const MAX_POINTS: usize = 256;

/// One call of `segment`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Request {
    /// Which levels to return; one that is named twice counts once.
    pub levels: Vec<Level>,
    pub prompt: Prompt,
    /// By default the learned levels where the model file has them, else the grid.
    pub mode: Option<Mode>,
    /// Learned masks with a lower score, 0 to 1, are left out; by default as the model file says. What the grid leaves out is in its own
    /// options.
    pub min_score: Option<f32>,
    /// At most so many places are asked for the learned levels, in whole rounds; with the weights of this project the default is
    /// 48, in rounds of 8. Busy photos take them all, others fewer.
    pub max_queries: Option<u32>,
    pub grid: GridOptions,
}

/// Where the masks of a scene come from. Prompts of points go to SAM's decoder in both modes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// The level decoders, which have learned the levels. The model file must have them.
    Learned,
    /// SAM's decoder at every point of a grid; rules sort the masks into levels. This runs the
    /// decoder hundreds of times.
    Grid,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            levels: vec![Level::Part, Level::Entity, Level::Relation],
            prompt: Prompt::Full,
            mode: None,
            min_score: None,
            max_queries: None,
            grid: GridOptions::default(),
        }
    }
}

/// Where to look.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Prompt {
    /// The whole photo.
    #[serde(deserialize_with = "no_keys")]
    Full,
    /// A partial image: `[x, y, width, height]`.
    Box { r#box: [f64; 4] },
    /// A partial image inside a polygon (even-odd rule).
    Polygon { points: Vec<[f64; 2]> },
    /// A partial image inside a mask of the photo's size.
    Mask { mask: Rle },
    /// One entity, to be opened into its parts.
    Entity { mask: Rle },
    /// Two entities, to be joined in their relation.
    Entities { masks: [Rle; 2] },
    /// A relation, to be opened into its entities.
    Relation { mask: Rle },
    /// SAM's points and box: one mask.
    Points(PointPrompt),
    /// Strokes of a brush, over what is wanted and over what is not: one mask.
    Strokes { strokes: Vec<Stroke> },
    /// A loose outline around a thing (even-odd rule): its mask, nothing of it outside the outline.
    Lasso { points: Vec<[f64; 2]> },
}

/// For what has no keys: serde takes any there.
fn no_keys<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct NoKeys {}
    NoKeys::deserialize(deserializer).map(|NoKeys {}| ())
}

/// Points, a box, or both. At least one of them is needed, and points alone need one that is inside.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PointPrompt {
    pub points: Vec<Point>,
    pub r#box: Option<[f64; 4]>,
    /// Logits of a candidate that this photo had before, which the new points correct.
    pub previous: Option<MaskLogits>,
}

impl PointPrompt {
    pub fn at(points: Vec<Point>) -> Self {
        Self { points, ..Self::default() }
    }

    /// The box is `[x, y, width, height]`.
    pub fn around(shape: [f64; 4]) -> Self {
        Self { r#box: Some(shape), ..Self::default() }
    }

    /// Whether several things can be meant: SAM has three nested answers for a single point.
    pub fn is_ambiguous(&self) -> bool {
        self.points.len() == 1 && self.r#box.is_none() && self.previous.is_none()
    }

    /// # Errors
    /// [`Error::EmptyPrompt`] without a point and a box, [`Error::InvalidPrompt`] for too many points, and for points that only say
    /// where nothing is wanted.
    pub fn check(&self) -> Result<()> {
        if self.points.is_empty() && self.r#box.is_none() {
            return Err(Error::EmptyPrompt);
        }
        let invalid = |why: String| Err(Error::InvalidPrompt(why));
        if self.points.len() > MAX_POINTS {
            return invalid(format!(
                "there are {} points; use at most {MAX_POINTS}",
                self.points.len()
            ));
        }
        let says_what = self.r#box.is_some() || self.previous.is_some();
        if !says_what && self.points.iter().all(|point| point.label == 0) {
            return invalid(
                "no point is inside what is wanted (label 1), and there is no box".to_string(),
            );
        }
        Ok(())
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stroke {
    pub points: Vec<[f64; 2]>,
    /// 1: inside the wanted mask; 0: outside.
    pub label: u8,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Point {
    pub x: f64,
    pub y: f64,
    /// 1: inside the wanted mask; 0: outside.
    pub label: u8,
}

/// SAM's settings for its grid of points, with its names and defaults (but 16 points a side, not 32).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct GridOptions {
    pub points_per_side: u32,
    pub points_per_batch: u32,
    pub pred_iou_thresh: f32,
    pub stability_score_thresh: f32,
    pub stability_score_offset: f32,
    pub box_nms_thresh: f32,
    /// Further layers of crops: layer `i` cuts the photo into `2^i` by `2^i` overlapping crops.
    pub crop_n_layers: u32,
    pub crop_nms_thresh: f32,
    pub crop_overlap_ratio: f32,
    pub crop_n_points_downscale_factor: u32,
    /// Holes and islands below this area, in pixels of the photo, are removed.
    pub min_mask_region_area: u32,
}

impl Default for GridOptions {
    fn default() -> Self {
        Self {
            points_per_side: 16,
            points_per_batch: 8,
            pred_iou_thresh: 0.88,
            stability_score_thresh: 0.95,
            stability_score_offset: 1.0,
            box_nms_thresh: 0.7,
            crop_n_layers: 0,
            crop_nms_thresh: 0.7,
            crop_overlap_ratio: 512.0 / 1500.0,
            crop_n_points_downscale_factor: 1,
            min_mask_region_area: 0,
        }
    }
}

fn check(name: &str, fits: bool, range: &str) -> Result<()> {
    if fits { Ok(()) } else { Err(Error::InvalidOption(format!("{name} must be {range}"))) }
}

impl Request {
    /// # Errors
    /// [`Error::InvalidOption`] that names the setting out of range; [`Error::InvalidPrompt`] and [`Error::EmptyPrompt`] as
    /// [`PointPrompt::check`] has them.
    pub fn check(&self) -> Result<()> {
        check("levels", !self.levels.is_empty(), "one or more of part, entity and relation")?;
        check(
            "minScore",
            self.min_score.is_none_or(|score| (0.0..=1.0).contains(&score)),
            "0 to 1",
        )?;
        check(
            "maxQueries",
            self.max_queries.is_none_or(|most| (1..=192).contains(&most)),
            "1 to 192",
        )?;
        if let Prompt::Points(prompt) = &self.prompt {
            prompt.check()?;
        }
        self.grid.check()
    }
}

impl GridOptions {
    fn check(&self) -> Result<()> {
        check("pointsPerSide", (1..=128).contains(&self.points_per_side), "1 to 128")?;
        check("pointsPerBatch", (1..=64).contains(&self.points_per_batch), "1 to 64")?;
        check("cropNLayers", self.crop_n_layers <= 3, "0 to 3")?;
        check(
            "cropNPointsDownscaleFactor",
            (1..=8).contains(&self.crop_n_points_downscale_factor),
            "1 to 8",
        )?;
        check("cropOverlapRatio", (0.0..1.0).contains(&self.crop_overlap_ratio), "0 to below 1")?;
        check(
            "stabilityScoreOffset",
            (0.0..=f32::MAX).contains(&self.stability_score_offset),
            "0 or more",
        )?;
        let thresholds = [
            ("predIouThresh", self.pred_iou_thresh),
            ("stabilityScoreThresh", self.stability_score_thresh),
            ("boxNmsThresh", self.box_nms_thresh),
            ("cropNmsThresh", self.crop_nms_thresh),
        ];
        thresholds
            .into_iter()
            .try_for_each(|(name, value)| check(name, (0.0..=1.0).contains(&value), "0 to 1"))
    }
}

/// A prompt's mask at the photo's size.
///
/// # Errors
/// [`Error::SizeMismatch`], [`Error::EmptyPrompt`], [`Error::InvalidPrompt`].
pub fn prompt_mask(rle: &Rle, width: u32, height: u32) -> Result<BitMask> {
    if (rle.width(), rle.height()) != (width, height) {
        return Err(Error::SizeMismatch {
            mask_width: rle.width(),
            mask_height: rle.height(),
            width,
            height,
        });
    }
    let mask = rle.decode().map_err(|error: RleError| Error::InvalidPrompt(error.to_string()))?;
    if mask.is_empty() { Err(Error::EmptyPrompt) } else { Ok(mask) }
}

/// A box as a mask, clipped to the photo.
///
/// # Errors
/// [`Error::EmptyPrompt`], [`Error::InvalidPrompt`].
pub fn box_mask(shape: [f64; 4], width: u32, height: u32) -> Result<BitMask> {
    rasterise_box(shape, width, height).map_err(shape_error)
}

/// A polygon as a mask, clipped to the photo. A large one takes a second; `progress` may end it between its bands.
///
/// # Errors
/// [`Error::EmptyPrompt`], [`Error::InvalidPrompt`], [`Error::Aborted`].
pub async fn polygon_mask(
    points: &[[f64; 2]],
    (width, height): (u32, u32),
    progress: &Progress<'_>,
) -> Result<BitMask> {
    let mut drawing = PolygonDrawing::new(points, width, height).map_err(shape_error)?;
    while drawing.draw_band() {
        progress.checkpoint(0.0).await?;
    }
    drawing.finish().map_err(shape_error)
}

fn shape_error(error: ShapeError) -> Error {
    match error {
        ShapeError::NothingCovered { .. } | ShapeError::EmptyBox => Error::EmptyPrompt,
        error => Error::InvalidPrompt(error.to_string()),
    }
}
