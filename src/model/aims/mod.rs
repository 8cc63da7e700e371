//! The AIMS head: on top of the image encoder it has a pixel decoder, level decoders for queries at
//! the positions of highest objectness, mask prompts that are added to the features, and affinities
//! that link the levels.
//!
//! It follows the shape of *All-Inclusive Multi-Level Segmentation* (NeurIPS 2023). Neither the
//! code nor the weights nor the inner structure of that work were published. The inner structure
//! here is this project's own, and so is the training (`training/`, whose PyTorch modules have the
//! same names and shapes).

mod decoder;
mod objectness;
mod pixel_decoder;
mod prompt_encoder;
mod side_decoder;

use std::rc::Rc;

use super::encoder::ImageFeatures;
use super::layers::{LayerNorm, Linear, Mlp};
use super::manifest::LevelsConfig;
use super::mask_decoder::MaskDecoder;
use super::prompt_encoder::PromptEncoder;
use super::sigmoid;
use super::weights::Weights;
use crate::error::Result;
use crate::level::Level;
use crate::ops::profile::layer;
use crate::ops::{self, Device, Suppress, Tensor};
use crate::progress::Progress;
use decoder::{Affinity, Decoded, Decoder, prompt_tensor};
use objectness::{Objectness, excluded};
use pixel_decoder::{Maps, PixelDecoder};
use prompt_encoder::MaskPromptEncoder;
use side_decoder::SideDecoder;

/// The levels, in the order of all arrays here.
const LEVELS: [Level; 3] = [Level::Part, Level::Entity, Level::Relation];
const PART: usize = 0;
const ENTITY: usize = 1;
const RELATION: usize = 2;

/// The masks of one level. Each round adds a mask for each query; at the level of entities, the
/// small readings of all queries follow.
#[derive(Clone, Debug, Default)]
pub struct LevelOutput {
    /// The logits of each mask, row-major `[height / 4, width / 4]`. Above zero is inside.
    pub masks: Vec<Vec<f32>>,
    /// The logit of each mask's score: how likely it is that there is such a mask.
    pub score: Vec<f32>,
    /// The logit of each mask's predicted IoU.
    pub predicted_iou: Vec<f32>,
    /// For each mask, the index of the output token in the manifest that it comes from, and the
    /// values of this token after the decoder.
    pub tokens: Vec<(usize, Vec<f32>)>,
}

impl LevelOutput {
    /// The geometric mean of a mask's score and its predicted IoU, 0 to 1.
    pub fn confidence(&self, index: usize) -> f32 {
        (sigmoid(self.score[index]) * sigmoid(self.predicted_iou[index])).sqrt()
    }

    /// The same as [`Self::confidence`], but the predicted IoU counts twice, 0 to 1: when masks
    /// compete, it says more than the score.
    pub fn mask_score(&self, index: usize) -> f32 {
        sigmoid(self.score[index]).sqrt() * sigmoid(self.predicted_iou[index])
    }
}

/// The output of the AIMS head for a photo.
#[derive(Debug, Default)]
pub struct AimsOutput {
    /// The masks of parts, entities and relations, in this order.
    pub levels: [LevelOutput; 3],
    /// SAM's own nested masks, if the level decoders run next to SAM's mask decoder. Their output
    /// tokens are numbered after those of the levels.
    pub nested: LevelOutput,
    /// The logits of the links between entities and parts, row-major `[entities, parts]`. Empty if
    /// the level decoders do not predict links.
    pub entity_part: Vec<f32>,
    /// The logits of the links between relations and entities, row-major `[relations, entities]`.
    /// Empty in the same case.
    pub relation_entity: Vec<f32>,
}

impl AimsOutput {
    fn is_empty(&self) -> bool {
        self.levels.iter().all(|level| level.score.is_empty())
    }
}

