//! SAM's prompt encoder: points, box corners and masks become tokens and a map.

use std::cell::RefCell;
use std::f32::consts::PI;

use super::encoder::{InputSize, STRIDE};
use super::layers::{Conv, LayerNorm, Linear};
use super::manifest::DecoderConfig;
use super::weights::Weights;
use crate::error::Result;
use crate::ops::{self, Activation, ConvWindow, Tensor};

/// What a point stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PointLabel {
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

pub struct PromptEncoder {
    /// Of tokens and maps.
    channels: usize,
    /// Random frequencies `[2, channels / 2]`, fixed at training.
    frequencies: Vec<f32>,
    not_a_point: Vec<f32>,
    pad_boxes: bool,
    /// Background, foreground, box corners.
    points: [Vec<f32>; 4],
    no_mask: Tensor<3>,
    padding: Tensor<3>,
    mask: MaskEncoder,
    /// Of the last size that was asked for: photos of one shape have the same.
    dense_positions: RefCell<Option<(InputSize, Tensor<3>)>>,
}

impl PromptEncoder {
    pub fn load(weights: &Weights, name: &str) -> Result<Self> {
        let &DecoderConfig { channels, pad_boxes, .. } = &weights.manifest().description.decoder;
        let embedding = |part: &str| weights.float_vec(&format!("{name}.{part}.weight"), channels);
        let not_a_point = embedding("not_a_point_embed")?;
        let point = |i| embedding(&format!("point_embeddings.{i}"));
        Ok(Self {
            channels,
            frequencies: weights.float_vec(
                &format!("{name}.pe_layer.positional_encoding_gaussian_matrix"),
                channels,
            )?,
            padding: ops::tensor(not_a_point.clone(), [1, 1, channels], weights.device()),
            not_a_point,
            pad_boxes,
            points: [point(0)?, point(1)?, point(2)?, point(3)?],
            no_mask: {
                let token: Tensor<2> =
                    weights.float(&format!("{name}.no_mask_embed.weight"), [1, channels])?;
                ops::reshape(token, [1, 1, channels])
            },
            mask: MaskEncoder::load(weights, &format!("{name}.mask_downscaling"), channels)?,
            dense_positions: RefCell::default(),
        })
    }

