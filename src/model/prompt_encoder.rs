//! SAM's prompt encoder: points, box corners and masks become tokens and a map.

use std::cell::RefCell;
use std::f32::consts::PI;

use burn::tensor::Tensor;

use super::config::{EMBED_DIM, STRIDE};
use super::layers::{Conv, LayerNorm, Linear};
use super::weights::Weights;
use crate::error::Result;
use crate::ops::{self, Activation, ConvWindow};

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
    padding: Tensor<3>,
    mask: MaskEncoder,
    /// Of the last size that was asked for: all photos of one segmenter have the same.
    dense_positions: RefCell<Option<Tensor<3>>>,
}

impl PromptEncoder {
    pub fn load(weights: &Weights, name: &str) -> Result<Self> {
        let embedding = |part: &str| weights.float_vec(&format!("{name}.{part}.weight"), EMBED_DIM);
        let not_a_point = embedding("not_a_point_embed")?;
        let point = |i| embedding(&format!("point_embeddings.{i}"));
        Ok(Self {
            frequencies: weights
                .float_vec(&format!("{name}.pe_layer.positional_encoding_gaussian_matrix"), 2 * HALF)?,
            padding: ops::tensor(not_a_point.clone(), [1, 1, EMBED_DIM], weights.device()),
            not_a_point,
            points: [point(0)?, point(1)?, point(2)?, point(3)?],
            no_mask: {
                let token: Tensor<2> =
                    weights.float(&format!("{name}.no_mask_embed.weight"), [1, EMBED_DIM])?;
                ops::reshape(token, [1, 1, 1, EMBED_DIM])
            },
            mask: MaskEncoder::load(weights, &format!("{name}.mask_downscaling"))?,
            dense_positions: RefCell::default(),
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
        ops::tensor(tokens, [prompts.len(), points, EMBED_DIM], &self.no_mask.device())
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
        let count = side * side;
        let known = self.dense_positions.borrow().clone();
        if let Some(known) = known.filter(|positions| positions.dims()[1] == count) {
            return known;
        }
        let all = (0..count).map(|place| place as f32).collect();
        let all = ops::tensor(all, [count], &self.no_mask.device());
        let codes = self.cell_codes(side, &[0.0; EMBED_DIM]).at(&all, count);
        let positions = ops::reshape(codes, [1, count, EMBED_DIM]);
        *self.dense_positions.borrow_mut() = Some(positions.clone());
        positions
    }

    /// The tokens of foreground points in the middles of `side` by `side` cells of the input.
    pub fn cell_points(&self, side: usize) -> CellCodes {
        let [_, foreground, ..] = &self.points;
        self.cell_codes(side, foreground)
    }

    /// What SAM expects after the points of a prompt without a box, `[1, 1, 256]`.
    pub fn padding(&self) -> Tensor<3> {
        self.padding.clone()
    }

    /// As [`Self::push_position`] for the middles of the cells of a square, plus `added`.
    fn cell_codes(&self, side: usize, added: &[f32]) -> CellCodes {
        let (along_x, along_y) = self.frequencies.split_at(HALF);
        let device = self.no_mask.device();
        let codes = |frequencies: &[f32]| {
            let middle = |i: usize| 2.0 * (i as f32 + 0.5) / side as f32 - 1.0;
            let angles = |i: usize| frequencies.iter().map(move |frequency| 2.0 * PI * middle(i) * frequency);
            let code = |i: usize| angles(i).map(f32::sin).chain(angles(i).map(f32::cos));
            ops::tensor((0..side).flat_map(code).collect(), [side, EMBED_DIM], &device)
        };
        CellCodes {
            rows: codes(along_y),
            columns: codes(along_x),
            added: ops::tensor(added.to_vec(), [EMBED_DIM], &device),
        }
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

/// Codes of the places of a square. Sine and cosine of a sum come from those of its terms: an angle for each row and column, not for each
/// cell.
pub struct CellCodes {
    /// Sines, then cosines, of each row's and each column's angles, `[side, 256]`.
    rows: Tensor<2>,
    columns: Tensor<2>,
    /// `[256]`.
    added: Tensor<1>,
}

impl CellCodes {
    /// Of the first `count` of the places, which are counted row by row: `[count, 256]`.
    pub fn at(&self, places: &Tensor<1>, count: usize) -> Tensor<2> {
        ops::place_codes(self.rows.clone(), self.columns.clone(), self.added.clone(), places.clone(), count)
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
