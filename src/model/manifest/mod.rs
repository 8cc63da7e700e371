//! The manifest of a model file: the kind and the sizes of its network, what it was made for, and
//! where it comes from.
//!
//! `models/*.json` hold the [`Description`]s of the families. `convert` writes one of them into
//! each model file, and the loaders here and in `training/aims` read it, so that no size of a
//! network is written down twice.

mod efficient_net;
mod heads;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::level::{Level, Thresholds};

pub use efficient_net::{BottleneckStage, EfficientNetConfig};
pub use heads::{SceneConfig, SemanticConfig};

/// The metadata key under which a model file has its [`Manifest`].
pub const MANIFEST_KEY: &str = "aims-web";
/// The version of the file format that this code reads and writes.
pub const FORMAT_VERSION: u32 = 4;

/// The manifest: the entry that this project adds to the metadata of a model file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// The version of the file format.
    pub format: u32,
    /// The network. Its entries stand next to those of the manifest.
    #[serde(flatten)]
    pub description: Description,
    /// The precision of the weights: `float32`, `q8-group32` or `q4-group32`.
    pub precision: String,
    /// The SHA-256 of all tensor data, in hexadecimal.
    pub data_sha256: String,
}

/// The description of a network, without its weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Description {
    /// The name of the family, such as `aims-base`.
    pub model: String,
    /// The SPDX identifier of the weights' licence.
    pub license: String,
    /// Where the weights come from.
    pub source: String,
    /// How photos are given to the network.
    pub input: InputConfig,
    /// The image encoder.
    pub encoder: EncoderConfig,
    /// A classifier whose maps the semantic head and the scene head read. If it is absent, they
    /// read only the maps of the image encoder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub efficient_net: Option<EfficientNetConfig>,
    /// The mask decoder.
    pub decoder: DecoderConfig,
    /// The AIMS head. It is absent if the network has not learnt the levels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub levels: Option<LevelsConfig>,
    /// The scene head. If it is absent, rules make the scenes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scene: Option<SceneConfig>,
    /// The semantic head. If it is absent, the candidates are the masks of queries alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub semantic: Option<SemanticConfig>,
}

/// How photos are given to the network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InputConfig {
    /// The input sizes that the network is made for: long sides in pixels.
    pub sizes: Vec<u32>,
    /// The input sizes to use if the caller does not choose one. If they are absent, the first of
    /// `sizes` is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<DefaultSizes>,
    /// Whether a photo is padded to a square, and not only to multiples of 64 pixels.
    #[serde(default)]
    pub square: bool,
    /// The mean of the training photos, RGB, 0 to 255.
    pub mean: [f32; 3],
    /// The standard deviation of the training photos, RGB, 0 to 255.
    pub std: [f32; 3],
}

/// The default input sizes, long sides in pixels, by the device that the network runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefaultSizes {
    /// The input size on the CPU.
    pub cpu: u32,
    /// The input size on a GPU.
    pub gpu: u32,
}

/// The image encoder. The entry `kind` says which one it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum EncoderConfig {
    /// MobileSAM's encoder.
    TinyVit(TinyVitConfig),
    /// SAM 2's encoder.
    Hiera(HieraConfig),
}

/// The names of the encoders that this code has, in the order of [`EncoderConfig`].
const ENCODER_KINDS: [&str; 2] = ["tiny-vit", "hiera"];

/// The sizes of TinyViT. Its first stage is convolutional and has no heads and no window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TinyVitConfig {
    /// The stages, from the finest resolution to the coarsest.
    pub stages: [Stage; 4],
}

/// The sizes of Hiera, the trunk of SAM 2's image encoder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HieraConfig {
    /// The stages, from the finest resolution to the coarsest.
    pub stages: [Stage; 4],
    /// The blocks whose attention sees the whole image, counted through all stages from 0.
    pub global_blocks: Vec<usize>,
    /// The side of the grid of positional encodings that is scaled to the input.
    pub position_side: usize,
}

/// A stage of an image encoder: blocks of one resolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// The number of channels of the stage's map.
    pub channels: usize,
    /// The number of blocks.
    pub depth: usize,
    /// The number of attention heads in a block.
    #[serde(default)]
    pub heads: usize,
    /// The side of the attention's windows, in positions of the map.
    #[serde(default)]
    pub window: usize,
}

/// The sizes of SAM's mask decoder or SAM 2's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DecoderConfig {
    /// The number of channels of the image embedding and of all tokens.
    pub channels: usize,
    /// The number of attention heads.
    pub heads: usize,
    /// The number of two-way blocks.
    pub depth: usize,
    /// The number of channels inside the feed-forward layers.
    pub hidden: usize,
    /// The number of masks for each prompt: one for unambiguous prompts, and the others for nested
    /// alternatives.
    pub masks: usize,
    /// Whether a token for the presence of the object comes before the others (SAM 2).
    pub object_token: bool,
    /// Whether predicted IoUs go through a sigmoid (SAM 2).
    pub score_sigmoid: bool,
    /// Whether a padding token ends all prompts (SAM 2), and not only those without a box.
    pub pad_boxes: bool,
    /// The numbers of channels of the features of strides 4 and 8 that the upscaling adds (SAM 2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high_resolution: Option<[usize; 2]>,
}

