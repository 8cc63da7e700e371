//! What a model file says of itself: the kind and the sizes of its network, what it was made for, and where it comes from.
//!
//! `models/*.json` hold the [`Description`]s of the families. `convert` writes one of them into each model file, and the loaders here and in
//! `training/aims` read it: no size of a network is written down twice.

use serde::{Deserialize, Serialize};

use crate::candidates::{Choice, Limits, Pick};
use crate::error::{Error, Result};
use crate::level::{Level, Thresholds};

/// The metadata key under which a file has its [`Manifest`].
pub const MANIFEST_KEY: &str = "aims-web";
/// The version of the format that this code reads and writes.
pub const FORMAT_VERSION: u32 = 4;

/// The whole entry in a model file's metadata.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    pub format: u32,
    #[serde(flatten)]
    pub description: Description,
    /// `float32`, `q8-group32` or `q4-group32`.
    pub precision: String,
    /// Hexadecimal SHA-256 of all tensor data.
    pub data_sha256: String,
}

/// A network, apart from its weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Description {
    /// Name of the family, such as `aims-base`.
    pub model: String,
    /// SPDX identifier of the weights' licence.
    pub license: String,
    /// Where the weights come from.
    pub source: String,
    pub input: InputConfig,
    pub encoder: EncoderConfig,
    pub decoder: DecoderConfig,
    /// Absent in files whose network has not learned the levels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub levels: Option<LevelsConfig>,
    /// Absent in files without a scene head, whose scenes are made by rules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scene: Option<SceneConfig>,
}

/// How photos are given to the network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InputConfig {
    /// Long sides in pixels that the network is made for.
    pub sizes: Vec<u32>,
    /// These are taken when the caller does not say; without them, the first of `sizes` is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<DefaultSizes>,
    /// Whether a photo is filled up to a square with padding, and not only to multiples of 64 pixels.
    #[serde(default)]
    pub square: bool,
    /// Mean and standard deviation of the training photos, RGB, 0..255.
    pub mean: [f32; 3],
    pub std: [f32; 3],
}

/// Long sides in pixels by where the network runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefaultSizes {
    pub cpu: u32,
    pub gpu: u32,
}

/// The image encoder, told apart by `kind`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum EncoderConfig {
    TinyVit(TinyVitConfig),
    Hiera(HieraConfig),
}

/// Names of the encoders that this code has.
const ENCODER_KINDS: [&str; 2] = ["tiny-vit", "hiera"];

/// TinyViT: the first stage is convolutional and has no heads and no window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TinyVitConfig {
    pub stages: [Stage; 4],
}

/// Hiera, the trunk of SAM 2.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HieraConfig {
    pub stages: [Stage; 4],
    /// Blocks whose attention sees the whole image, counted through all stages.
    pub global_blocks: Vec<usize>,
    /// Side of the grid of background positions, which is scaled to the input.
    pub position_side: usize,
}

/// Blocks of one resolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    pub channels: usize,
    pub depth: usize,
    #[serde(default)]
    pub heads: usize,
    /// Side of the attention's window.
    #[serde(default)]
    pub window: usize,
}

/// SAM's mask decoder, that of SAM 2 included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DecoderConfig {
    /// Channels of the image embedding and of all tokens.
    pub channels: usize,
    pub heads: usize,
    /// Two-way blocks.
    pub depth: usize,
    /// Width of the feed-forward layers.
    pub hidden: usize,
    /// Masks for each prompt: one for unambiguous prompts, then nested ones.
    pub masks: usize,
    /// Whether a token for the object's presence comes before the others (SAM 2).
    pub object_token: bool,
    /// Whether predicted IoUs go through a sigmoid (SAM 2).
    pub score_sigmoid: bool,
    /// Whether a token of padding ends prompts with a box too, not only those without one (SAM 2).
    pub pad_boxes: bool,
    /// Channels of the features of strides 4 and 8 that the upscaling adds (SAM 2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high_resolution: Option<[usize; 2]>,
}

