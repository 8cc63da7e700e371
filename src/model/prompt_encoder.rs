//! SAM's prompt encoder: points, box corners and masks become tokens and a map.

use std::f32::consts::PI;

use burn::tensor::{DType, Shape, Tensor, TensorData};

use super::config::{EMBED_DIM, STRIDE};
use super::layers::{Conv, LayerNorm, Linear};
use super::weights::Weights;
use crate::error::Result;
use crate::ops::{Activation, ConvWindow};

const HALF: usize = EMBED_DIM / 2;

/// What a point stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PointLabel {
    /// No point: fills up a prompt. SAM expects one after the points of a prompt without a box.
    Padding,
    Background,
    Foreground,
    BoxTopLeft,
    BoxBottomRight,
}

/// A point in pixels of the network's input (not of the photo).
#[derive(Clone, Copy, Debug)]
pub struct PromptPoint {
    pub x: f32,
    pub y: f32,
    pub label: PointLabel,
}

impl PromptPoint {
    pub const PADDING: Self = Self { x: 0.0, y: 0.0, label: PointLabel::Padding };
}

pub struct PromptEncoder {
    /// Random frequencies `[2, HALF]`, fixed at training.
    frequencies: Vec<f32>,
    not_a_point: Vec<f32>,
    /// Background, foreground, box corners.
    points: [Vec<f32>; 4],
    no_mask: Tensor<4>,
    mask: MaskEncoder,
}

impl PromptEncoder {
    pub fn load(weights: &Weights, name: &str) -> Result<Self> {
        let embedding = |part: &str| weights.float_vec(&format!("{name}.{part}.weight"), EMBED_DIM);
        let point = |i| embedding(&format!("point_embeddings.{i}"));
        Ok(Self {
            frequencies: weights
                .float_vec(&format!("{name}.pe_layer.positional_encoding_gaussian_matrix"), 2 * HALF)?,
            not_a_point: embedding("not_a_point_embed")?,
            points: [point(0)?, point(1)?, point(2)?, point(3)?],
            no_mask: weights
                .float(&format!("{name}.no_mask_embed.weight"), [1, EMBED_DIM])?
                .reshape([1, 1, 1, EMBED_DIM]),
            mask: MaskEncoder::load(weights, &format!("{name}.mask_downscaling"))?,
        })
    }

    /// Tokens `[prompts, points, 256]`; every prompt must have the same number of points.
    pub fn encode_points(&self, prompts: &[Vec<PromptPoint>], input_size: usize) -> Tensor<3> {
        let points = prompts.first().map_or(0, Vec::len);
        assert!(prompts.iter().all(|prompt| prompt.len() == points), "prompts differ in length");
        let mut tokens = Vec::with_capacity(prompts.len() * points * EMBED_DIM);
        for point in prompts.iter().flatten() {
            let (start, size) = (tokens.len(), input_size as f32);
            let label = match point.label {
                PointLabel::Padding => {
                    tokens.extend_from_slice(&self.not_a_point);
                    continue;
                }
                PointLabel::Background => 0,
                PointLabel::Foreground => 1,
                PointLabel::BoxTopLeft => 2,
                PointLabel::BoxBottomRight => 3,
            };
            // Half a pixel to the pixel's centre, as the reference does.
            self.push_position(&mut tokens, (point.x + 0.5) / size, (point.y + 0.5) / size);
            let sums = tokens[start..].iter_mut().zip(&self.points[label]);
            sums.for_each(|(value, embedding)| *value += embedding);
        }
        let data = TensorData::new(tokens, Shape::new([prompts.len(), points, EMBED_DIM]));
        Tensor::from_data(data, (&self.no_mask.device(), DType::F32))
    }

    /// What stands for "no mask prompt", `[1, 1, 1, 256]`, to be added to the image embedding.
    pub fn no_mask(&self) -> Tensor<4> {
        self.no_mask.clone()
    }

    /// A mask's map `[n, S / 16, S / 16, 256]` from its logits `[n, S / 4, S / 4, 1]`.
    pub fn encode_mask(&self, logits: Tensor<4>) -> Tensor<4> {
        self.mask.forward(logits)
    }

    /// Positions of the image embedding's cells, `[1, (S / 16)², 256]`.
    pub fn dense_positions(&self, input_size: usize) -> Tensor<3> {
        let side = input_size / STRIDE;
        let centre = |i: usize| (i as f32 + 0.5) / side as f32;
        let mut positions = Vec::with_capacity(side * side * EMBED_DIM);
        for y in 0..side {
            for x in 0..side {
                self.push_position(&mut positions, centre(x), centre(y));
            }
        }
        let data = TensorData::new(positions, Shape::new([1, side * side, EMBED_DIM]));
        Tensor::from_data(data, (&self.no_mask.device(), DType::F32))
    }

    /// Sines then cosines of a position in 0..1, projected on the random frequencies.
    fn push_position(&self, out: &mut Vec<f32>, x: f32, y: f32) {
        let (x, y) = (2.0 * x - 1.0, 2.0 * y - 1.0);
        let (along_x, along_y) = self.frequencies.split_at(HALF);
        let phases = || along_x.iter().zip(along_y).map(|(fx, fy)| 2.0 * PI * (x * fx + y * fy));
        out.extend(phases().map(f32::sin));
        out.extend(phases().map(f32::cos));
    }
}

/// Mask logits to a map as coarse and as wide as the image embedding.
struct MaskEncoder {
    conv1: Conv,
    norm1: LayerNorm,
    conv2: Conv,
    norm2: LayerNorm,
    expand: Linear,
}

impl MaskEncoder {
    fn load(weights: &Weights, name: &str) -> Result<Self> {
        let halve = ConvWindow { kernel: 2, stride: 2, padding: 0 };
        let norm =
            |i, channels| LayerNorm::load(weights, &format!("{name}.{i}"), channels, LayerNorm::EPSILON_2D);
        Ok(Self {
            conv1: Conv::load(weights, &format!("{name}.0"), 1, 4, halve)?,
            norm1: norm(1, 4)?,
            conv2: Conv::load(weights, &format!("{name}.3"), 4, 16, halve)?,
            norm2: norm(4, 16)?,
            expand: Linear::load(weights, &format!("{name}.6"), 16, EMBED_DIM)?,
        })
    }

    fn forward(&self, logits: Tensor<4>) -> Tensor<4> {
        let x = self.norm1.forward(self.conv1.forward(logits, Activation::None), Activation::Gelu);
        let x = self.norm2.forward(self.conv2.forward(x, Activation::None), Activation::Gelu);
        self.expand.forward(x, Activation::None)
    }
}