    /// Tokens `[prompts, tokens, channels]`: one for each point, and, where the network expects it, one of padding. Every prompt must have the
    /// same number of points, and a box or none. `side` is that of the square that positions refer to.
    pub fn encode_points(&self, prompts: &[Vec<PromptPoint>], side: usize) -> Tensor<3> {
        let points = prompts.first().map_or(0, Vec::len);
        assert!(prompts.iter().all(|prompt| prompt.len() == points), "prompts differ in length");
        let is_padded = |prompt: &[PromptPoint]| {
            self.pad_boxes || !prompt.iter().any(|point| point.label == PointLabel::BoxTopLeft)
        };
        let padding = usize::from(prompts.first().is_some_and(|prompt| is_padded(prompt)));
        let mut tokens = Vec::with_capacity(prompts.len() * (points + padding) * self.channels);
        for prompt in prompts {
            for point in prompt {
                let (start, size) = (tokens.len(), side as f32);
                let label = match point.label {
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
            if is_padded(prompt) {
                tokens.extend_from_slice(&self.not_a_point);
            }
        }
        ops::tensor(
            tokens,
            [prompts.len(), points + padding, self.channels],
            &self.no_mask.device(),
        )
    }

    /// What stands for "no mask prompt", `[1, 1, channels]`, to be added to the image embedding's cells.
    pub fn no_mask(&self) -> Tensor<3> {
        self.no_mask.clone()
    }

    /// A mask's map `[n, height / 16, width / 16, channels]` from its logits `[n, height / 4, width / 4, 1]`.
    pub fn encode_mask(&self, logits: Tensor<4>) -> Tensor<4> {
        self.mask.forward(logits)
    }

    /// Positions of the image embedding's cells, `[1, cells, channels]`.
    pub fn dense_positions(&self, size: InputSize) -> Tensor<3> {
        let known = self.dense_positions.borrow().clone();
        if let Some((_, known)) = known.filter(|(known, _)| *known == size) {
            return known;
        }
        let [rows, cols] = size.cells(STRIDE);
        let all = (0..rows * cols).map(|place| place as f32).collect();
        let all = ops::tensor(all, [rows * cols], &self.no_mask.device());
        let codes = self.cell_codes(size, STRIDE, &vec![0.0; self.channels]).at(&all, rows * cols);
        let positions = ops::reshape(codes, [1, rows * cols, self.channels]);
        *self.dense_positions.borrow_mut() = Some((size, positions.clone()));
        positions
    }

    /// The tokens of foreground points in the middles of the input's cells of `stride` by `stride` pixels.
    pub fn cell_points(&self, size: InputSize, stride: usize) -> CellCodes {
        let [_, foreground, ..] = &self.points;
        self.cell_codes(size, stride, foreground)
    }

    /// What SAM expects after the points of a prompt without a box, `[1, 1, channels]`.
    pub fn padding(&self) -> Tensor<3> {
        self.padding.clone()
    }

    /// As [`Self::push_position`] for the middles of cells of `stride` by `stride` pixels, plus `added`.
    fn cell_codes(&self, size: InputSize, stride: usize, added: &[f32]) -> CellCodes {
        let (along_x, along_y) = self.frequencies.split_at(self.channels / 2);
        let device = self.no_mask.device();
        let cells = (size.side() / stride) as f32;
        let codes = |frequencies: &[f32], count: usize| {
            let middle = |i: usize| 2.0 * (i as f32 + 0.5) / cells - 1.0;
            let angles = |i: usize| {
                frequencies.iter().map(move |frequency| 2.0 * PI * middle(i) * frequency)
            };
            let code = |i: usize| angles(i).map(f32::sin).chain(angles(i).map(f32::cos));
            ops::tensor((0..count).flat_map(code).collect(), [count, self.channels], &device)
        };
        let [rows, cols] = size.cells(stride);
        CellCodes {
            rows: codes(along_y, rows),
            columns: codes(along_x, cols),
            added: ops::tensor(added.to_vec(), [self.channels], &device),
        }
    }

    /// Sines then cosines of a position in 0..1, projected on the random frequencies.
    fn push_position(&self, out: &mut Vec<f32>, x: f32, y: f32) {
        let (x, y) = (2.0 * x - 1.0, 2.0 * y - 1.0);
        let (along_x, along_y) = self.frequencies.split_at(self.channels / 2);
        let phases = || along_x.iter().zip(along_y).map(|(fx, fy)| 2.0 * PI * (x * fx + y * fy));
        out.extend(phases().map(f32::sin));
        out.extend(phases().map(f32::cos));
    }
}

/// Codes of the places of an image. Sine and cosine of a sum come from those of its terms: an angle for each row and column, not for each
/// cell.
pub struct CellCodes {
    /// Sines, then cosines, of each row's angles, `[rows, channels]`, and of each column's.
    rows: Tensor<2>,
    columns: Tensor<2>,
    /// `[channels]`.
    added: Tensor<1>,
}

impl CellCodes {
    /// Of the first `count` of the places, which are counted row by row: `[count, channels]`.
    pub fn at(&self, places: &Tensor<1>, count: usize) -> Tensor<2> {
        ops::positional_encoding(
            self.rows.clone(),
            self.columns.clone(),
            self.added.clone(),
            places.clone(),
            count,
        )
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
    fn load(weights: &Weights, name: &str, channels: usize) -> Result<Self> {
        let (few, more) = (channels / 64, channels / 16);
        let halve = ConvWindow { kernel: 2, stride: 2, padding: 0 };
        let norm = |i, width| {
            LayerNorm::load(weights, &format!("{name}.{i}"), width, LayerNorm::EPSILON_2D)
        };
        Ok(Self {
            conv1: Conv::load(weights, &format!("{name}.0"), 1, few, halve)?,
            norm1: norm(1, few)?,
            conv2: Conv::load(weights, &format!("{name}.3"), few, more, halve)?,
            norm2: norm(4, more)?,
            expand: Linear::load(weights, &format!("{name}.6"), more, channels)?,
        })
    }

    fn forward(&self, logits: Tensor<4>) -> Tensor<4> {
        let x = self.norm1.forward(self.conv1.forward(logits, Activation::None), Activation::Gelu);
        let x = self.norm2.forward(self.conv2.forward(x, Activation::None), Activation::Gelu);
        self.expand.forward(x, Activation::None)
    }
}
