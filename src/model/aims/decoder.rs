//! The query decoder of one level.

use burn::tensor::{Int, Shape, Tensor, TensorData};

use super::proposals::Proposals;
use super::{AimsConfig, Attention, LEVELS, LayerNorm, Linear, Mlp, position_codes};
use crate::error::Result;
use crate::model::weights::Weights;
use crate::ops::{self, Activation};

/// What hides a token from a query. It is finite: a query whose mask is empty sees everything.
const HIDDEN: f32 = -1000.0;

pub struct LevelDecoder {
    pub proposals: Proposals,
    pub head: Head,
    pub layers: Vec<DecoderLayer>,
}

impl LevelDecoder {
    pub fn load(weights: &Weights, name: &str, config: &AimsConfig) -> Result<Self> {
        Ok(Self {
            proposals: Proposals::load(weights, &format!("{name}.proposals"), config)?,
            head: Head::load(weights, &format!("{name}.head"), config)?,
            layers: (0..config.decoder_layers)
                .map(|i| DecoderLayer::load(weights, &format!("{name}.layers.{i}"), config))
                .collect::<Result<_>>()?,
        })
    }
}

/// `[1, queries, width]` each.
pub struct Queries {
    pub content: Tensor<3>,
    places: Tensor<3>,
}

impl Queries {
    /// Of all tokens' queries those at `chosen`.
    pub fn choose(tokens: Tensor<3>, chosen: &[usize], height: usize, side: usize) -> Self {
        let (device, [.., width]) = (tokens.device(), tokens.dims());
        let indices: Vec<i32> = chosen.iter().map(|&token| token as i32).collect();
        let count = indices.len();
        let indices = Tensor::<1, Int>::from_data(TensorData::new(indices, Shape::new([count])), &device);
        let codes = position_codes(height, side, width, chosen.iter().copied());
        Self {
            content: tokens.select(1, indices),
            places: Tensor::from_data(TensorData::new(codes, Shape::new([1, count, width])), &device),
        }
    }
}

/// What queries say.
pub struct Head {
    norm: LayerNorm,
    kernel: Mlp,
    score: Linear,
    quality: Mlp,
}

pub struct Prediction {
    /// `[1, queries, mask_dim]`.
    pub kernels: Tensor<3>,
    pub score: Tensor<2>,
    pub quality: Tensor<2>,
}

impl Head {
    fn load(weights: &Weights, name: &str, config: &AimsConfig) -> Result<Self> {
        let width = config.width;
        Ok(Self {
            norm: LayerNorm::load(weights, &format!("{name}.norm"), width, LayerNorm::EPSILON)?,
            kernel: Mlp::load(weights, &format!("{name}.kernel"), &[width, width, config.mask_dim])?,
            score: Linear::load(weights, &format!("{name}.score"), width, 1)?,
            quality: Mlp::load(weights, &format!("{name}.quality"), &[width, width / 2, 1])?,
        })
    }

    pub fn normed(&self, queries: &Tensor<3>) -> Tensor<3> {
        self.norm.forward(queries.clone(), Activation::None)
    }

    pub fn forward(&self, queries: &Tensor<3>) -> Prediction {
        let [batch, count, _] = queries.dims();
        let x = self.normed(queries);
        Prediction {
            kernels: self.kernel.forward(x.clone(), Activation::Gelu),
            score: self.score.forward(x.clone(), Activation::None).reshape([batch, count]),
            quality: self.quality.forward(x, Activation::Gelu).reshape([batch, count]),
        }
    }
}

/// Masked cross-attention to the image, self-attention, MLP.
pub struct DecoderLayer {
    cross: Attention,
    norm1: LayerNorm,
    itself: Attention,
    norm2: LayerNorm,
    fc1: Linear,
    fc2: Linear,
    norm3: LayerNorm,
}

impl DecoderLayer {
    fn load(weights: &Weights, name: &str, config: &AimsConfig) -> Result<Self> {
        let width = config.width;
        let norm = |i: usize| LayerNorm::load(weights, &format!("{name}.norm{i}"), width, LayerNorm::EPSILON);
        Ok(Self {
            cross: Attention::load(weights, &format!("{name}.cross"), config)?,
            norm1: norm(1)?,
            itself: Attention::load(weights, &format!("{name}.itself"), config)?,
            norm2: norm(2)?,
            fc1: Linear::load(weights, &format!("{name}.fc1"), width, 4 * width)?,
            fc2: Linear::load(weights, &format!("{name}.fc2"), 4 * width, width)?,
            norm3: norm(3)?,
        })
    }

