//! What a caller may ask for on an encoded photo. Coordinates are in pixels of the upright photo,
//! from its top left corner.

use serde::{Deserialize, Deserializer, Serialize};

use super::previous::MaskLogits;
use crate::error::{Error, Result};
use crate::levels::Level;
use crate::mask::polygon::{PolygonDrawing, rasterise_box};
use crate::mask::{BitMask, Rle, RleError, ShapeError};
use crate::progress::Progress;

/// The most points of a prompt. The mask decoder's memory grows with the square of their number.
const MAX_POINTS: usize = 256;

/// One call of `segment`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Request {
    /// The levels to return. A level that is named twice counts once.
    pub levels: Vec<Level>,
    /// What to segment. By default it is the whole photo.
    pub prompt: Prompt,
    /// How the masks of a scene are found. By default it is [`Mode::Learned`] if the model file has
    /// level decoders, otherwise [`Mode::Grid`].
    pub mode: Option<Mode>,
    /// In the mode `learned`, masks with a lower score (0 to 1) are left out. The default is in the
    /// model file. In the mode `grid`, the [`grid`](Request::grid) options decide what is left out.
    pub min_score: Option<f32>,
    /// In the mode `learned`, the most queries, rounded up to whole rounds. With the weights of
    /// this project the default is 48, in rounds of 8. Busy photos need all of them, others fewer.
    pub max_queries: Option<u32>,
    /// The settings of the mode `grid`.
    pub grid: GridOptions,
}

/// How the masks of a scene are found. SAM's decoder answers prompts of points in both modes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// The level decoders, which have learned the levels, find the masks. The model file must have
    /// them.
    Learned,
    /// SAM's decoder is prompted at every point of a grid, and rules sort its masks into levels.
    /// This runs the decoder hundreds of times.
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

/// What to segment.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
#[expect(missing_docs, reason = "each variant describes its field")]
pub enum Prompt {
    /// The whole photo.
    #[serde(deserialize_with = "no_keys")]
    Full,
    /// A partial image: the box `[x, y, width, height]`.
    Box { r#box: [f64; 4] },
    /// A partial image: the inside of a polygon (by the even-odd rule).
    Polygon { points: Vec<[f64; 2]> },
    /// A partial image: a mask of the photo's size.
    Mask { mask: Rle },
    /// An entity, to be opened into its parts.
    Entity { mask: Rle },
    /// Two entities, to be joined in their relation.
    Entities { masks: [Rle; 2] },
    /// A relation, to be opened into its entities.
    Relation { mask: Rle },
    /// Points and a box, as SAM has them. The answer is one mask.
    Points(PointPrompt),
    /// Strokes of a brush, over what is wanted and over what is not. The answer is one mask.
    Strokes { strokes: Vec<Stroke> },
    /// A loose outline around a thing (by the even-odd rule). The answer is the mask of the thing,
    /// without what is outside the outline.
    Lasso { points: Vec<[f64; 2]> },
}

/// Reads a prompt that has no keys. Without this function, serde would accept any keys.
fn no_keys<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct NoKeys {}
    NoKeys::deserialize(deserializer).map(|NoKeys {}| ())
}

/// Points, a box, or both. There must be at least one of them. Without a box and without
/// `previous`, at least one point must be inside what is wanted.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PointPrompt {
    /// The points.
    pub points: Vec<Point>,
    /// A box around what is wanted, `[x, y, width, height]`.
    pub r#box: Option<[f64; 4]>,
    /// The logits of an earlier candidate of this photo, which the new points correct.
    pub previous: Option<MaskLogits>,
}

impl PointPrompt {
    /// A prompt of points.
    pub fn at(points: Vec<Point>) -> Self {
        Self { points, ..Self::default() }
    }

