//! The AIMS model: on top of the shared image encoder a pixel decoder, one query decoder for each level, mask prompts that
//! are added to the features, and affinities that link the levels.
//!
//! The shape follows *All-Inclusive Multi-Level Segmentation* (NeurIPS 2023), of which neither code nor weights nor the
//! inner structure were published: that is this project's own, as is the training (`training/`, whose PyTorch modules have
//! the same names and shapes).

mod decoder;
mod pixel_decoder;
mod prompt_encoder;
mod proposals;

use burn::tensor::{Device, Shape, Tensor, TensorData};

use super::layers::{LayerNorm, Linear, Mlp};
use super::tiny_vit::ImageFeatures;
use super::weights::Weights;
use crate::error::Result;
use crate::ops::{self, Activation};
use crate::progress::Progress;
use decoder::{Complementarity, LevelDecoder, Queries, outside_bias};
use pixel_decoder::PixelDecoder;
use prompt_encoder::MaskPromptEncoder;

/// Sizes; `training/aims/config.py` has the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AimsConfig {
    pub width: usize,
    pub heads: usize,
    /// Channels of kernels and mask features.
    pub mask_dim: usize,
    pub context_layers: usize,
    pub decoder_layers: usize,
    /// Of parts, entities and relations.
    pub queries: [usize; 3],
}

impl AimsConfig {
    pub const TINY: Self = Self {
        width: 160,
        heads: 5,
        mask_dim: 64,
        context_layers: 2,
        decoder_layers: 2,
        queries: [100, 100, 50],
    };
}

/// The levels in the order of all arrays here.
const LEVELS: [&str; 3] = ["part", "entity", "relation"];
const PART: usize = 0;
const ENTITY: usize = 1;
const RELATION: usize = 2;

/// Channels of the affinities' projections.
const LINK_DIM: usize = 64;

/// What the queries of one level say, after the last layer.
pub struct LevelOutput {
    /// `[1, queries, S / 4 · S / 4]`; above zero is inside.
    pub logits: Tensor<3>,
    /// `[1, queries]`, a logit: whether there is such a mask.
    pub score: Tensor<2>,
    /// `[1, queries]`, the logit of the predicted IoU.
    pub quality: Tensor<2>,
}

pub struct AimsOutput {
    /// Parts, entities, relations.
    pub levels: [LevelOutput; 3],
    /// Logits of links, `[1, entities, parts]`.
    pub entity_part: Tensor<3>,
    /// `[1, relations, entities]`.
    pub relation_entity: Tensor<3>,
}

pub struct Aims {
    config: AimsConfig,
    pixel_decoder: PixelDecoder,
    prompt_encoder: MaskPromptEncoder,
    decoders: Vec<LevelDecoder>,
    complementarity: Vec<Complementarity>,
    entity_part: Affinity,
    relation_entity: Affinity,
}

impl Aims {
    /// # Errors
    /// [`crate::Error::ModelCorrupt`] if a tensor is missing or has another shape.
    pub fn load(weights: &Weights, name: &str, config: AimsConfig) -> Result<Self> {
        Ok(Self {
            pixel_decoder: PixelDecoder::load(weights, &format!("{name}.pixel_decoder"), &config)?,
            prompt_encoder: MaskPromptEncoder::load(weights, &format!("{name}.prompt_encoder"), &config)?,
            decoders: LEVELS
                .iter()
                .map(|level| LevelDecoder::load(weights, &format!("{name}.decoders.{level}"), &config))
                .collect::<Result<_>>()?,
            complementarity: (0..config.decoder_layers - 1)
                .map(|i| Complementarity::load(weights, &format!("{name}.complementarity.{i}"), &config))
                .collect::<Result<_>>()?,
            entity_part: Affinity::load(weights, &format!("{name}.association.entity_part"), &config)?,
            relation_entity: Affinity::load(
                weights,
                &format!("{name}.association.relation_entity"),
                &config,
            )?,
            config,
        })
    }

    /// All three levels of an encoded image. `prompt` is `[1, S, S, 1]` of 0 and 1; the full image is no prompt.
    ///
    /// # Errors
    /// [`crate::Error::Aborted`] from `progress`, [`crate::Error::DeviceLost`].
    pub async fn forward(
        &self,
        features: &ImageFeatures,
        prompt: Option<Tensor<4>>,
        progress: &Progress<'_>,
    ) -> Result<AimsOutput> {
        // The pixel decoder, the proposals, and each layer of each decoder: a step each.
        let steps = (2 + self.config.decoder_layers * LEVELS.len()) as f32;
        progress.checkpoint(0.0).await?;
        let added = prompt.map(|mask| self.prompt_encoder.forward(mask));
        let maps = self.pixel_decoder.forward(features, added);
        ops::wait(&maps.stride4).await?;
        progress.checkpoint(1.0 / steps).await?;
        let flat = |map: &Tensor<4>| {
            let [_, height, side, width] = map.dims();
            let tokens = map.clone().reshape([1, height * side, width]);
            (tokens, positions(height, side, width, &map.device()))
        };
        let [_, height, side, _] = maps.stride8.dims();
        let (tokens, places) = flat(&maps.stride8);

        let mut queries = Vec::new();
        let mut predictions = Vec::new();
        for (decoder, &count) in self.decoders.iter().zip(&self.config.queries) {
            let proposals = decoder.proposals.forward(tokens.clone(), places.clone());
            let chosen = proposals::hottest(&ops::read(proposals.heat).await?, side, count);
            let chosen_queries = Queries::choose(proposals.queries, &chosen, height, side);
            predictions.push(decoder.head.forward(&chosen_queries.content));
            queries.push(chosen_queries);
        }

        // Coarse tokens first, then fine ones.
        let (coarse, coarse_places) = flat(&maps.stride16);
        let sources = [(coarse, coarse_places, 4), (tokens, places, 2)]
            .map(|(tokens, places, stride)| (tokens.clone(), tokens + places, stride));
        let mut done = 2.0;
        for i in 0..self.config.decoder_layers {
            let (tokens, placed, stride) = &sources[i % 2];
            for (level, decoder) in self.decoders.iter().enumerate() {
                progress.checkpoint(done / steps).await?;
                done += 1.0;
                let bias = outside_bias(predictions[level].kernels.clone(), &maps.stride4, *stride);
                let layer = &decoder.layers[i];
                queries[level].content = layer.forward(&queries[level], tokens.clone(), placed.clone(), bias);
            }
            if let Some(complementarity) = self.complementarity.get(i) {
                complementarity.forward(&mut queries);
            }
            for (level, decoder) in self.decoders.iter().enumerate() {
                predictions[level] = decoder.head.forward(&queries[level].content);
            }
        }

        let [_, rows, cols, channels] = maps.stride4.dims();
        let mask_features = maps.stride4.reshape([1, rows * cols, channels]);
        let said = |level: usize| self.decoders[level].head.normed(&queries[level].content);
        let entity_part = self.entity_part.forward(said(ENTITY), said(PART));
        let relation_entity = self.relation_entity.forward(said(RELATION), said(ENTITY));
        let mut levels = predictions.into_iter().map(|prediction| LevelOutput {
            logits: ops::matmul_transposed(prediction.kernels, mask_features.clone()),
            score: prediction.score,
            quality: prediction.quality,
        });
        let mut next = || levels.next().expect("a prediction for each level");
        Ok(AimsOutput { levels: [next(), next(), next()], entity_part, relation_entity })
    }
}