    /// `placed` is `tokens` with their positions added; `bias` `[queries, tokens]`.
    pub fn forward(
        &self,
        queries: &Queries,
        tokens: Tensor<3>,
        placed: Tensor<3>,
        bias: Tensor<2>,
    ) -> Tensor<3> {
        let Queries { content, places } = queries;
        let asking = content.clone() + places.clone();
        let x = self.cross.forward_add(asking, placed, tokens, Some(bias), content.clone());
        let x = self.norm1.forward(x, Activation::None);
        let asking = x.clone() + places.clone();
        let x = self.itself.forward_add(asking.clone(), asking, x.clone(), None, x);
        let x = self.norm2.forward(x, Activation::None);
        let hidden = self.fc1.forward(x.clone(), Activation::Gelu);
        self.norm3.forward(self.fc2.forward_add(hidden, x, Activation::None), Activation::None)
    }
}

/// The queries of each level look at those of the other two.
pub struct Complementarity {
    norms: Vec<LayerNorm>,
    attention: Vec<Attention>,
}

impl Complementarity {
    pub fn load(weights: &Weights, name: &str, config: &AimsConfig) -> Result<Self> {
        let norm = |level| {
            LayerNorm::load(weights, &format!("{name}.norm.{level}"), config.width, LayerNorm::EPSILON)
        };
        let attention = |level| Attention::load(weights, &format!("{name}.attention.{level}"), config);
        Ok(Self {
            norms: LEVELS.iter().map(norm).collect::<Result<_>>()?,
            attention: LEVELS.iter().map(attention).collect::<Result<_>>()?,
        })
    }

    pub fn forward(&self, queries: &mut [Queries]) {
        let normed: Vec<_> = queries
            .iter()
            .zip(&self.norms)
            .map(|(queries, norm)| norm.forward(queries.content.clone(), Activation::None))
            .collect();
        let placed: Vec<_> = normed
            .iter()
            .zip(queries.iter())
            .map(|(x, queries)| x.clone() + queries.places.clone())
            .collect();
        let others = |tensors: &[Tensor<3>], level: usize| {
            let others = tensors.iter().enumerate().filter(|(other, _)| *other != level);
            Tensor::cat(others.map(|(_, tensor)| tensor.clone()).collect(), 1)
        };
        for (level, queries) in queries.iter_mut().enumerate() {
            let (keys, values) = (others(&placed, level), others(&normed, level));
            let asking = placed[level].clone();
            queries.content =
                self.attention[level].forward_add(asking, keys, values, None, queries.content.clone());
        }
    }
}

/// Hides the tokens outside each mask: `[queries, tokens]` for a map that is `stride` times coarser than the mask
/// features.
pub fn outside_bias(kernels: Tensor<3>, mask_features: &Tensor<4>, stride: usize) -> Tensor<2> {
    let pooled = mean_of_cells(mask_features, stride);
    let logits = ops::matmul_transposed(kernels, pooled);
    let [_, queries, tokens] = logits.dims();
    logits.reshape([queries, tokens]).lower_elem(0.0).float() * HIDDEN
}

/// `[1, h, w, c]` to `[1, h / side · w / side, c]`.
fn mean_of_cells(x: &Tensor<4>, side: usize) -> Tensor<3> {
    let [batch, height, width, channels] = x.dims();
    let (rows, cols) = (height / side, width / side);
    // Sums of slices: burn's own reductions are tuned for other shapes, and panic on some adapters.
    let lines = x.clone().reshape([batch * rows, side, width * channels]);
    let sum = (0..side)
        .map(|i| lines.clone().slice([0..batch * rows, i..i + 1, 0..width * channels]))
        .reduce(|a, b| a + b)
        .expect("a cell has a side");
    let cells = sum.reshape([batch * rows * cols, side, channels]);
    let sum = (0..side)
        .map(|i| cells.clone().slice([0..batch * rows * cols, i..i + 1, 0..channels]))
        .reduce(|a, b| a + b)
        .expect("a cell has a side");
    sum.reshape([batch, rows * cols, channels]) / (side * side) as f32
}
