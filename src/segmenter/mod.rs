//! From a photo and a prompt to a scene.

mod crops;
mod decide;
mod device;
mod encoded;
mod grid;
mod learned;
mod pick;
mod plan;
mod pointed;
mod previous;
mod request;
#[cfg(all(test, not(target_family = "wasm")))]
mod tests;

use crate::error::{Error, Result};
use crate::levels::{self, Candidate, Level, LevelError, LevelOptions, Prediction, Scene};
use crate::mask::{BBox, BitMask};
use crate::model::{Aims, AimsOutput, INPUT_SIZES, Sam, SceneHead, Weights, is_input_size};
use crate::ops::{self, Counters, Device, Memory};
use crate::photo::{Photo, fit, scale_to};
use crate::progress::Progress;

use decide::Judged;
pub use device::{Adapter, Compute, DeviceKind, Precision, open as open_device};
use encoded::{View, cut};
use grid::Proposal;
pub use pick::{PickRule, Quality, pick};
pub use plan::{Plan, PlannedPhoto};
pub use pointed::{Answer, CandidateMask, choose};
pub use previous::MaskLogits;
pub use request::{GridOptions, Mode, Point, PointPrompt, Prompt, Request, Stroke};
use request::{box_mask, polygon_mask, prompt_mask};

/// A loaded network.
pub struct Segmenter {
    sam: Sam,
    /// If the model file has it.
    aims: Option<Aims>,
    /// And this one too.
    scene_head: Option<SceneHead>,
    adapter: Adapter,
    input_size: u32,
}

/// An encoded photo: prompts on it cost only the mask decoder.
pub struct EncodedPhoto {
    pub width: u32,
    pub height: u32,
    view: View,
    /// The photo at no more than twice the network's input, for crops.
    detail: Photo,
}

impl Segmenter {
    /// Opens the device, makes sure that it computes, and loads a model file. `input_size` is the long side of a photo as the network sees
    /// it, a multiple of 64 from 64 to 2048 pixels; by default that which the file names first.
    ///
    /// # Errors
    /// [`Error::NoGpu`], [`Error::ModelCorrupt`], [`Error::ModelVersion`], [`Error::InvalidOption`] for the size.
    pub async fn new(compute: impl Into<Compute>, model: &[u8], input_size: Option<u32>) -> Result<Self> {
        Self::open(compute.into(), input_size, |device| Weights::new(model, device)).await
    }