    /// A prompt of a box `[x, y, width, height]`.
    pub fn around(shape: [f64; 4]) -> Self {
        Self { r#box: Some(shape), ..Self::default() }
    }

    /// Whether the prompt may mean several things. For a single point SAM has three nested answers.
    pub fn is_ambiguous(&self) -> bool {
        self.points.len() == 1 && self.r#box.is_none() && self.previous.is_none()
    }

    /// Checks what can be checked without the photo.
    ///
    /// # Errors
    /// [`Error::EmptyPrompt`] if there is neither a point nor a box; [`Error::InvalidPrompt`] if
    /// there are too many points, or if the points only mark what is not wanted.
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
                "no point marks what is wanted; give one the label 1, or add a box".to_string(),
            );
        }
        Ok(())
    }
}

/// A line that was drawn with a brush.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stroke {
    /// The points of the line, `[x, y]`.
    pub points: Vec<[f64; 2]>,
    /// 1 if the line is inside the wanted mask, 0 if it is outside.
    pub label: u8,
}

/// A point, such as a click.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// The column of the point, in pixels of the photo.
    pub x: f64,
    /// The row of the point, in pixels of the photo.
    pub y: f64,
    /// 1 if the point is inside the wanted mask, 0 if it is outside.
    pub label: u8,
}

/// The settings of SAM's automatic mask generator, with its names and defaults, except that the
/// grid has 16 points per side instead of 32.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct GridOptions {
    /// The number of points along each side of the grid.
    pub points_per_side: u32,
    /// The number of points that are decoded at a time.
    pub points_per_batch: u32,
    /// Only masks with a higher predicted IoU are kept.
    pub pred_iou_thresh: f32,
    /// Masks with a lower stability score are dropped.
    pub stability_score_thresh: f32,
    /// How far the logits are shifted up and down for the stability score.
    pub stability_score_offset: f32,
    /// Of masks whose boxes have a higher IoU than this, only the one with the highest predicted
    /// IoU is kept.
    pub box_nms_thresh: f32,
    /// The number of further layers of crops. Layer `i` cuts the photo into `2^i` by `2^i` crops
    /// that overlap.
    pub crop_n_layers: u32,
    /// Of masks from different crops whose boxes have a higher IoU than this, only the one from the
    /// smallest crop is kept.
    pub crop_nms_thresh: f32,
    /// How much the crops of the first layer overlap, as a share of the photo's short side. In each
    /// further layer they overlap half as much.
    pub crop_overlap_ratio: f32,
    /// In layer `i`, the number of points per side is divided by this to the power of `i`.
    pub crop_n_points_downscale_factor: u32,
    /// Holes and islands of fewer pixels of the photo than this are removed.
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

/// Checks a setting. The error names it and its range.
fn check(name: &str, fits: bool, range: &str) -> Result<()> {
    if fits { Ok(()) } else { Err(Error::InvalidOption(format!("{name} must be {range}"))) }
}

impl Request {
    /// Checks what can be checked without the photo.
    ///
    /// # Errors
    /// [`Error::InvalidOption`], which names the setting that is out of range;
    /// [`Error::InvalidPrompt`] and [`Error::EmptyPrompt`] as in [`PointPrompt::check`].
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

/// The mask of a prompt, which must have the photo's size.
///
/// # Errors
/// [`Error::SizeMismatch`], [`Error::EmptyPrompt`], [`Error::InvalidPrompt`].
pub(super) fn prompt_mask(rle: &Rle, width: u32, height: u32) -> Result<BitMask> {
    Error::unless_same_size((rle.width(), rle.height()), (width, height))?;
    let mask = rle.decode().map_err(|error: RleError| Error::InvalidPrompt(error.to_string()))?;
    if mask.is_empty() { Err(Error::EmptyPrompt) } else { Ok(mask) }
}

/// A box as a mask, cut to the photo.
///
/// # Errors
/// [`Error::EmptyPrompt`], [`Error::InvalidPrompt`].
pub(super) fn box_mask(shape: [f64; 4], width: u32, height: u32) -> Result<BitMask> {
    rasterise_box(shape, width, height).map_err(shape_error)
}

/// A polygon as a mask, cut to the photo. A large one takes about a second; `progress` can end it
/// between two of its bands.
///
/// # Errors
/// [`Error::EmptyPrompt`], [`Error::InvalidPrompt`], [`Error::Aborted`].
pub(super) async fn polygon_mask(
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
