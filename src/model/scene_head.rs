//! The scene head: a small transformer over all candidates of a photo, which says what each is and how they belong together. Here are task
//! complementarity (all candidates of all levels look at one another) and association (what it says of each two). Its PyTorch twin is
//! `training/aims/scene.py`.

use super::layers::{LayerNorm, Linear, Mlp, NormedMlp};
use super::manifest::SceneConfig;
use super::weights::Weights;
use crate::candidates::{GEOMETRY, PAIRS, PairOutput, SceneOutput};
use crate::error::Result;
use crate::ops::profile::layer;
use crate::ops::{self, Activation, Device, Tensor};

/// Numbers for each candidate: of each level that it is a thing of it, that it is the best mask of this thing, and the expected IoU.
const OUTPUTS: usize = 9;
/// Numbers for each two: both of one part, both of one entity, the first a part of the second, related.
const PAIR_OUTPUTS: usize = 4;

pub struct SceneHead {
    /// Of tokens, of features inside and around the mask, and of the trunk's deepest map inside.
    sources: Vec<(LayerNorm, Linear)>,
    geometry: Mlp,
    pair: Linear,
    bias: Linear,
    layers: Vec<Layer>,
    norm: LayerNorm,
    say: Linear,
    first: Linear,
    second: Linear,
    pair_say: Linear,
    config: SceneConfig,
    device: Device,
}

/// What the head reads of `count` candidates, all row-major.
pub struct SceneInput {
    pub count: usize,
    /// `[count, channels]`: tokens, features inside and around, and of the deepest map.
    pub sources: [Vec<f32>; 4],
    /// `[count, GEOMETRY]`.
    pub geometry: Vec<f32>,
    /// `[count, count, PAIRS]`.
    pub pairs: Vec<f32>,
}

impl SceneHead {
    /// The scene head of a model file, if it has one.
    ///
    /// # Errors
    /// [`crate::Error::ModelCorrupt`] if a tensor is missing or has another shape than the manifest says.
    pub fn load(weights: &Weights, name: &str) -> Result<Option<Self>> {
        let description = &weights.manifest().description;
        let Some(config) = &description.scene else { return Ok(None) };
        let &SceneConfig { width, layers, heads, pair_width, pair_hidden, .. } = config;
        let channels = description.decoder.channels;
        let [_, _, deepest] = super::ImageFeatures::channels(description);
        let linear = |part: &str, inputs, outputs| {
            Linear::load(weights, &format!("{name}.{part}"), inputs, outputs)
        };
        let norm = |part: &str, width| {
            LayerNorm::load(weights, &format!("{name}.{part}"), width, LayerNorm::EPSILON)
        };
        let source = |(part, inputs): (&str, usize)| -> Result<_> {
            Ok((
                norm(&format!("norms.{part}"), inputs)?,
                linear(&format!("enter.{part}"), inputs, width)?,
            ))
        };
        let sources =
            [("tokens", channels), ("inside", channels), ("around", channels), ("deep", deepest)];
        Ok(Some(Self {
            sources: sources.into_iter().map(source).collect::<Result<_>>()?,
            geometry: Mlp::load(weights, &format!("{name}.geometry"), &[GEOMETRY, 64, width])?,
            pair: linear("pair", PAIRS, pair_width)?,
            bias: linear("bias", pair_width, layers * heads)?,
            layers: (0..layers)
                .map(|i| Layer::load(weights, &format!("{name}.layers.{i}"), width))
                .collect::<Result<_>>()?,
            norm: norm("norm", width)?,
            say: linear("say", width, OUTPUTS)?,
            first: linear("first", width, PAIR_OUTPUTS * pair_hidden)?,
            second: linear("second", width, PAIR_OUTPUTS * pair_hidden)?,
            pair_say: linear("pair_say", pair_width, PAIR_OUTPUTS)?,
            config: config.clone(),
            device: weights.device().clone(),
        }))
    }

    pub fn config(&self) -> &SceneConfig {
        &self.config
    }