/// The sizes and thresholds of the AIMS head.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LevelsConfig {
    /// The number of channels of the pixel decoder.
    pub width: usize,
    /// The number of attention heads of the pixel decoder.
    pub heads: usize,
    /// The number of channels of the mask features that all queries share.
    pub mask_dim: usize,
    /// The number of self-attention layers of the pixel decoder.
    pub context_layers: usize,
    /// The number of channels in which masks are compared to predict their links.
    pub affinity_dim: usize,
    /// The numbers of channels of the mask prompt at strides 4, 8 and 16.
    pub prompt_widths: [usize; 3],
    /// The output tokens, each of which has a mask for every query. A level may have several of
    /// them, because it is often unclear which thing a point means.
    pub outputs: Vec<OutputToken>,
    /// The largest number of rounds. Each round selects queries where the masks of earlier rounds
    /// do not lie.
    pub rounds: usize,
    /// The number of queries in a round, which are selected and decoded together.
    pub round_queries: usize,
    /// The thresholds for queries, masks and links.
    pub thresholds: Thresholds,
}

/// An output token of the level decoders, and the level of its masks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputToken {
    /// The name of the token, which is also part of the names of its tensors.
    pub token: String,
    /// The level of its masks.
    pub level: Level,
}

impl Manifest {
    /// Reads the manifest from the entry of a file's metadata. `None` means that the file has no
    /// such entry.
    ///
    /// # Errors
    /// [`Error::ModelVersion`] for another format or an unknown kind of encoder,
    /// [`Error::ModelCorrupt`] for anything else that is wrong.
    pub fn parse(text: Option<&String>) -> Result<Self> {
        let value: serde_json::Value =
            text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        // The version is read first and by itself, because another format may have another
        // manifest.
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
    /// Checks that a network can have these sizes. Nothing is computed from sizes that are absurd
    /// or contradict one another.
    ///
    /// # Errors
    /// [`Error::ModelCorrupt`], which names the entry.
    pub fn check(&self) -> Result<()> {
        let Self { input, encoder, efficient_net, decoder, levels, scene, semantic, .. } = self;
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
        efficient_net.as_ref().map_or(Ok(()), EfficientNetConfig::check)?;
        require(
            is_split(decoder.channels, decoder.heads) && decoder.channels.is_multiple_of(64),
            "decoder.channels",
        )?;
        require(is_split(decoder.channels / 2, decoder.heads), "decoder.heads")?;
        require(is_count(decoder.depth, 16), "decoder.depth")?;
        require(is_count(decoder.hidden, 1 << 16), "decoder.hidden")?;
        require(is_count(decoder.masks, 16), "decoder.masks")?;
        let features = [decoder.channels / 8, decoder.channels / 4];
        require(
            decoder.high_resolution.is_none_or(|own| own == features),
            "decoder.highResolution",
        )?;
        levels.as_ref().map_or(Ok(()), LevelsConfig::check)?;
        scene.as_ref().map_or(Ok(()), SceneConfig::check)?;
        // The semantic head reads maps of four resolutions.
        let is_hiera = matches!(encoder, EncoderConfig::Hiera(_));
        require(is_hiera || semantic.is_none(), "semantic")?;
        semantic.as_ref().map_or(Ok(()), SemanticConfig::check)
    }

    /// The numbers of channels per attention head that occur in the network, in ascending order.
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

    /// The input size to use if the caller does not choose one: the long side in pixels.
    pub fn default_input_size(&self, on_gpu: bool) -> u32 {
        let InputConfig { sizes, default, .. } = &self.input;
        default.map_or(sizes[0], |default| if on_gpu { default.gpu } else { default.cpu })
    }
}

impl EncoderConfig {
    /// The name of the encoder in the manifest.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::TinyVit(_) => ENCODER_KINDS[0],
            Self::Hiera(_) => ENCODER_KINDS[1],
        }
    }
}

impl Stage {
    /// The number of channels of one attention head.
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
        require(is_count(self.mask_dim, 4096), "levels.maskDim")?;
        require(self.context_layers <= 64, "levels.contextLayers")?;
        require(is_count(self.affinity_dim, 4096), "levels.affinityDim")?;
        require(
            self.prompt_widths.iter().all(|&width| is_count(width, 4096)),
            "levels.promptWidths",
        )?;
        let has = |level| self.outputs.iter().any(|output| output.level == level);
        let complete = [Level::Part, Level::Entity, Level::Relation].into_iter().all(has);
        require(complete && self.outputs.len() <= 16, "levels.outputs")?;
        require(is_count(self.rounds, 64), "levels.rounds")?;
        require(is_count(self.round_queries, 64), "levels.roundQueries")
    }
}

/// The sizes that [`is_input_size`] accepts, in words.
pub const INPUT_SIZES: &str = "a multiple of 64 from 64 to 2048";

/// Whether an input may have a long side of `size` pixels.
pub fn is_input_size(size: u32) -> bool {
    size.is_multiple_of(64) && (64..=2048).contains(&size)
}

fn is_count(count: usize, most: usize) -> bool {
    (1..=most).contains(&count)
}

/// Whether the channels can be divided into heads whose number of channels the kernels accept.
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
        Err(Error::ModelCorrupt(format!("its manifest has an impossible value for '{entry}'")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAMILIES: [&str; 2] = [
        include_str!("../../../models/aims-tiny.json"),
        include_str!("../../../models/aims-base.json"),
    ];

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
                Manifest::parse(Some(&file(description, |_| ()))).expect("a valid description");
            let written = serde_json::to_string(&manifest).expect("serialisable data");
            assert_eq!(Manifest::parse(Some(&written)).expect("a valid manifest"), manifest);
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
