//! The AIMS model: on top of the shared image encoder a pixel decoder, level decoders around the hottest places of the
//! image, mask prompts that are added to the features, and affinities that link the levels.
//!
//! The shape follows *All-Inclusive Multi-Level Segmentation* (NeurIPS 2023), of which neither code nor weights nor the
//! inner structure were published: that is this project's own, as is the training (`training/`, whose PyTorch modules have
//! the same names and shapes).

mod decoder;
mod pixel_decoder;
mod prompt_encoder;
mod proposals;

use std::rc::Rc;

use burn::tensor::{Device, Tensor};

use super::layers::{LayerNorm, Linear, Mlp};
use super::prompt_encoder::PromptEncoder;
use super::tiny_vit::ImageFeatures;
use super::weights::Weights;
use crate::error::Result;
use crate::levels::Level;
use crate::ops::profile::layer;
use crate::ops::{self, Activation, CoverSpec};
use crate::progress::Progress;
use decoder::{Affinity, Decoded, Decoder, prompt_tensor};
use pixel_decoder::PixelDecoder;
use prompt_encoder::MaskPromptEncoder;
use proposals::{Proposals, closed};

/// Sizes; `training/aims/config.py` has the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AimsConfig {
    /// Channels of the pixel decoder.
    pub width: usize,
    pub heads: usize,
    /// Channels of the mask features that all queries share.
    pub mask_dim: usize,
    pub context_layers: usize,
}

impl AimsConfig {
    pub const TINY: Self = Self { width: 160, heads: 5, mask_dim: 64, context_layers: 1 };
}

/// The levels in the order of all arrays here.
const LEVELS: [&str; 3] = ["part", "entity", "relation"];
const PART: usize = 0;
const ENTITY: usize = 1;
const RELATION: usize = 2;
/// What has a mask for every query, and the level of that mask. Which thing a point means is often unclear: entities have
/// two readings, a large and a small one.
const OUTPUT_TOKENS: [(&str, usize); 4] =
    [("part", PART), ("entity", ENTITY), ("relation", RELATION), ("small_entity", ENTITY)];

/// Each round asks where the masks of those before it are not; there are at most so many.
const ROUNDS: usize = 6;
/// Queries of a round: they look at one another, and the next round looks where they found nothing.
const ROUND_QUERIES: usize = 8;
/// Masks of this confidence cover their places: queries of later rounds go elsewhere.
const COVERS: f32 = 0.4;
/// After the first round: where all that is left is colder, nothing is.
const MIN_HEAT: f32 = -2.0;
/// What is taken from a covered place's heat: it comes after all that are free.
const COVERED: f32 = 20.0;

/// What the queries say of one level: of each round a mask for each query, and of entities then the queries' small readings.
#[derive(Clone, Debug, Default)]
pub struct LevelOutput {
    /// By mask, row-major `[S / 4, S / 4]` logits; above zero is inside.
    pub masks: Vec<Vec<f32>>,
    /// By mask, a logit: whether there is such a mask.
    pub score: Vec<f32>,
    /// By mask, the logit of the predicted IoU.
    pub quality: Vec<f32>,
}

impl LevelOutput {
    /// The geometric mean of a mask's score and its predicted IoU, 0 to 1.
    pub fn confidence(&self, index: usize) -> f32 {
        (sigmoid(self.score[index]) * sigmoid(self.quality[index])).sqrt()
    }

    /// As [`Self::confidence`], but the predicted IoU counts twice, 0 to 1: where masks compete it tells more than the score.
    pub fn mask_score(&self, index: usize) -> f32 {
        sigmoid(self.score[index]).sqrt() * sigmoid(self.quality[index])
    }
}

pub struct AimsOutput {
    /// Parts, entities, relations.
    pub levels: [LevelOutput; 3],
    /// Logits of links between their masks: of entities to parts, row-major `[entities, parts]`.
    pub entity_part: Vec<f32>,
    /// Of relations to entities, row-major `[relations, entities]`.
    pub relation_entity: Vec<f32>,
}

pub struct Aims {
    pixel_decoder: PixelDecoder,
    prompt_encoder: MaskPromptEncoder,
    /// By level.
    proposals: Vec<Proposals>,
    decoder: Decoder,
    entity_part: Affinity,
    relation_entity: Affinity,
}