    /// # Errors
    /// [`crate::Error::DeviceLost`].
    pub async fn forward(&self, input: SceneInput) -> Result<SceneOutput> {
        let _named = layer("scene head");
        let SceneInput { count, sources, geometry, pairs } = input;
        if count == 0 {
            return Ok(SceneOutput {
                count,
                level: vec![],
                chosen: vec![],
                iou: vec![],
                pairs: vec![],
            });
        }
        let tensor =
            |values: Vec<f32>, width: usize| ops::tensor(values, [1, count, width], &self.device);
        let mut x = self.geometry.forward(tensor(geometry, GEOMETRY), Activation::Gelu);
        for ((norm, enter), values) in self.sources.iter().zip(sources) {
            let channels = values.len() / count;
            let normed = norm.forward(tensor(values, channels), Activation::None);
            x = enter.forward_add(normed, x, Activation::None);
        }
        let square = count * count;
        let pairs = ops::tensor(pairs, [1, square, PAIRS], &self.device);
        let pairs = self.pair.forward(pairs, Activation::Gelu);
        let (layers, heads) = (self.layers.len(), self.config.heads);
        let biases = self.bias.forward(pairs.clone(), Activation::None);
        let biases = ops::permute(biases, [0, 2, 1]);
        let biases = ops::reshape(biases, [layers * heads, count, count]);
        for (i, layer) in self.layers.iter().enumerate() {
            x = layer.forward(x, ops::slice(&biases, 0, i * heads..(i + 1) * heads), heads);
        }
        let x = self.norm.forward(x, Activation::None);
        let said = self.say.forward(x.clone(), Activation::None);
        let hidden = self.config.pair_hidden;
        let split = |layer: &Linear| {
            let x = layer.forward(x.clone(), Activation::None);
            ops::permute(ops::reshape(x, [count, PAIR_OUTPUTS, hidden]), [1, 0, 2])
        };
        let products = ops::matmul_transposed(split(&self.first), split(&self.second));
        let own = self.pair_say.forward(pairs, Activation::None);
        let read = [ops::flattened(said), ops::flattened(products), ops::flattened(own)];
        let [said, products, own] =
            <[Vec<f32>; 3]>::try_from(ops::read_all(read.to_vec()).await?).expect("as many");
        Ok(SceneOutput {
            count,
            level: of_levels(&said, 0),
            chosen: of_levels(&said, 3),
            iou: of_levels(&said, 6),
            pairs: of_pairs(&products, &own, count, (hidden as f32).sqrt().recip()),
        })
    }
}

fn of_levels(said: &[f32], from: usize) -> Vec<[f32; 3]> {
    said.chunks(OUTPUTS)
        .map(|row| [0, 1, 2].map(|level| super::sigmoid(row[from + level])))
        .collect()
}

/// `products` are `[PAIR_OUTPUTS, count, count]`, `own` `[count, count, PAIR_OUTPUTS]`. What does not depend on the order is the mean of both.
fn of_pairs(products: &[f32], own: &[f32], count: usize, scale: f32) -> Vec<PairOutput> {
    let logit = |i: usize, j: usize, output: usize| {
        products[(output * count + i) * count + j] * scale
            + own[(i * count + j) * PAIR_OUTPUTS + output]
    };
    let both = |i: usize, j: usize, output: usize| {
        super::sigmoid((logit(i, j, output) + logit(j, i, output)) / 2.0)
    };
    let pair = |(i, j): (usize, usize)| PairOutput {
        same_part: both(i, j, 0),
        same_entity: both(i, j, 1),
        part_of: super::sigmoid(logit(i, j, 2)),
        related: both(i, j, 3),
    };
    (0..count).flat_map(|i| (0..count).map(move |j| (i, j))).map(pair).collect()
}

struct Layer {
    norm: LayerNorm,
    qkv: Linear,
    proj: Linear,
    mlp: NormedMlp,
}

impl Layer {
    fn load(weights: &Weights, name: &str, width: usize) -> Result<Self> {
        let linear =
            |part: &str, outputs| Linear::load(weights, &format!("{name}.{part}"), width, outputs);
        Ok(Self {
            norm: LayerNorm::load(weights, &format!("{name}.norm1"), width, LayerNorm::EPSILON)?,
            qkv: linear("qkv", 3 * width)?,
            proj: linear("proj", width)?,
            mlp: NormedMlp::load(
                weights,
                name,
                ["norm2", "mlp.layers.0", "mlp.layers.1"],
                [width, 3 * width],
                LayerNorm::EPSILON,
            )?,
        })
    }

    /// `x` is `[1, candidates, width]`, `bias` `[heads, candidates, candidates]`.
    fn forward(&self, x: Tensor<3>, bias: Tensor<3>, heads: usize) -> Tensor<3> {
        let qkv =
            self.qkv.forward(self.norm.forward(x.clone(), Activation::None), Activation::None);
        let x = self.proj.forward_add(ops::self_attention(qkv, &bias, heads), x, Activation::None);
        self.mlp.forward_add(x.clone(), x)
    }
}