/// The AIMS head.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LevelsConfig {
    /// Channels of the pixel decoder.
    pub width: usize,
    pub heads: usize,
    /// Channels of the mask features that all queries share.
    pub mask_dim: usize,
    pub context_layers: usize,
    /// Channels in which links between levels are compared.
    pub affinity_dim: usize,
    /// Channels of the mask prompt at strides 4, 8 and 16.
    pub prompt_widths: [usize; 3],
    /// What has a mask for every query. Which thing a point means is often unclear: a level may have several readings.
    pub outputs: Vec<OutputToken>,
    /// Each round asks where the masks of those before it are not; there are at most so many.
    pub rounds: usize,
    /// Queries of a round: they look at one another, and the next round looks where they found nothing.
    pub round_queries: usize,
    pub thresholds: Thresholds,
}

/// The scene head, and how scenes are made of what it says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SceneConfig {
    pub width: usize,
    pub layers: usize,
    pub heads: usize,
    /// Channels of what is known of each two candidates.
    pub pair_width: usize,
    /// Channels in which each two candidates are compared.
    pub pair_hidden: usize,
    pub limits: Limits,
    pub parts: Choice,
    pub entities: Choice,
    /// None where the head has not learnt from clicks: then the highest predicted IoU tells which answer is meant.
    pub clicks: Option<Pick>,
    /// Masks of a level in a scene, at most.
    pub most: usize,
    /// With a region as prompt: share of a candidate that must lie in it.
    pub inside: f32,
    /// Islands below this share of their mask are not part of it.
    pub speck: f32,
    /// Probability from which a part belongs to an entity.
    pub part_of: f32,
    /// Probability from which two entities are a relation.
    pub related: f32,
}

/// An output token and the level of its masks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputToken {
    pub token: String,
    pub level: Level,
}

impl Manifest {
    /// Reads the entry of a file's metadata, or its absence.
    ///
    /// # Errors
    /// [`Error::ModelVersion`] for another format or an unknown kind of encoder, [`Error::ModelCorrupt`] for anything else that is wrong.
    pub fn parse(text: Option<&String>) -> Result<Self> {
        let value: serde_json::Value =
            text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        // The version is read by itself first: another format may have another manifest.
        let found = &value["format"];
        if found.as_u64() != Some(u64::from(FORMAT_VERSION)) {
            let found = if found.is_null() {
                "no format version".to_string()
            } else {
                format!("format {found}")
            };
            return Err(Error::ModelVersion {
                found,
                expected: format!("format {FORMAT_VERSION}"),
            });
        }
        if let Some(kind) = value["encoder"]["kind"].as_str()
            && !ENCODER_KINDS.contains(&kind)
        {
            let known = ENCODER_KINDS.map(|kind| format!("'{kind}'")).join(" and ");
            return Err(Error::ModelVersion {
                found: format!("an encoder of the kind '{kind}'"),
                expected: format!("encoders of the kinds {known}"),
            });
        }
        let manifest: Self = serde_json::from_value(value).map_err(|error| {
            Error::ModelCorrupt(format!("its manifest cannot be read: {error}"))
        })?;
        manifest.description.check()?;
        Ok(manifest)
    }
}