impl Aims {
    /// `points` is SAM's prompt encoder.
    ///
    /// # Errors
    /// [`crate::Error::ModelCorrupt`] if a tensor is missing or has another shape.
    pub fn load(
        weights: &Weights,
        name: &str,
        points: Rc<PromptEncoder>,
        config: AimsConfig,
    ) -> Result<Self> {
        let proposals =
            |level: &&str| Proposals::load(weights, &format!("{name}.decoders.{level}.proposals"), &config);
        Ok(Self {
            pixel_decoder: PixelDecoder::load(weights, &format!("{name}.pixel_decoder"), &config)?,
            prompt_encoder: MaskPromptEncoder::load(weights, &format!("{name}.prompt_encoder"), &config)?,
            proposals: LEVELS.iter().map(proposals).collect::<Result<_>>()?,
            decoder: Decoder::load(weights, name, points, &config)?,
            entity_part: Affinity::load(weights, &format!("{name}.association.entity_part"))?,
            relation_entity: Affinity::load(weights, &format!("{name}.association.relation_entity"))?,
        })
    }

    /// All three levels of an encoded image. `prompt` holds 0 and 1 for each pixel of the input, rows from the top; the full
    /// image is no prompt. Queries are at the hottest places of the levels that are `sought`; each gives masks of all levels.
    ///
    /// # Errors
    /// [`crate::Error::Aborted`] from `progress`, [`crate::Error::DeviceLost`].
    pub async fn forward(
        &self,
        features: &ImageFeatures,
        prompt: Option<&[f32]>,
        sought: &[Level],
        progress: &Progress<'_>,
    ) -> Result<AimsOutput> {
        let _named = layer("AIMS head");
        progress.checkpoint(0.0).await?;
        let added = prompt.map(|mask| self.prompt_encoder.forward(prompt_tensor(mask, &features.embedding)));
        let maps = self.pixel_decoder.forward(features, added);
        let device = features.embedding.device();
        let sought: Vec<_> = sought.iter().map(|&level| index(level)).collect();
        let [_, side, _, _] = maps.stride8.dims();
        let original = sought.iter().map(|&level| self.proposals[level].forward(maps.stride8.clone()));
        let original = ops::reshape(ops::cat(original.collect(), 0), [sought.len(), side * side]);
        let closed = ops::tensor(closed(prompt, side), [side * side], &device);
        let seen = self.decoder.see(&features.embedding, maps);

        // About the pixel decoder's share of the time.
        const PIXEL_DECODER: f32 = 0.15;
        let rest = progress.piece(PIXEL_DECODER, 1.0);
        let mut heat = original.clone();
        let mut rounds: Vec<Round> = Vec::new();
        for round in 0..ROUNDS {
            rest.checkpoint(round as f32 / ROUNDS as f32).await?;
            let earlier: Vec<_> =
                rounds.iter().map(|round| ops::slice(&round.chosen, 0, 0..ROUND_QUERIES)).collect();
            let earlier = (round > 0).then(|| ops::cat(earlier, 0));
            let chosen =
                ops::choose_places(original.clone(), heat.clone(), closed.clone(), earlier, ROUND_QUERIES);
            // A GPU has not got so far yet: it goes on, and what comes of cold rounds is dropped.
            if ops::at_hand(&chosen).is_some_and(|chosen| is_cold(round, &chosen)) {
                break;
            }
            let decoded = self.decoder.ask(&seen, &chosen);
            let (logits, judged) = (decoded.logits.clone(), decoded.judged.clone());
            heat = ops::cover(heat, logits, judged, covering(&sought, side));
            rounds.push(Round { chosen, decoded });
            ops::pace(&device).await?;
        }
        self.collect(rounds).await
    }