/// Logits of the links between the queries of a coarse level and those of a fine one.
struct Affinity {
    coarse: Linear,
    fine: Linear,
    bias: Tensor<1>,
}

impl Affinity {
    fn load(weights: &Weights, name: &str, config: &AimsConfig) -> Result<Self> {
        Ok(Self {
            coarse: Linear::load(weights, &format!("{name}.coarse"), config.width, LINK_DIM)?,
            fine: Linear::load(weights, &format!("{name}.fine"), config.width, LINK_DIM)?,
            bias: weights.float(&format!("{name}.bias"), [1])?,
        })
    }

    fn forward(&self, coarse: Tensor<3>, fine: Tensor<3>) -> Tensor<3> {
        let coarse = self.coarse.forward(coarse, Activation::None);
        let fine = self.fine.forward(fine, Activation::None);
        ops::matmul_transposed(coarse, fine) * (LINK_DIM as f32).sqrt().recip()
            + self.bias.clone().reshape([1, 1, 1])
    }
}

/// Multi-head attention with projections.
struct Attention {
    q: Linear,
    k: Linear,
    v: Linear,
    out: Linear,
    heads: usize,
}

impl Attention {
    fn load(weights: &Weights, name: &str, config: &AimsConfig) -> Result<Self> {
        let linear =
            |part: &str| Linear::load(weights, &format!("{name}.{part}"), config.width, config.width);
        Ok(Self {
            q: linear("q_proj")?,
            k: linear("k_proj")?,
            v: linear("v_proj")?,
            out: linear("out_proj")?,
            heads: config.heads,
        })
    }

    /// The residual is added to the result.
    fn forward_add(
        &self,
        q: Tensor<3>,
        k: Tensor<3>,
        v: Tensor<3>,
        bias: Option<Tensor<2>>,
        residual: Tensor<3>,
    ) -> Tensor<3> {
        let q = self.q.forward(q, Activation::None);
        let k = self.k.forward(k, Activation::None);
        let v = self.v.forward(v, Activation::None);
        let mixed = match bias {
            Some(bias) => ops::biased_attention(q, k, v, bias, self.heads),
            None => ops::attention(q, k, v, self.heads),
        };
        self.out.forward_add(mixed, residual, Activation::None)
    }
}

/// Codes of all positions of a map, `[1, height * side, channels]`: half of the channels for y, half for x.
fn positions(height: usize, side: usize, channels: usize, device: &Device) -> Tensor<3> {
    let data = position_codes(height, side, channels, 0..height * side);
    Tensor::from_data(TensorData::new(data, Shape::new([1, height * side, channels])), device)
}

/// The rows of [`positions`] that belong to some tokens.
fn position_codes(
    height: usize,
    side: usize,
    channels: usize,
    tokens: impl IntoIterator<Item = usize>,
) -> Vec<f32> {
    let half = channels / 2;
    let (rows, columns) = (axis_codes(height, half), axis_codes(side, half));
    let code = |token: usize| {
        let (y, x) = (token / side, token % side);
        [&rows[y * half..][..half], &columns[x * half..][..half]].concat()
    };
    tokens.into_iter().flat_map(code).collect()
}

/// Codes of the places along one axis, row-major `[size, channels]`: sines, then cosines; the fastest has eight waves,
/// the slowest a hundredth of that.
fn axis_codes(size: usize, channels: usize) -> Vec<f32> {
    const WAVES: f32 = 8.0;
    const SLOWEST: f32 = 100.0;
    let half = channels / 2;
    let frequencies: Vec<f32> = (0..half).map(|i| SLOWEST.powf(-(i as f32) / half as f32)).collect();
    let mut codes = Vec::with_capacity(size * channels);
    for at in 0..size {
        let angle = (at as f32 + 0.5) / size as f32 * std::f32::consts::TAU * WAVES;
        codes.extend(frequencies.iter().map(|frequency| (angle * frequency).sin()));
        codes.extend(frequencies.iter().map(|frequency| (angle * frequency).cos()));
    }
    codes
}
