//! From a photo and a prompt to a scene.

mod by_head;
mod by_score;
mod device;
mod encoded;
mod grid;
mod learned;
mod pick;
mod plan;
mod points;
mod previous;
mod proposer;
mod request;
mod segments;
mod target;
#[cfg(all(test, not(target_family = "wasm")))]
mod tests;
mod zoom;

use crate::error::{Error, Result};
use crate::levels::{self, LevelRules, Scene};
use crate::mask::BBox;
use crate::model::{Aims, INPUT_SIZES, Sam, SceneHead, SemanticHead, Weights, is_input_size};
use crate::ops::{self, Counters, Device, Memory};
use crate::photo::Photo;
use crate::progress::Progress;

use by_head::Heads;
pub use device::{Adapter, Compute, DeviceKind, Precision, open as open_device};
pub use encoded::EncodedPhoto;
use encoded::View;
use grid::{CropSource, PointGrid};
use learned::LearnedLevels;
pub use pick::{AnswerScores, PickRule, pick};
pub use plan::{Plan, PlannedPhoto};
pub use points::{Answer, CandidateMask, choose};
pub use previous::MaskLogits;
use proposer::{Proposer, Strategy, wants_grid};
pub use request::{GridOptions, Mode, Point, PointPrompt, Prompt, Request, Stroke};
use segments::Segments;
use target::Target;
pub use zoom::Zoomed;

/// A network that has been loaded on a device, and what it can do with photos.
pub struct Segmenter {
    sam: Sam,
    /// The AIMS head, if the model file has one.
    aims: Option<Aims>,
    /// The scene head, if the model file has one.
    scene_head: Option<SceneHead>,
    /// The semantic head, if the model file has one.
    semantic_head: Option<SemanticHead>,
    adapter: Adapter,
    input_size: u32,
    rules: LevelRules,
}

impl Segmenter {
    /// Opens the device, makes sure that it computes, and loads a model file. `input_size` is the
    /// length of the input's long side, in pixels: a multiple of 64 from 64 to 2048. By default it
    /// is the size that the file names for this kind of device.
    ///
    /// # Errors
    /// [`Error::NoGpu`], [`Error::ModelCorrupt`], [`Error::ModelVersion`], [`Error::InvalidOption`]
    /// for the size.
    pub async fn new(
        compute: impl Into<Compute>,
        model: &[u8],
        input_size: Option<u32>,
    ) -> Result<Self> {
        Self::open(compute.into(), input_size, |device| Weights::new(model, device)).await
    }