    /// Reads what all rounds say, at once.
    async fn collect(&self, rounds: Vec<Round>) -> Result<AimsOutput> {
        let tokens = |level: usize| {
            let said = rounds.iter().flat_map(|round| {
                let outputs = OUTPUT_TOKENS.iter().zip(&round.decoded.tokens);
                outputs.filter(move |((_, own), _)| *own == level).map(|(_, token)| token.clone())
            });
            let masks = ops::cat(said.collect(), 0);
            let [count, _, channels] = masks.dims();
            ops::reshape(masks, [1, count, channels])
        };
        let [part, entity, relation] = [PART, ENTITY, RELATION].map(tokens);
        let entity_part = self.entity_part.forward(entity.clone(), part);
        let relation_entity = self.relation_entity.forward(relation, entity);
        let mut wanted = vec![ops::flattened(entity_part), ops::flattened(relation_entity)];
        for Round { chosen, decoded: Decoded { logits, judged, .. } } in &rounds {
            wanted.extend([chosen.clone(), ops::flattened(logits.clone()), ops::flattened(judged.clone())]);
        }
        let count = rounds.len();
        drop(rounds);
        let mut read = ops::read_all(wanted).await?.into_iter();
        let mut next = || read.next().expect("as many as asked for");
        let (entity_part, relation_entity) = (next(), next());
        let mut levels: [LevelOutput; 3] = Default::default();
        for round in 0..count {
            let (chosen, logits, judged) = (next(), next(), next());
            if is_cold(round, &chosen) {
                break;
            }
            let outputs = OUTPUT_TOKENS.len();
            for (i, (_, level)) in OUTPUT_TOKENS.into_iter().enumerate() {
                let masks = logits.chunks(logits.len() / outputs / ROUND_QUERIES).skip(i).step_by(outputs);
                let column = |i: usize| judged.iter().skip(i).step_by(2 * outputs);
                levels[level].masks.extend(masks.map(<[f32]>::to_vec));
                levels[level].score.extend(column(i));
                levels[level].quality.extend(column(outputs + i));
            }
        }
        let masks = |level: usize| levels[level].score.len();
        let of_all = |level: usize| {
            OUTPUT_TOKENS.iter().filter(|(_, own)| *own == level).count() * count * ROUND_QUERIES
        };
        let corner = |links: Vec<f32>, coarse: usize, fine: usize| {
            let rows = links.chunks(of_all(fine)).take(masks(coarse));
            rows.flat_map(|row| &row[..masks(fine)]).copied().collect()
        };
        Ok(AimsOutput {
            entity_part: corner(entity_part, ENTITY, PART),
            relation_entity: corner(relation_entity, RELATION, ENTITY),
            levels,
        })
    }
}

/// Queries that are chosen together, and what they say.
struct Round {
    /// Their places, then the heat of the hottest, `[queries + 1]`.
    chosen: Tensor<1>,
    decoded: Decoded,
}

/// Whether nothing is left to look for.
fn is_cold(round: usize, chosen: &[f32]) -> bool {
    round > 0 && chosen[ROUND_QUERIES] < MIN_HEAT
}

/// How a round's masks cover the places of the levels that are sought.
fn covering(sought: &[usize], side: usize) -> CoverSpec {
    let mut outputs_of = [0; 4];
    for (bits, level) in outputs_of.iter_mut().zip(sought) {
        let outputs = OUTPUT_TOKENS.iter().enumerate().filter(|(_, (_, own))| own == level);
        *bits = outputs.map(|(i, _)| 1 << i).sum();
    }
    CoverSpec {
        levels: sought.len(),
        side,
        queries: ROUND_QUERIES,
        outputs: OUTPUT_TOKENS.len(),
        outputs_of,
        confidence: COVERS,
        covered: COVERED,
    }
}

fn index(level: Level) -> usize {
    match level {
        Level::Part => PART,
        Level::Entity => ENTITY,
        Level::Relation => RELATION,
    }
}

/// The logistic function.
pub fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
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
    /// `widths` are those outside and inside.
    fn load(weights: &Weights, name: &str, [width, inner]: [usize; 2], heads: usize) -> Result<Self> {
        let input = |part: &str| Linear::load(weights, &format!("{name}.{part}"), width, inner);
        Ok(Self {
            q: input("q_proj")?,
            k: input("k_proj")?,
            v: input("v_proj")?,
            out: Linear::load(weights, &format!("{name}.out_proj"), inner, width)?,
            heads,
        })
    }

    /// The residual is added to the result.
    fn forward_add(&self, q: Tensor<3>, k: Tensor<3>, v: Tensor<3>, residual: Tensor<3>) -> Tensor<3> {
        let q = self.q.forward(q, Activation::None);
        let k = self.k.forward(k, Activation::None);
        let v = self.v.forward(v, Activation::None);
        self.out.forward_add(ops::attention(q, k, v, self.heads), residual, Activation::None)
    }
}

/// Codes of all positions of a map, `[1, height * side, channels]`: half of the channels for y, half for x.
fn positions(height: usize, side: usize, channels: usize, device: &Device) -> Tensor<3> {
    let half = channels / 2;
    let (rows, columns) = (axis_codes(height, half), axis_codes(side, half));
    let code = |y: usize, x: usize| [&rows[y * half..][..half], &columns[x * half..][..half]].concat();
    let data: Vec<f32> = (0..height).flat_map(|y| (0..side).flat_map(move |x| code(y, x))).collect();
    ops::tensor(data, [1, height * side, channels], device)
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
