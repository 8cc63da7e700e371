//! The scene head: a small transformer that sees all candidates of a photo, scores each, and says
//! how each two belong together. This is where task complementarity (candidates of all levels
//! attend to one another) and association (the output for each two) take place. Its PyTorch twin is
//! `training/aims/scene.py`.

use super::layers::{LayerNorm, Linear, Mlp, NormedMlp};
use super::manifest::SceneConfig;
use super::weights::Weights;
use crate::candidates::{GEOMETRY, PAIRS, PairOutput, SceneOutput};
use crate::error::Result;
use crate::ops::profile::layer;
use crate::ops::{self, Activation, Device, Tensor};

/// The number of outputs for each candidate: for each level, that it is a thing of this level, that
/// it is the best mask of this thing, and the expected IoU.
const OUTPUTS: usize = 9;
/// The number of outputs for each two candidates: that both belong to one part, that both belong to
/// one entity, that the first is a part of the second, and that they are related.
const PAIR_OUTPUTS: usize = 4;

/// The scene head with its weights on one device.
pub struct SceneHead {
    /// The norm and the projection of each of [`SceneInput::sources`].
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
    /// The number of the semantic head's classes, if the head reads them.
    classes: Option<usize>,
    device: Device,
}

/// What the head reads of `count` candidates. All arrays are row-major.
pub struct SceneInput {
    /// The number of candidates.
    pub count: usize,
    /// The mask tokens, the means of the image embedding inside and around the masks, and the means
    /// inside them of the trunk's deepest map, of EfficientNet's last map and of the semantic head's
    /// probabilities, if there are such networks: each `[count, channels]`.
    pub sources: Vec<Vec<f32>>,
    /// What describes each candidate, `[count, GEOMETRY]`.
    pub geometry: Vec<f32>,
    /// What describes each two candidates, `[count, count, PAIRS]`.
    pub pairs: Vec<f32>,
}

impl SceneHead {
    /// Loads the scene head from the tensors under `name`, if the model file has one.
    ///
    /// # Errors
    /// [`crate::Error::ModelCorrupt`] if a tensor is missing or has another shape than the manifest
    /// says.
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
        let efficient = description.efficient_net.as_ref();
        let efficient = efficient.map(|config| ("efficient", config.channels()[1]));
        let classes = description.semantic.as_ref().map(|semantic| ("classes", semantic.classes()));
        let sources =
            [("tokens", channels), ("inside", channels), ("around", channels), ("deep", deepest)];
        let sources = sources.into_iter().chain(efficient).chain(classes);
        Ok(Some(Self {
            sources: sources.map(source).collect::<Result<_>>()?,
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
            classes: classes.map(|(_, count)| count),
            device: weights.device().clone(),
        }))
    }

    /// The sizes of the head, and how scenes are made from its output.
    pub fn config(&self) -> &SceneConfig {
        &self.config
    }

    /// The number of the semantic head's classes, if the head reads their probabilities.
    pub fn classes(&self) -> Option<usize> {
        self.classes
    }

    /// Scores all candidates of a photo and each two of them.
    ///
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
            <[Vec<f32>; 3]>::try_from(ops::read_all(read.to_vec()).await?).expect("all three");
        Ok(SceneOutput {
            count,
            level: of_levels(&said, 0),
            chosen: of_levels(&said, 3),
            iou: of_levels(&said, 6),
            pairs: of_pairs(&products, &own, count, (hidden as f32).sqrt().recip()),
        })
    }
}

/// The probabilities of the three levels that each candidate's outputs have from index `from` on.
fn of_levels(said: &[f32], from: usize) -> Vec<[f32; 3]> {
    said.chunks(OUTPUTS)
        .map(|row| [0, 1, 2].map(|level| super::sigmoid(row[from + level])))
        .collect()
}

/// The probabilities of each two candidates. `products` are `[PAIR_OUTPUTS, count, count]`, `own`
/// are `[count, count, PAIR_OUTPUTS]`, and a logit is the sum of both. Outputs that do not depend
/// on the order of the two candidates get the mean of the logits of both orders.
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

    /// Runs the layer on `x`, `[1, candidates, width]`. `bias`, `[heads, candidates, candidates]`,
    /// is added to the attention's scores.
    fn forward(&self, x: Tensor<3>, bias: Tensor<3>, heads: usize) -> Tensor<3> {
        let qkv =
            self.qkv.forward(self.norm.forward(x.clone(), Activation::None), Activation::None);
        let x = self.proj.forward_add(ops::self_attention(qkv, &bias, heads), x, Activation::None);
        self.mlp.forward_add(x.clone(), x)
    }
}