impl Description {
    /// Whether the sizes are those of a network: nothing is computed from sizes that are absurd or contradict one another.
    ///
    /// # Errors
    /// [`Error::ModelCorrupt`] that names the entry.
    pub fn check(&self) -> Result<()> {
        let Self { input, encoder, decoder, levels, scene, .. } = self;
        let defaults = input.default.iter().flat_map(|default| [default.cpu, default.gpu]);
        let sizes = !input.sizes.is_empty()
            && input.sizes.iter().copied().chain(defaults).all(is_input_size);
        require(sizes, "input.sizes")?;
        require(input.std.iter().all(|std| std.is_normal() && *std > 0.0), "input.std")?;
        require(input.mean.iter().all(|mean| mean.is_finite()), "input.mean")?;
        match encoder {
            EncoderConfig::TinyVit(TinyVitConfig { stages: [first, rest @ ..] }) => {
                require(
                    is_count(first.channels, 4096) && is_count(first.depth, 64),
                    "encoder.stages",
                )?;
                require(rest.iter().all(Stage::is_sound), "encoder.stages")?;
            }
            EncoderConfig::Hiera(HieraConfig { stages, position_side, .. }) => {
                require(stages.iter().all(Stage::is_sound), "encoder.stages")?;
                // Queries are pooled inside windows of the stage before.
                require(
                    stages[..3].iter().all(|stage| stage.window.is_multiple_of(2)),
                    "encoder.stages",
                )?;
                require(is_count(*position_side, 64), "encoder.positionSide")?;
            }
        }
        require(
            is_split(decoder.channels, decoder.heads) && decoder.channels.is_multiple_of(64),
            "decoder.channels",
        )?;
        require(is_split(decoder.channels / 2, decoder.heads), "decoder.heads")?;
        require(
            is_count(decoder.depth, 16) && is_count(decoder.hidden, 1 << 16),
            "decoder.hidden",
        )?;
        require(is_count(decoder.masks, 16), "decoder.masks")?;
        let features = [decoder.channels / 8, decoder.channels / 4];
        require(
            decoder.high_resolution.is_none_or(|own| own == features),
            "decoder.highResolution",
        )?;
        levels.as_ref().map_or(Ok(()), LevelsConfig::check)?;
        scene.as_ref().map_or(Ok(()), SceneConfig::check)
    }

    /// Channels of one attention head, wherever there is one.
    pub fn head_channels(&self) -> Vec<usize> {
        let stages = match &self.encoder {
            EncoderConfig::TinyVit(TinyVitConfig { stages }) => &stages[1..],
            EncoderConfig::Hiera(HieraConfig { stages, .. }) => &stages[..],
        };
        let decoder = self.decoder.channels / self.decoder.heads;
        let mut all: Vec<_> =
            stages.iter().map(Stage::head_channels).chain([decoder, decoder / 2]).collect();
        all.extend(self.levels.as_ref().map(|levels| levels.width / levels.heads));
        all.extend(self.scene.as_ref().map(|scene| scene.width / scene.heads));
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Whether the network has max pooling.
    pub fn pools(&self) -> bool {
        matches!(self.encoder, EncoderConfig::Hiera(_))
    }

    /// The size of input to take when the caller does not say.
    pub fn default_input_size(&self, on_gpu: bool) -> u32 {
        let InputConfig { sizes, default, .. } = &self.input;
        default.map_or(sizes[0], |default| if on_gpu { default.gpu } else { default.cpu })
    }
}

impl EncoderConfig {
    /// Its name in the manifest.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::TinyVit(_) => ENCODER_KINDS[0],
            Self::Hiera(_) => ENCODER_KINDS[1],
        }
    }
}

impl Stage {
    pub fn head_channels(&self) -> usize {
        self.channels / self.heads
    }

    fn is_sound(&self) -> bool {
        is_split(self.channels, self.heads) && is_count(self.depth, 64) && is_count(self.window, 64)
    }
}

impl LevelsConfig {
    fn check(&self) -> Result<()> {
        require(is_split(self.width, self.heads) && self.width.is_multiple_of(8), "levels.width")?;
        require(is_count(self.mask_dim, 4096) && self.context_layers <= 64, "levels.maskDim")?;
        require(is_count(self.affinity_dim, 4096), "levels.affinityDim")?;
        require(
            self.prompt_widths.iter().all(|&width| is_count(width, 4096)),
            "levels.promptWidths",
        )?;
        let has = |level| self.outputs.iter().any(|output| output.level == level);
        let complete = [Level::Part, Level::Entity, Level::Relation].into_iter().all(has);
        require(complete && self.outputs.len() <= 16, "levels.outputs")?;
        require(is_count(self.rounds, 64) && is_count(self.round_queries, 64), "levels.rounds")
    }
}