/// The AIMS head with its weights.
pub struct Aims {
    pixel_decoder: PixelDecoder,
    prompt_encoder: MaskPromptEncoder,
    /// The objectness of each level, in the order of [`LEVELS`].
    objectness: Vec<Objectness>,
    decoder: LevelDecoder,
    config: LevelsConfig,
}

/// The level decoders, of either kind.
enum LevelDecoder {
    /// A decoder of their own, which also predicts the links (`aims-tiny`).
    Own { decoder: Box<Decoder>, association: Box<Association> },
    /// The side decoder of SAM 2's mask decoder (`aims-base`). The scene head says what belongs
    /// together.
    Side(Box<SideDecoder>),
}

/// Predicts the links between levels.
struct Association {
    entity_part: Affinity,
    relation_entity: Affinity,
}

/// What the level decoders of either kind compute once for all queries on an image.
enum PreparedImage {
    Own(Box<decoder::PreparedImage>),
    Side(Box<side_decoder::PreparedImage>),
}

impl LevelDecoder {
    fn prepare(&self, features: &ImageFeatures, maps: Maps) -> PreparedImage {
        match self {
            Self::Own { decoder, .. } => {
                PreparedImage::Own(Box::new(decoder.prepare(&features.embedding, maps)))
            }
            Self::Side(side) => PreparedImage::Side(Box::new(side.prepare(features, maps))),
        }
    }

    fn decode(&self, prepared: &PreparedImage, chosen: &Tensor<1>) -> Decoded {
        match (self, prepared) {
            (Self::Own { decoder, .. }, PreparedImage::Own(prepared)) => {
                decoder.decode(prepared, chosen)
            }
            (Self::Side(side), PreparedImage::Side(prepared)) => side.decode(prepared, chosen),
            _ => unreachable!("a decoder is given what it prepared itself"),
        }
    }

    /// The number of masks for each query in addition to those of the levels.
    fn nested(&self) -> usize {
        match self {
            Self::Own { .. } => 0,
            Self::Side(_) => SideDecoder::NESTED,
        }
    }
}

impl Aims {
    /// Loads the AIMS head from the tensors under `name`, if the model file has one. `points` and
    /// `sam` are SAM's prompt encoder and mask decoder.
    ///
    /// # Errors
    /// [`crate::Error::ModelCorrupt`] if a tensor is missing or has another shape than the manifest
    /// says.
    pub fn load(
        weights: &Weights,
        name: &str,
        points: Rc<PromptEncoder>,
        sam: Rc<MaskDecoder>,
    ) -> Result<Option<Self>> {
        let description = &weights.manifest().description;
        let Some(config) = &description.levels else { return Ok(None) };
        let objectness = |level: &str| {
            Objectness::load(weights, &format!("{name}.decoders.{level}.objectness"), config)
        };
        let channels = description.decoder.channels;
        let affinity = |part: &str| {
            Affinity::load(
                weights,
                &format!("{name}.association.{part}"),
                channels,
                config.affinity_dim,
            )
        };
        Ok(Some(Self {
            pixel_decoder: PixelDecoder::load(weights, &format!("{name}.pixel_decoder"), config)?,
            prompt_encoder: MaskPromptEncoder::load(
                weights,
                &format!("{name}.prompt_encoder"),
                config,
            )?,
            objectness: ["part", "entity", "relation"]
                .into_iter()
                .map(objectness)
                .collect::<Result<_>>()?,
            decoder: if description.decoder.high_resolution.is_some() {
                LevelDecoder::Side(Box::new(SideDecoder::load(weights, name, points, sam, config)?))
            } else {
                LevelDecoder::Own {
                    decoder: Box::new(Decoder::load(weights, name, points, config)?),
                    association: Box::new(Association {
                        entity_part: affinity("entity_part")?,
                        relation_entity: affinity("relation_entity")?,
                    }),
                }
            },
            config: config.clone(),
        }))
    }

    /// The sizes and thresholds of the head.
    pub fn config(&self) -> &LevelsConfig {
        &self.config
    }