    /// [`Self::new`] for a model file that the caller knows to be undamaged: its checksum is not taken.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub async fn with_trusted_model(
        compute: impl Into<Compute>,
        model: &[u8],
        input_size: Option<u32>,
    ) -> Result<Self> {
        Self::open(compute.into(), input_size, |device| Weights::trusted(model, device)).await
    }

    async fn open<'a>(
        compute: Compute,
        input_size: Option<u32>,
        weights: impl FnOnce(&Device) -> Result<Weights<'a>>,
    ) -> Result<Self> {
        check_input_size(input_size)?;
        Self::load(device::open(compute).await?, input_size, weights, Probe::Yes).await
    }

    async fn load<'a>(
        (device, adapter): (Device, Adapter),
        input_size: Option<u32>,
        weights: impl FnOnce(&Device) -> Result<Weights<'a>>,
        probe: Probe,
    ) -> Result<Self> {
        let weights = weights(&device)?;
        let description = &weights.manifest().description;
        ops::prepare(&device, &weights.bits(), &description.head_channels(), description.pools()).await?;
        if probe == Probe::Yes {
            device::probe(&device).await?;
        }
        let sam = Sam::load(&weights)?;
        let aims = Aims::load(&weights, "aims", sam.prompt_encoder(), sam.mask_decoder())?;
        let scene_head = SceneHead::load(&weights, "scene")?;
        weights.check_all_read()?;
        let on_gpu = adapter.device != "cpu" && !adapter.software;
        let input_size = input_size.unwrap_or(description.default_input_size(on_gpu));
        Ok(Self { sam, aims, scene_head, adapter, input_size })
    }

    /// Long side of a photo as the network sees it, in pixels.
    pub fn input_size(&self) -> u32 {
        self.input_size
    }

    /// Whether the model file has learned levels.
    pub fn has_levels(&self) -> bool {
        self.aims.is_some()
    }

    pub fn adapter(&self) -> &Adapter {
        &self.adapter
    }

    /// What the network and its photos take of a GPU's memory now; nothing on the CPU.
    pub fn memory(&self) -> Memory {
        ops::memory(self.sam.device())
    }

    /// How a GPU was used so far; nothing on the CPU.
    pub fn counters(&self) -> Counters {
        ops::counters(self.sam.device())
    }

    /// Runs the image encoder.
    ///
    /// # Errors
    /// [`Error::Aborted`], [`Error::DeviceLost`].
    pub async fn encode(&self, photo: Photo, progress: &Progress<'_>) -> Result<EncodedPhoto> {
        let Photo { width, height, .. } = photo;
        let frame = BBox { x: 0, y: 0, width, height };
        let keep_features = self.has_levels();
        let view = View::encode(&self.sam, &photo, frame, self.input_size, keep_features, progress).await?;
        let detail_size = 2 * self.input_size;
        let detail = if width.max(height) > detail_size {
            let (width, height) = fit(width, height, detail_size);
            scale_to(&photo, width, height)?
        } else {
            photo
        };
        Ok(EncodedPhoto { width, height, view, detail })
    }

    /// Answers a prompt.
    ///
    /// # Errors
    /// [`Error::InvalidOption`], [`Error::InvalidPrompt`], [`Error::EmptyPrompt`], [`Error::SizeMismatch`],
    /// [`Error::Aborted`], [`Error::DeviceLost`].
    pub async fn segment(
        &self,
        photo: &EncodedPhoto,
        request: &Request,
        progress: &Progress<'_>,
    ) -> Result<Scene> {
        request.check()?;
        let (width, height) = (photo.width, photo.height);
        let mask = |rle| prompt_mask(rle, width, height);
        let options = self.level_options(request);
        match &request.prompt {
            Prompt::Full => {
                if let Some(scene) =
                    self.learned(photo, None, request, &request.levels, &options, progress).await?
                {
                    return Ok(scene);
                }
                let candidates = self.everything(photo, &request.grid, progress).await?;
                Ok(levels::build_scene(&candidates, (width, height), &options, &request.levels))
            }
            Prompt::Box { r#box } => {
                self.region(photo, &box_mask(*r#box, width, height)?, request, &options, progress).await
            }
            Prompt::Polygon { points } => {
                let region = polygon_mask(points, (width, height), progress).await?;
                self.region(photo, &region, request, &options, progress).await
            }
            Prompt::Mask { mask: rle } | Prompt::Relation { mask: rle } => {
                self.region(photo, &mask(rle)?, request, &options, progress).await
            }
            Prompt::Entity { mask: rle } => {
                let entity = mask(rle)?;
                let levels = [Level::Part];
                if let Some(scene) =
                    self.learned(photo, Some(&entity), request, &levels, &options, progress).await?
                {
                    return Ok(scene);
                }
                let candidates = self.inside(photo, &entity, &request.grid, progress).await?;
                levels::parts_of(&candidates, &entity, &options).map_err(level_error)
            }
            Prompt::Entities { masks: [a, b] } => {
                let (a, b) = (mask(a)?, mask(b)?);
                let both = a.union(&b);
                let score = match self.judge(photo, Some(&both), request, progress).await? {
                    Some(judged) => Some(judged.related(&photo.view, [&a, &b])),
                    None => {
                        let prediction = self.predict(photo, Some(&both), request, progress).await?;
                        prediction.map(|found| levels::predicted_relation_score(&found, &both, &options))
                    }
                };
                levels::relation_of(&a, &b, score, &options).map_err(level_error)
            }
            Prompt::Points(prompt) => {
                let candidate =
                    pointed::by_points(&self.sam, self.scene_head.as_ref(), photo, prompt).await?;
                Ok(levels::single_mask(&candidate, (width, height), None, &options))
            }
            Prompt::Strokes { strokes } => {
                let prompt = PointPrompt::at(pointed::along(strokes)?);
                let candidate =
                    pointed::by_points(&self.sam, self.scene_head.as_ref(), photo, &prompt).await?;
                Ok(levels::single_mask(&candidate, (width, height), None, &options))
            }
            Prompt::Lasso { points } => {
                let lasso = polygon_mask(points, (width, height), progress).await?;
                let candidate = pointed::by_lasso(&self.sam, self.scene_head.as_ref(), photo, &lasso).await?;
                Ok(levels::single_mask(&candidate, (width, height), Some(&lasso), &options))
            }
        }
    }

    /// The masks that points, a box or both can mean, the smaller before the larger. For a single point these are SAM's three nested
    /// answers; for other prompts there is also the answer that is made for them. Empty masks are left out.
    ///
    /// # Errors
    /// [`Error::InvalidPrompt`], [`Error::EmptyPrompt`], [`Error::DeviceLost`].
    pub async fn candidates(&self, photo: &EncodedPhoto, prompt: &PointPrompt) -> Result<Vec<CandidateMask>> {
        let answers = self.answers(photo, prompt).await?;
        Ok(pointed::described(&answers, prompt, (photo.width, photo.height)))
    }

    /// All four answers of SAM's decoder to points, a box or both, the smaller before the larger, as logits; [`choose`] says which of
    /// them [`Self::segment`] returns.
    ///
    /// # Errors
    /// [`Error::InvalidPrompt`], [`Error::EmptyPrompt`], [`Error::DeviceLost`].
    pub async fn answers(&self, photo: &EncodedPhoto, prompt: &PointPrompt) -> Result<Vec<Answer>> {
        pointed::answers(&self.sam, self.scene_head.as_ref(), photo, prompt).await
    }

    /// What a scene of the whole photo is made from, as entities that may overlap: the masks of all grid points (SAM's
    /// "everything"), or those that the AIMS head has for entities. The `request`'s prompt and its levels do not count.
    ///
    /// # Errors
    /// [`Error::InvalidOption`], [`Error::Aborted`], [`Error::DeviceLost`].
    pub async fn proposals(
        &self,
        photo: &EncodedPhoto,
        request: &Request,
        progress: &Progress<'_>,
    ) -> Result<Scene> {
        request.check()?;
        let request = &Request { prompt: Prompt::Full, levels: Request::default().levels, ..request.clone() };
        let (candidates, same) = match self.predict(photo, None, request, progress).await? {
            Some(found) => (found.entities, found.thresholds.same),
            None => (self.everything(photo, &request.grid, progress).await?, request.grid.box_nms_thresh),
        };
        let options = LevelOptions { min_area: 0.0, ..self.level_options(request) };
        Ok(levels::proposals(&candidates, same, (photo.width, photo.height), &options))
    }

    /// The caller's settings where there are any.
    fn level_options(&self, request: &Request) -> LevelOptions {
        let own = self.aims.as_ref().map(|aims| aims.config().thresholds.min_score);
        let default = LevelOptions::default();
        LevelOptions {
            min_mask_region_area: request.grid.min_mask_region_area,
            min_score: request.min_score.or(own).unwrap_or(default.min_score),
            ..default
        }
    }

    /// The scene of what the AIMS head finds; `None` if the caller wants the grid.
    async fn learned(
        &self,
        photo: &EncodedPhoto,
        region: Option<&BitMask>,
        request: &Request,
        levels: &[Level],
        options: &LevelOptions,
        progress: &Progress<'_>,
    ) -> Result<Option<Scene>> {
        let size = (photo.width, photo.height);
        if let (Some(head), Some(judged)) =
            (&self.scene_head, self.judge(photo, region, request, progress).await?)
        {
            let decision = judged.decide(head, &photo.view);
            return Ok(Some(levels::chosen_scene(&decision, region, size, options, levels)));
        }
        let prediction = self.predict(photo, region, request, progress).await?;
        Ok(prediction.map(|found| levels::predicted_scene(&found, region, size, options, levels)))
    }

    /// What the scene head says of the candidates; `None` without one, or if the caller wants the grid.
    async fn judge(
        &self,
        photo: &EncodedPhoto,
        region: Option<&BitMask>,
        request: &Request,
        progress: &Progress<'_>,
    ) -> Result<Option<Judged>> {
        let (Some(head), Some(features)) = (&self.scene_head, photo.view.features()) else {
            return Ok(None);
        };
        let asked = progress.piece(0.0, 0.9);
        let Some((aims, output)) = self.ask(photo, region, request, &asked).await? else { return Ok(None) };
        progress.checkpoint(0.9).await?;
        let judged = decide::judge(head, aims.config(), &photo.view, features, output, region).await?;
        progress.checkpoint(1.0).await?;
        Ok(Some(judged))
    }

    async fn predict(
        &self,
        photo: &EncodedPhoto,
        region: Option<&BitMask>,
        request: &Request,
        progress: &Progress<'_>,
    ) -> Result<Option<Prediction>> {
        let asked = progress.piece(0.0, 0.95);
        let Some((aims, output)) = self.ask(photo, region, request, &asked).await? else { return Ok(None) };
        let prediction = learned::predict(aims.config(), &photo.view, output)?;
        progress.checkpoint(1.0).await?;
        Ok(Some(prediction))
    }

    /// What the level decoders say of the photo, or of a region of it (a mask of the photo's size); `None` if the caller wants the grid, or
    /// where the model file has nothing else.
    async fn ask(
        &self,
        photo: &EncodedPhoto,
        region: Option<&BitMask>,
        request: &Request,
        progress: &Progress<'_>,
    ) -> Result<Option<(&Aims, AimsOutput)>> {
        match (request.mode, &self.aims, photo.view.features()) {
            (Some(Mode::Thorough), ..) | (None, None, _) => Ok(None),
            (_, Some(aims), Some(features)) => {
                let prompt = photo.view.partial(region).map(|region| photo.view.input_mask(region));
                let config = aims.config();
                let in_rounds = |most: u32| (most as usize).div_ceil(config.round_queries);
                let rounds = request.max_queries.map_or(config.rounds, in_rounds);
                let output =
                    aims.forward(features, prompt.as_deref(), sought(request), rounds, progress).await?;
                Ok(Some((aims, output)))
            }
            _ => Err(Error::InvalidOption(
                "this model file has no learned levels for the mode 'fast'; use 'thorough'".to_string(),
            )),
        }
    }

    /// Candidates for the whole photo, from all crop layers.
    async fn everything(
        &self,
        photo: &EncodedPhoto,
        options: &GridOptions,
        progress: &Progress<'_>,
    ) -> Result<Vec<Candidate>> {
        let size = (photo.width, photo.height);
        let crops: Vec<_> = (1..=options.crop_n_layers)
            .flat_map(|layer| {
                let divisor = options.crop_n_points_downscale_factor.pow(layer);
                let points = (options.points_per_side / divisor).max(1);
                crops::layer(size.0, size.1, layer, options.crop_overlap_ratio, points)
            })
            .collect();
        let steps = 1.0 + crops.len() as f32;
        let piece = |step: usize| progress.piece(step as f32 / steps, (step + 1) as f32 / steps);

        let points = grid::points(&photo.view.frame(), options.points_per_side, None);
        let mut found = grid::propose(&self.sam, &photo.view, &points, size, options, &piece(0)).await?;
        for (i, crop) in crops.iter().enumerate() {
            let progress = piece(i + 1);
            let pixels = cut(&photo.detail, crop.frame, photo.width);
            // Half of a crop's time for its encoding: a rough share, as it depends on the number of points.
            let first = progress.piece(0.0, 0.5);
            let view = View::encode(&self.sam, &pixels, crop.frame, self.input_size, false, &first).await?;
            let points = grid::points(&crop.frame, crop.points_per_side, None);
            let second = progress.piece(0.5, 1.0);
            found.extend(grid::propose(&self.sam, &view, &points, size, options, &second).await?);
        }
        if !crops.is_empty() {
            found = grid::merge_crops(found, options);
        }
        Ok(into_candidates(found))
    }

    /// Candidates from points inside a mask, as many a side of its box as a whole photo gets.
    async fn inside(
        &self,
        photo: &EncodedPhoto,
        region: &BitMask,
        options: &GridOptions,
        progress: &Progress<'_>,
    ) -> Result<Vec<Candidate>> {
        let frame = region.bbox().ok_or(Error::EmptyPrompt)?;
        let points = grid::points(&frame, options.points_per_side, Some(region));
        let size = (photo.width, photo.height);
        let found = grid::propose(&self.sam, &photo.view, &points, size, options, progress).await?;
        Ok(into_candidates(found))
    }

    async fn region(
        &self,
        photo: &EncodedPhoto,
        region: &BitMask,
        request: &Request,
        options: &LevelOptions,
        progress: &Progress<'_>,
    ) -> Result<Scene> {
        if let Some(scene) =
            self.learned(photo, Some(region), request, &request.levels, options, progress).await?
        {
            return Ok(scene);
        }
        let candidates = self.inside(photo, region, &request.grid, progress).await?;
        levels::entities_in(&candidates, region, options, &request.levels).map_err(level_error)
    }
}

/// Whether a device must show that it computes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Probe {
    Yes,
    No,
}

fn check_input_size(size: Option<u32>) -> Result<()> {
    match size.filter(|&size| !is_input_size(size)) {
        Some(size) => Err(Error::InvalidOption(format!("inputSize must be {INPUT_SIZES}, not {size}"))),
        None => Ok(()),
    }
}

/// The levels at whose places a request has queries.
fn sought(request: &Request) -> &[Level] {
    match request.prompt {
        Prompt::Entity { .. } => &[Level::Part],
        Prompt::Entities { .. } => &[Level::Relation, Level::Entity],
        _ => &request.levels,
    }
}

fn into_candidates(proposals: Vec<Proposal>) -> Vec<Candidate> {
    proposals.into_iter().map(|proposal| proposal.candidate).collect()
}

fn level_error(error: LevelError) -> Error {
    match error {
        LevelError::EmptyMask => Error::EmptyPrompt,
        error => Error::InvalidPrompt(error.to_string()),
    }
}