impl SceneConfig {
    fn check(&self) -> Result<()> {
        require(is_split(self.width, self.heads) && is_count(self.layers, 64), "scene.width")?;
        require(
            is_count(self.pair_width, 1024) && is_count(self.pair_hidden, 1024),
            "scene.pairWidth",
        )?;
        require(self.limits.count <= 4096, "scene.limits")?;
        require(is_count(self.most, 4096), "scene.most")
    }
}

/// What [`is_input_size`] takes, in words.
pub const INPUT_SIZES: &str = "a multiple of 64 from 64 to 2048";

/// Whether a photo's long side may have so many pixels as input.
pub fn is_input_size(size: u32) -> bool {
    size.is_multiple_of(64) && (64..=2048).contains(&size)
}

fn is_count(count: usize, most: usize) -> bool {
    (1..=most).contains(&count)
}

/// Whether channels divide into heads of a number of channels that the kernels take.
fn is_split(channels: usize, heads: usize) -> bool {
    is_count(channels, 4096)
        && is_count(heads, 64)
        && channels.is_multiple_of(4 * heads)
        && channels / heads <= 128
}

fn require(holds: bool, entry: &str) -> Result<()> {
    if holds {
        Ok(())
    } else {
        Err(Error::ModelCorrupt(format!("the entry '{entry}' of its manifest is impossible")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAMILIES: [&str; 2] =
        [include_str!("../../models/aims-tiny.json"), include_str!("../../models/aims-base.json")];

    fn file(description: &str, change: impl Fn(&mut serde_json::Value)) -> String {
        let mut value: serde_json::Value = serde_json::from_str(description).expect("valid JSON");
        value["format"] = FORMAT_VERSION.into();
        value["precision"] = "float32".into();
        value["dataSha256"] = "".into();
        change(&mut value);
        value.to_string()
    }

    #[test]
    fn families_are_read_and_written() {
        for description in FAMILIES {
            let manifest =
                Manifest::parse(Some(&file(description, |_| ()))).expect("a sound description");
            let written = serde_json::to_string(&manifest).expect("plain data");
            assert_eq!(Manifest::parse(Some(&written)).expect("as written"), manifest);
        }
    }

    #[test]
    fn unknown_formats_and_kinds_are_told_apart_from_damage() {
        let version = |text: Option<String>| match Manifest::parse(text.as_ref()) {
            Err(Error::ModelVersion { found, .. }) => found,
            other => panic!("{other:?}"),
        };
        assert_eq!(version(None), "no format version");
        assert_eq!(
            version(Some(file(FAMILIES[0], |value| value["format"] = 3.into()))),
            "format 3"
        );
        let unknown = file(FAMILIES[1], |value| value["encoder"]["kind"] = "swin".into());
        assert_eq!(version(Some(unknown)), "an encoder of the kind 'swin'");
    }

    #[test]
    fn impossible_sizes_are_refused() {
        let changes: [fn(&mut serde_json::Value); 8] = [
            |value| value["encoder"]["stages"][1]["heads"] = 0.into(),
            |value| value["encoder"]["stages"][2]["channels"] = 1_000_000_000.into(),
            |value| value["encoder"]["stages"][3]["window"] = 0.into(),
            |value| value["decoder"]["channels"] = 250.into(),
            |value| value["decoder"]["depth"] = (-1).into(),
            |value| value["input"]["sizes"] = Vec::<u32>::new().into(),
            |value| value["input"]["std"][1] = 0.into(),
            |value| value["decoder"] = serde_json::Value::Null,
        ];
        for description in FAMILIES {
            for change in changes {
                let found = Manifest::parse(Some(&file(description, change)));
                assert!(matches!(found, Err(Error::ModelCorrupt(_))), "{found:?}");
            }
        }
        let few =
            file(FAMILIES[0], |value| value["levels"]["outputs"] = Vec::<String>::new().into());
        assert!(matches!(Manifest::parse(Some(&few)), Err(Error::ModelCorrupt(_))));
    }
}