    /// Finds the masks of all three levels in an encoded image.
    ///
    /// `prompt` is a mask prompt, 0 or 1 for each pixel of the input, rows from the top; the full
    /// image is no prompt. Queries are selected at the positions of highest objectness of the
    /// levels that are `sought` (each counts once), but each query gives masks of all levels. There
    /// are at most `most_rounds` rounds, which must be one or more.
    ///
    /// # Errors
    /// [`crate::Error::Aborted`] from `progress`, [`crate::Error::DeviceLost`].
    pub async fn forward(
        &self,
        features: &ImageFeatures,
        prompt: Option<&[f32]>,
        sought: &[Level],
        most_rounds: usize,
        progress: &Progress<'_>,
    ) -> Result<AimsOutput> {
        let _named = layer("AIMS head");
        progress.checkpoint(0.0).await?;
        let added = prompt
            .map(|mask| self.prompt_encoder.forward(prompt_tensor(mask, &features.embedding)));
        let maps = self.pixel_decoder.forward(features, added);
        let device = features.embedding.device();
        let mut sought: Vec<_> = sought.iter().map(|&level| index(level)).collect();
        sought.sort_unstable();
        sought.dedup();
        let [_, rows, cols, _] = maps.stride8.dims();
        let original =
            sought.iter().map(|&level| self.objectness[level].forward(maps.stride8.clone()));
        let original =
            ops::reshape(ops::concat(original.collect(), 0), [sought.len(), rows * cols]);
        let excluded = ops::tensor(excluded(prompt, [rows, cols]), [rows * cols], &device);
        let prepared = self.decoder.prepare(features, maps);

        // Roughly the pixel decoder's share of the time.
        const PIXEL_DECODER: f32 = 0.15;
        let rest = progress.piece(PIXEL_DECODER, 1.0);
        let queries = self.config.round_queries;
        let choose = |objectness: &Tensor<2>, asked: &[Tensor<1>]| {
            // The positions are sliced anew each time, because small tensors that stay would hold
            // large pages of a GPU's memory.
            let asked: Vec<_> =
                asked.iter().map(|chosen| ops::slice(chosen, 0, 0..queries)).collect();
            let asked = (!asked.is_empty()).then(|| ops::concat(asked, 0));
            ops::select_queries(
                original.clone(),
                objectness.clone(),
                excluded.clone(),
                asked,
                [rows, cols],
                queries,
            )
        };
        let (mut objectness, mut asked) = (original.clone(), Vec::new());
        let mut next = Some(choose(&objectness, &asked));
        let mut output = AimsOutput::default();
        loop {
            let mut rounds: Vec<Round> = Vec::new();
            while rounds.len() < self.rounds_ahead(most_rounds) {
                rest.checkpoint(asked.len() as f32 / most_rounds as f32).await?;
                // A GPU has not computed these values yet. It goes on, and the results of rounds
                // with too little objectness are dropped later.
                let is_exhausted = |chosen: &Tensor<1>| {
                    !asked.is_empty()
                        && ops::ready(chosen).is_some_and(|chosen| self.is_exhausted(&chosen))
                };
                let Some(chosen) = next.take_if(|chosen| !is_exhausted(chosen)) else { break };
                let decoded = self.decoder.decode(&prepared, &chosen);
                let (logits, scores) = (decoded.logits.clone(), decoded.scores.clone());
                objectness = ops::suppress(
                    objectness,
                    logits,
                    scores,
                    self.suppression(&sought, [rows, cols]),
                );
                asked.push(chosen.clone());
                next = (asked.len() < most_rounds).then(|| choose(&objectness, &asked));
                rounds.push(Round { chosen, decoded });
                ops::throttle(&device).await?;
            }
            if self.collect(rounds, next.as_ref(), &mut output).await? {
                return Ok(output);
            }
        }
    }