    /// Does the same as [`Self::new`] with a model file that the caller knows to be undamaged. Its
    /// checksum is not computed.
    ///
    /// # Errors
    /// Those of [`Self::new`].
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
        ops::prepare(&device, &weights.bits(), &description.head_channels(), description.pools())
            .await?;
        if probe == Probe::Yes {
            device::probe(&device).await?;
        }
        let sam = Sam::load(&weights)?;
        let aims = Aims::load(&weights, "aims", sam.prompt_encoder(), sam.mask_decoder())?;
        let scene_head = SceneHead::load(&weights, "scene")?;
        let semantic_head = SemanticHead::load(&weights, "semantic")?;
        weights.check_all_read()?;
        let on_gpu = adapter.device != "cpu" && !adapter.software;
        let input_size = input_size.unwrap_or(description.default_input_size(on_gpu));
        Ok(Self {
            sam,
            aims,
            scene_head,
            semantic_head,
            adapter,
            input_size,
            rules: LevelRules::default(),
        })
    }

    /// The length of the input's long side, in pixels.
    pub fn input_size(&self) -> u32 {
        self.input_size
    }

    /// Replaces the thresholds of the rules that sort the masks of the mode `grid` into levels.
    pub fn set_rules(&mut self, rules: LevelRules) {
        self.rules = rules;
    }

    /// Whether the model file has level decoders.
    pub fn has_levels(&self) -> bool {
        self.aims.is_some()
    }

    /// The device that the network runs on.
    pub fn adapter(&self) -> &Adapter {
        &self.adapter
    }

    /// The device that [`crate::edges::refine`] should use: that of the network. If it is a "GPU"
    /// whose work is really done by the CPU, the CPU itself is quicker.
    pub fn edge_device(&self) -> Device {
        if self.adapter.software { ops::cpu() } else { self.sam.device().clone() }
    }

    /// How much of a GPU's memory the network and its photos take now; zeros on the CPU.
    pub fn memory(&self) -> Memory {
        ops::memory(self.sam.device())
    }

    /// How a GPU has been used so far; zeros on the CPU.
    pub fn counters(&self) -> Counters {
        ops::counters(self.sam.device())
    }

    /// Runs the image encoder on a photo.
    ///
    /// # Errors
    /// [`Error::Aborted`], [`Error::DeviceLost`].
    pub async fn encode(&self, photo: Photo, progress: &Progress<'_>) -> Result<EncodedPhoto> {
        let Photo { width, height, .. } = photo;
        let frame = BBox { x: 0, y: 0, width, height };
        let keep_features = self.has_levels();
        let view = View::encode(&self.sam, &photo, frame, self.input_size, keep_features, progress)
            .await?;
        let crops = CropSource::new(photo, self.input_size)?;
        Ok(EncodedPhoto { width, height, view, crops })
    }

    /// Answers a prompt on an encoded photo with a scene.
    ///
    /// # Errors
    /// [`Error::InvalidOption`], [`Error::InvalidPrompt`], [`Error::EmptyPrompt`],
    /// [`Error::SizeMismatch`], [`Error::Aborted`], [`Error::DeviceLost`].
    pub async fn segment(
        &self,
        photo: &EncodedPhoto,
        request: &Request,
        progress: &Progress<'_>,
    ) -> Result<Scene> {
        request.check()?;
        let (sam, heads) = (&self.sam, self.heads());
        let (candidate, region) = match target::resolve(&request.prompt, photo.size(), progress)
            .await?
        {
            Target::Scene(area) => {
                return self
                    .strategy(request)?
                    .scene(photo, &area, &request.levels, progress)
                    .await;
            }
            Target::Points(prompt) => (points::by_points(sam, heads, photo, &prompt).await?, None),
            Target::Lasso(lasso) => {
                (points::by_lasso(sam, heads, photo, &lasso).await?, Some(lasso))
            }
        };
        let min_mask_region_area = request.grid.min_mask_region_area;
        let options = LevelRules { min_mask_region_area, ..LevelRules::default() };
        Ok(levels::single_mask(&candidate, photo.size(), region.as_ref(), &options))
    }

    /// The masks that points, a box or both may mean, smaller ones first. For a single point these
    /// are SAM's three nested answers. For other prompts the answer that SAM makes for them is
    /// there too. Empty masks are left out.
    ///
    /// # Errors
    /// [`Error::InvalidPrompt`], [`Error::EmptyPrompt`], [`Error::DeviceLost`].
    pub async fn candidates(
        &self,
        photo: &EncodedPhoto,
        prompt: &PointPrompt,
    ) -> Result<Vec<CandidateMask>> {
        let answers = self.answers(photo, prompt).await?;
        Ok(points::described(&answers, prompt, (photo.width, photo.height)))
    }

    /// All four answers of SAM's decoder to points, a box or both, as logits, smaller masks first.
    /// [`choose`] says which of them [`Self::segment`] returns.
    ///
    /// # Errors
    /// [`Error::InvalidPrompt`], [`Error::EmptyPrompt`], [`Error::DeviceLost`].
    pub async fn answers(&self, photo: &EncodedPhoto, prompt: &PointPrompt) -> Result<Vec<Answer>> {
        points::answers(&self.sam, self.heads(), photo, prompt).await
    }

    /// The masks that a scene of the whole photo is made from, as entities that may overlap. They
    /// are the masks of all grid points (SAM's "everything"), or those that the AIMS head has for
    /// entities. The prompt and the levels of the `request` are ignored.
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
        self.strategy(request)?.proposals(photo, progress).await
    }

    /// The heads that choose among masks, if the model file has them.
    fn heads(&self) -> Option<Heads<'_>> {
        let segments = self.semantic_head.as_ref().map(|head| Segments { head, sam: &self.sam });
        self.scene_head.as_ref().map(|scene| Heads { scene, segments })
    }

    /// The way to find the masks of a scene, which depends on the request and on what the model
    /// file has.
    fn strategy<'a>(&'a self, request: &'a Request) -> Result<Strategy<'a>> {
        let levels = self.aims.as_ref().map(|aims| LearnedLevels::new(aims, self.heads(), request));
        match (wants_grid(request, levels.is_some())?, levels) {
            (false, Some(levels)) => Ok(Strategy::Learned(levels)),
            _ => Ok(Strategy::Grid(PointGrid::new(
                &self.sam,
                self.input_size,
                &request.grid,
                &self.rules,
            ))),
        }
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
        Some(size) => {
            Err(Error::InvalidOption(format!("inputSize must be {INPUT_SIZES}, not {size}")))
        }
        None => Ok(()),
    }
}
