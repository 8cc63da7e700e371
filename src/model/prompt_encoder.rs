//! SAM's prompt encoder: it turns points, the corners of boxes, and masks into tokens and maps.

use std::cell::RefCell;
use std::f32::consts::PI;

use super::encoder::{InputSize, STRIDE};
use super::layers::{Conv, LayerNorm, Linear};
use super::manifest::DecoderConfig;
use super::weights::Weights;
use crate::error::Result;
use crate::ops::{self, Activation, ConvWindow, Tensor};

/// What a point of a prompt stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PointLabel {
    /// A point outside the wanted mask.
    Background,
    /// A point inside the wanted mask.
    Foreground,
    /// The upper left corner of a box around the wanted mask.
    BoxTopLeft,
    /// The lower right corner of a box around the wanted mask.
    BoxBottomRight,
}

/// A point in pixels of the network's input (not of the photo).
#[derive(Clone, Copy, Debug)]
pub struct PromptPoint {
    /// The distance from the left edge.
    pub x: f32,
    /// The distance from the top edge.
    pub y: f32,
    /// What the point stands for.
    pub label: PointLabel,
}

/// SAM's prompt encoder with its weights.
pub struct PromptEncoder {
    /// The number of channels of tokens and maps.
    channels: usize,
    /// The random frequencies of the positional encoding, `[2, channels / 2]`, fixed at training.
    frequencies: Vec<f32>,
    not_a_point: Vec<f32>,
    pad_boxes: bool,
    /// The embeddings of background points, foreground points, and the two corners of boxes.
    points: [Vec<f32>; 4],
    no_mask: Tensor<3>,
    padding: Tensor<3>,
    mask: MaskEncoder,
    /// The positional encodings for the input size that was asked for last. Photos of one shape
    /// have the same.
    dense_positions: RefCell<Option<(InputSize, Tensor<3>)>>,
}

impl PromptEncoder {
    /// Loads the encoder from the tensors under `name`.
    ///
    /// # Errors
    /// [`crate::Error::ModelCorrupt`] if a tensor is missing or has another shape than the manifest
    /// says.
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

    /// Makes the tokens of prompts, `[prompts, tokens, channels]`: one for each point and, if the
    /// network expects it, one of padding. All prompts must have the same number of points, and
    /// either all or none must have a box. `side` is the side of the square that positions are
    /// relative to.
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
                // As in the reference, half a pixel is added to get to the pixel's centre.
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

    /// What stands for "no mask prompt", `[1, 1, channels]`. It is added to each cell of the image
    /// embedding.
    pub fn no_mask(&self) -> Tensor<3> {
        self.no_mask.clone()
    }

    /// Makes the map of a mask prompt, `[n, height / 16, width / 16, channels]`, from its logits,
    /// `[n, height / 4, width / 4, 1]`.
    pub fn encode_mask(&self, logits: Tensor<4>) -> Tensor<4> {
        self.mask.forward(logits)
    }

    /// The positional encodings of the image embedding's cells, `[1, cells, channels]`.
    pub fn dense_positions(&self, size: InputSize) -> Tensor<3> {
        let known = self.dense_positions.borrow().clone();
        if let Some((_, known)) = known.filter(|(known, _)| *known == size) {
            return known;
        }
        let [rows, cols] = size.cells(STRIDE);
        let all = (0..rows * cols).map(|place| place as f32).collect();
        let all = ops::tensor(all, [rows * cols], &self.no_mask.device());
        let codes =
            self.cell_encodings(size, STRIDE, &vec![0.0; self.channels]).at(&all, rows * cols);
        let positions = ops::reshape(codes, [1, rows * cols, self.channels]);
        *self.dense_positions.borrow_mut() = Some((size, positions.clone()));
        positions
    }

    /// The tokens of foreground points in the centres of the input's cells of `stride` x `stride`
    /// pixels.
    pub fn cell_points(&self, size: InputSize, stride: usize) -> CellEncodings {
        let [_, foreground, ..] = &self.points;
        self.cell_encodings(size, stride, foreground)
    }

    /// The padding token that SAM expects after the points of a prompt without a box,
    /// `[1, 1, channels]`.
    pub fn padding(&self) -> Tensor<3> {
        self.padding.clone()
    }

    /// The positional encodings of the centres of cells of `stride` x `stride` pixels, as
    /// [`Self::push_position`] makes them, plus `added`, `[channels]`.
    fn cell_encodings(&self, size: InputSize, stride: usize, added: &[f32]) -> CellEncodings {
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
        CellEncodings {
            rows: codes(along_y, rows),
            columns: codes(along_x, cols),
            added: ops::tensor(added.to_vec(), [self.channels], &device),
        }
    }

    /// Appends the positional encoding of a position in 0 to 1: the sines, then the cosines, of its
    /// projections on the random frequencies.
    fn push_position(&self, out: &mut Vec<f32>, x: f32, y: f32) {
        let (x, y) = (2.0 * x - 1.0, 2.0 * y - 1.0);
        let (along_x, along_y) = self.frequencies.split_at(self.channels / 2);
        let phases = || along_x.iter().zip(along_y).map(|(fx, fy)| 2.0 * PI * (x * fx + y * fy));
        out.extend(phases().map(f32::sin));
        out.extend(phases().map(f32::cos));
    }
}

/// The positional encodings of the cells of an image. The sine and cosine of a sum can be computed
/// from those of its terms, so this has an angle for each row and each column, not for each cell.
pub struct CellEncodings {
    /// The sines, then the cosines, of each row's angles, `[rows, channels]`.
    rows: Tensor<2>,
    /// The same for each column, `[columns, channels]`.
    columns: Tensor<2>,
    /// What is added to each encoding, `[channels]`.
    added: Tensor<1>,
}

impl CellEncodings {
    /// The encodings of the first `count` of the cells in `places`, which are numbered row by row:
    /// `[count, channels]`.
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

/// Makes a map with the stride and the number of channels of the image embedding from mask logits.
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