    /// How many rounds are started before their results are read. There are only a few, because
    /// rounds that are started ahead may turn out to be superfluous. But if the decoder predicts
    /// links, all rounds are started, because links are computed between the masks of all of them
    /// at once.
    fn rounds_ahead(&self, most_rounds: usize) -> usize {
        const AHEAD: usize = 6;
        match self.decoder {
            LevelDecoder::Own { .. } => most_rounds,
            LevelDecoder::Side(_) => AHEAD,
        }
    }

    /// Reads the results of `rounds` in one read-back and adds them to the output. Returns whether
    /// the search is over, because the objectness is too low in one of these rounds or in the
    /// `next` one, or because there is no next one.
    async fn collect(
        &self,
        rounds: Vec<Round>,
        next: Option<&Tensor<1>>,
        output: &mut AimsOutput,
    ) -> Result<bool> {
        let mut wanted = self.links(&rounds);
        let has_links = !wanted.is_empty();
        for Round { chosen, decoded: Decoded { logits, scores, tokens } } in &rounds {
            wanted.extend([
                chosen.clone(),
                ops::flattened(logits.clone()),
                ops::flattened(scores.clone()),
            ]);
            wanted.push(ops::flattened(ops::concat(tokens.clone(), 0)));
        }
        wanted.extend(next.cloned());
        let count = rounds.len();
        drop(rounds);
        let mut read = ops::read_all(wanted).await?.into_iter();
        let mut take = || read.next().expect("one for each tensor");
        let links = has_links.then(|| [take(), take()]);
        let mut is_over = false;
        for _ in 0..count {
            let (chosen, logits, scores, tokens) = (take(), take(), take(), take());
            // The first round counts in any case.
            is_over |= !output.is_empty() && self.is_exhausted(&chosen);
            if !is_over {
                self.add(output, &logits, &scores, &tokens);
            }
        }
        is_over |= next.is_none_or(|_| self.is_exhausted(&take()));
        if let Some([entity_part, relation_entity]) = links {
            output.entity_part = self.corner(output, &entity_part, count, [ENTITY, PART]);
            output.relation_entity =
                self.corner(output, &relation_entity, count, [RELATION, ENTITY]);
        }
        Ok(is_over)
    }

    /// Adds the results of one round.
    fn add(&self, output: &mut AimsOutput, logits: &[f32], scores: &[f32], tokens: &[f32]) {
        let (outputs, queries) = (self.outputs(), self.config.round_queries);
        for i in 0..outputs {
            let own = match self.config.outputs.get(i) {
                Some(own) => &mut output.levels[index(own.level)],
                None => &mut output.nested,
            };
            let masks = logits.chunks(logits.len() / outputs / queries).skip(i).step_by(outputs);
            let column = |i: usize| scores.iter().skip(i).step_by(2 * outputs);
            own.masks.extend(masks.map(<[f32]>::to_vec));
            own.score.extend(column(i));
            own.predicted_iou.extend(column(outputs + i));
            let tokens =
                tokens.chunks(tokens.len() / outputs / queries).skip(i * queries).take(queries);
            own.tokens.extend(tokens.map(|token| (i, token.to_vec())));
        }
    }

    /// Keeps, of the links between all masks of `count` rounds at two levels, only those between
    /// masks in the output.
    fn corner(
        &self,
        output: &AimsOutput,
        links: &[f32],
        count: usize,
        [coarse, fine]: [usize; 2],
    ) -> Vec<f32> {
        let masks = |level: usize| output.levels[level].score.len();
        let readings = self.config.outputs.iter().filter(|own| own.level == LEVELS[fine]).count();
        let rows = links.chunks(readings * count * self.config.round_queries).take(masks(coarse));
        rows.flat_map(|row| &row[..masks(fine)]).copied().collect()
    }

    /// The logits of the links between the masks of all rounds, or nothing if the decoder does not
    /// predict them.
    fn links(&self, rounds: &[Round]) -> Vec<Tensor<1>> {
        let LevelDecoder::Own { association, .. } = &self.decoder else { return Vec::new() };
        let tokens = |level: usize| {
            let said = rounds.iter().flat_map(|round| {
                let outputs = self.config.outputs.iter().zip(&round.decoded.tokens);
                outputs
                    .filter(move |(own, _)| own.level == LEVELS[level])
                    .map(|(_, token)| token.clone())
            });
            let masks = ops::concat(said.collect(), 0);
            let [count, _, channels] = masks.dims();
            ops::reshape(masks, [1, count, channels])
        };
        let [part, entity, relation] = [PART, ENTITY, RELATION].map(tokens);
        let Association { entity_part, relation_entity } = &**association;
        let links =
            [entity_part.forward(entity.clone(), part), relation_entity.forward(relation, entity)];
        links.map(ops::flattened).to_vec()
    }

    /// The number of masks of each query.
    fn outputs(&self) -> usize {
        self.config.outputs.len() + self.decoder.nested()
    }

    /// Whether the highest objectness of a round is below the threshold, so that nothing is left to
    /// find.
    fn is_exhausted(&self, chosen: &[f32]) -> bool {
        chosen[self.config.round_queries] < self.config.thresholds.min_objectness
    }

    /// How the masks of a round suppress the objectness of the levels that are sought.
    fn suppression(&self, sought: &[usize], [height, width]: [usize; 2]) -> Suppress {
        let mut outputs_of = [0; 4];
        for (bits, &level) in outputs_of.iter_mut().zip(sought) {
            let outputs = self
                .config
                .outputs
                .iter()
                .enumerate()
                .filter(|(_, own)| own.level == LEVELS[level]);
            *bits = outputs.map(|(i, _)| 1 << i).sum();
        }
        Suppress {
            levels: sought.len(),
            width,
            height,
            queries: self.config.round_queries,
            outputs: self.outputs(),
            outputs_of,
            confidence: self.config.thresholds.cover_confidence,
            covered: self.config.thresholds.covered_objectness,
        }
    }
}

/// Queries that are selected and decoded together, and their results.
struct Round {
    /// The numbers of their positions, then the highest objectness among them, `[queries + 1]`.
    chosen: Tensor<1>,
    decoded: Decoded,
}

fn index(level: Level) -> usize {
    match level {
        Level::Part => PART,
        Level::Entity => ENTITY,
        Level::Relation => RELATION,
    }
}

/// The positional encodings of all positions of a map, `[1, rows * cols, channels]`. Half of the
/// channels are for y, half for x.
fn positions([rows, cols]: [usize; 2], channels: usize, device: &Device) -> Tensor<3> {
    let (half, side) = (channels / 2, rows.max(cols));
    let codes = axis_encodings(side, side, half);
    let code =
        |y: usize, x: usize| [&codes[y * half..][..half], &codes[x * half..][..half]].concat();
    let places = (0..rows).flat_map(|y| (0..cols).map(move |x| (y, x)));
    let data: Vec<f32> = places.flat_map(|(y, x)| code(y, x)).collect();
    ops::tensor(data, [1, rows * cols, channels], device)
}

/// The positional encodings of the first `count` positions along an axis of `side` positions,
/// row-major `[count, channels]`: sines, then cosines. The fastest makes eight waves along the
/// whole axis, the slowest about a hundredth of that.
fn axis_encodings(count: usize, side: usize, channels: usize) -> Vec<f32> {
    const WAVES: f32 = 8.0;
    const SLOWEST: f32 = 100.0;
    let half = channels / 2;
    let frequencies: Vec<f32> =
        (0..half).map(|i| SLOWEST.powf(-(i as f32) / half as f32)).collect();
    let mut codes = Vec::with_capacity(count * channels);
    for at in 0..count {
        let angle = (at as f32 + 0.5) / side as f32 * std::f32::consts::TAU * WAVES;
        codes.extend(frequencies.iter().map(|frequency| (angle * frequency).sin()));
        codes.extend(frequencies.iter().map(|frequency| (angle * frequency).cos()));
    }
    codes
}
