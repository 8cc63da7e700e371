//! Hiera, the trunk of SAM 2's image encoder, and its neck.
//!
//! Reference: sam2 1.1.0 (Apache-2.0). There is no non-linearity between the layers of the neck and
//! those of the mask decoder that read them, so the model file has their products
//! (`training/extract.py`).

use super::bands::in_steps;
use super::encoder::ImageFeatures;
use super::layers::{Conv, LayerNorm, Linear, NormedMlp};
use super::manifest::{HieraConfig, Stage};
use super::weights::Weights;
use crate::error::Result;
use crate::ops::profile::layer;
use crate::ops::{self, Activation, ConvWindow, Device, Tensor};
use crate::progress::Progress;

/// The windows of the patch embedding: 7 x 7 pixels, four pixels apart.
const PATCHES: ConvWindow = ConvWindow { kernel: 7, stride: 4, padding: 3 };
const STAGE_NAMES: [&str; 4] = ["stage 1", "stage 2", "stage 3", "stage 4"];

/// SAM 2's image encoder with its weights.
pub(super) struct Hiera {
    patch_embed: Conv,
    positions: Positions,
    stages: Vec<Vec<Block>>,
    neck: Neck,
}

impl Hiera {
    /// Loads the encoder from the tensors under `name`. `high_resolution` are the numbers of
    /// channels of the neck's maps of strides 4 and 8, and `embedding` is that of the image
    /// embedding.
    pub(super) fn load(
        weights: &Weights,
        name: &str,
        config: &HieraConfig,
        high_resolution: [usize; 2],
        embedding: usize,
    ) -> Result<Self> {
        let trunk = format!("{name}.trunk");
        let channels = config.stages[0].channels;
        let mut number = 0;
        let mut stages = Vec::new();
        for (i, stage) in config.stages.iter().enumerate() {
            let mut blocks = Vec::new();
            for first in (0..stage.depth).map(|i| i == 0) {
                // The first block of a stage works in windows of the stage before, and pools them.
                let before = if first && i > 0 { Some(&config.stages[i - 1]) } else { None };
                let is_global = config.global_blocks.contains(&number);
                blocks.push(Block::load(
                    weights,
                    &format!("{trunk}.blocks.{number}"),
                    stage,
                    before,
                    is_global,
                )?);
                number += 1;
            }
            stages.push(blocks);
        }
        Ok(Self {
            patch_embed: Conv::load(
                weights,
                &format!("{trunk}.patch_embed.proj"),
                3,
                channels,
                PATCHES,
            )?,
            positions: Positions::load(weights, &trunk, config)?,
            stages,
            neck: Neck::load(weights, &format!("{name}.neck"), config, high_resolution, embedding)?,
        })
    }

    /// Encodes an image. See [`super::encoder::ImageEncoder::forward`].
    pub(super) async fn forward(
        &self,
        image: Tensor<4>,
        progress: &Progress<'_>,
    ) -> Result<ImageFeatures> {
        let steps = (1 + self.stages.iter().map(Vec::len).sum::<usize>()) as f32;
        let mut done = 0.0;
        let device = image.device();
        let _encoder = layer("encoder");
        let named = layer("patch embedding");
        let x = self.patch_embed.forward(image, Activation::None);
        let [_, rows, cols, _] = x.dims();
        let mut x = ops::add(x, self.positions.table(rows, cols, &device));
        drop(named);
        let mut maps = Vec::new();
        for (stage, (blocks, name)) in self.stages.iter().zip(STAGE_NAMES).enumerate() {
            let named = layer(name);
            for block in blocks {
                x = block.forward(x);
                done += 1.0;
                progress.checkpoint(done / steps).await?;
            }
            drop(named);
            ops::throttle(&device).await?;
            maps.push(self.neck.narrow(stage, x.clone()));
        }
        let features = self.neck.forward(maps);
        ops::finish(&device).await?;
        progress.checkpoint(1.0).await?;
        Ok(features)
    }
}

/// Windowed or global attention, and an MLP. The first block of a stage changes the number of
/// channels and halves the resolution.
struct Block {
    norm1: LayerNorm,
    qkv: Linear,
    attention_out: Linear,
    /// The projection of the residual, if the number of channels changes.
    shortcut: Option<Linear>,
    mlp: NormedMlp,
    heads: usize,
    /// The side of the windows. `None` means that attention sees the whole image.
    window: Option<usize>,
}

impl Block {
    const EPSILON: f32 = 1e-6;
    const MLP_RATIO: usize = 4;
    /// The side of the windows that are pooled, in blocks that pool.
    const POOL: usize = 2;

    fn load(
        weights: &Weights,
        name: &str,
        stage: &Stage,
        before: Option<&Stage>,
        is_global: bool,
    ) -> Result<Self> {
        let (outputs, inputs) = (stage.channels, before.unwrap_or(stage).channels);
        let linear = |part: &str, inputs, outputs| {
            Linear::load(weights, &format!("{name}.{part}"), inputs, outputs)
        };
        let mlp = ["norm2", "mlp.layers.0", "mlp.layers.1"];
        Ok(Self {
            norm1: LayerNorm::load(weights, &format!("{name}.norm1"), inputs, Self::EPSILON)?,
            qkv: linear("attn.qkv", inputs, 3 * outputs)?,
            attention_out: linear("attn.proj", outputs, outputs)?,
            shortcut: before.map(|_| linear("proj", inputs, outputs)).transpose()?,
            mlp: NormedMlp::load(
                weights,
                name,
                mlp,
                [outputs, Self::MLP_RATIO * outputs],
                Self::EPSILON,
            )?,
            heads: stage.heads,
            window: (!is_global).then_some(before.unwrap_or(stage).window),
        })
    }

    /// Runs the block in bands, so that intermediate values are never in memory for the whole
    /// image. Windows do not attend to one another, so their attention can run in bands too; global
    /// attention cannot.
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let [_, rows, _, channels] = x.dims();
        let widest = channels * (1 + Self::MLP_RATIO);
        let pool = if self.shortcut.is_some() { Self::POOL } else { 1 };
        match self.window {
            Some(window) => {
                in_steps(&x, window, rows / pool, widest, |band| self.transform(self.attend(band)))
            }
            None => in_steps(&self.attend(x), 1, rows / pool, widest, |band| self.transform(band)),
        }
    }

    fn attend(&self, x: Tensor<4>) -> Tensor<4> {
        let normed = self.norm1.forward(x.clone(), Activation::None);
        let [batch, rows, cols, _] = x.dims();
        let (shortcut, pool) = match &self.shortcut {
            Some(shortcut) => {
                (ops::max_pool(shortcut.forward(normed.clone(), Activation::None)), Self::POOL)
            }
            None => (x, 1),
        };
        let width = shortcut.dims()[3];
        // As in the reference, the padding is zero after the norm and takes part in the attention.
        let side = self.window;
        let tokens = match side {
            Some(side) => ops::to_windows(normed, side),
            None => {
                let channels = normed.dims()[3];
                ops::reshape(normed, [batch, rows * cols, channels])
            }
        };
        let [windows, count, _] = tokens.dims();
        let qkv = self.qkv.forward(tokens, Activation::None);
        let queries = (pool > 1).then(|| {
            let (rows, cols) = side.map_or((rows, cols), |side| (side, side));
            let queries = ops::reshape(ops::slice(&qkv, 2, 0..width), [windows, rows, cols, width]);
            ops::reshape(ops::max_pool(queries), [windows, count / (pool * pool), width])
        });
        let seen = ops::fused_attention(queries, qkv, self.heads);
        let seen = match side {
            Some(side) => ops::from_windows(seen, side / pool, shortcut.dims()),
            None => ops::reshape(seen, shortcut.dims()),
        };
        self.attention_out.forward_add(seen, shortcut, Activation::None)
    }

    fn transform(&self, x: Tensor<4>) -> Tensor<4> {
        self.mlp.forward_add(x.clone(), x)
    }
}

/// The positional encodings of the patches: a small grid that is scaled to the whole input, plus a
/// tile that repeats in each window.
struct Positions {
    /// The grid, `[side, side, channels]`.
    background: Vec<f32>,
    background_side: usize,
    /// The tile, `[window, window, channels]`.
    tile: Vec<f32>,
    tile_side: usize,
    channels: usize,
}

impl Positions {
    fn load(weights: &Weights, trunk: &str, config: &HieraConfig) -> Result<Self> {
        let Stage { channels, window, .. } = config.stages[0];
        let square = |name: &str, side: usize| {
            weights.float_vec(&format!("{trunk}.{name}"), side * side * channels)
        };
        Ok(Self {
            background: square("pos_embed", config.position_side)?,
            background_side: config.position_side,
            tile: square("pos_embed_window", window)?,
            tile_side: window,
            channels,
        })
    }

    /// The encodings of an input of `rows` x `cols` patches, `[1, rows, cols, channels]`. They are
    /// cut out of those of the square around the input.
    fn table(&self, rows: usize, cols: usize, device: &Device) -> Tensor<4> {
        let (channels, side) = (self.channels, rows.max(cols));
        let taps: Vec<_> = (0..side).map(|at| bicubic(at, side, self.background_side)).collect();
        let mut values = Vec::with_capacity(rows * cols * channels);
        let line = self.background_side * channels;
        for y in 0..rows {
            let mut across = vec![0.0; line];
            for (row, weight) in taps[y] {
                let from = &self.background[row * line..][..line];
                across.iter_mut().zip(from).for_each(|(sum, value)| *sum += weight * value);
            }
            let tile = &self.tile[y % self.tile_side * self.tile_side * channels..];
            for (x, taps) in taps[..cols].iter().enumerate() {
                let start = values.len();
                values.extend_from_slice(&tile[x % self.tile_side * channels..][..channels]);
                for (column, weight) in taps {
                    let from = &across[column * channels..][..channels];
                    values[start..]
                        .iter_mut()
                        .zip(from)
                        .for_each(|(sum, value)| *sum += weight * value);
                }
            }
        }
        ops::tensor(values, [1, rows, cols, channels], device)
    }
}

/// The source values that make value number `at` when `from` values are scaled to `to` values, and
/// their weights. This is PyTorch's bicubic interpolation without aligned corners.
fn bicubic(at: usize, to: usize, from: usize) -> [(usize, f32); 4] {
    const A: f32 = -0.75;
    let place = (at as f32 + 0.5) * from as f32 / to as f32 - 0.5;
    let first = place.floor();
    let t = place - first;
    let near = |x: f32| ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0;
    let far = |x: f32| ((A * x - 5.0 * A) * x + 8.0 * A) * x - 4.0 * A;
    let weights = [far(t + 1.0), near(t), near(1.0 - t), far(2.0 - t)];
    std::array::from_fn(|i| {
        let source = (first as isize + i as isize - 1).clamp(0, from as isize - 1);
        (source as usize, weights[i])
    })
}

/// Makes SAM's image embedding, and the features that the mask decoder adds at high resolution,
/// from the trunk's maps.
struct Neck {
    stride4: Linear,
    stride8: Linear,
    stride16: Linear,
    stride32: Linear,
}

impl Neck {
    fn load(
        weights: &Weights,
        name: &str,
        config: &HieraConfig,
        [stride4, stride8]: [usize; 2],
        embedding: usize,
    ) -> Result<Self> {
        let from = |stage: usize, stride: usize, outputs| {
            let inputs = config.stages[stage].channels;
            Linear::load(weights, &format!("{name}.stride{stride}"), inputs, outputs)
        };
        Ok(Self {
            stride4: from(0, 4, stride4)?,
            stride8: from(1, 8, stride8)?,
            stride16: from(2, 16, embedding)?,
            stride32: from(3, 32, embedding)?,
        })
    }

    /// What is kept of a stage's map. Of the two largest maps, this is only what the mask decoder
    /// reads.
    fn narrow(&self, stage: usize, x: Tensor<4>) -> Tensor<4> {
        match stage {
            0 => self.stride4.forward(x, Activation::None),
            1 => self.stride8.forward(x, Activation::None),
            _ => x,
        }
    }

    /// Makes the features from the maps of the four stages, as [`Self::narrow`] returns them.
    fn forward(&self, maps: Vec<Tensor<4>>) -> ImageFeatures {
        let _named = layer("neck");
        let mut maps = maps.into_iter();
        let mut next = || maps.next().expect("a map of each of the four stages");
        let (stride4, stride8, stride16, stride32) = (next(), next(), next(), next());
        let coarse =
            ops::upsample_nearest(self.stride32.forward(stride32.clone(), Activation::None));
        let embedding = self.stride16.forward_add(stride16, coarse, Activation::None);
        ImageFeatures { stride4, stride8, deepest: stride32, embedding, efficient: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bicubic_weights_are_pytorchs() {
        // Columns 0, 3 and 15 of eye = torch.eye(7), which torch 2.15 scaled to a width of 16:
        // x = eye.view(7, 1, 1, 7).expand(7, 1, 7, 7)
        // interpolate(x, (7, 16), mode='bicubic')[:, 0, 3, :]
        let expected = [
            (0, [1.1089706, -0.1089706, 0.0, 0.0, 0.0, 0.0, 0.0]),
            (3, [-0.0219955, 0.9978409, 0.0248642, -0.0007095, 0.0, 0.0, 0.0]),
            (15, [0.0, 0.0, 0.0, 0.0, 0.0, -0.1089706, 1.1089706]),
        ];
        let dense = |at| {
            let mut row = [0.0; 7];
            bicubic(at, 16, 7).into_iter().for_each(|(i, weight)| row[i] += weight);
            row
        };
        for (at, expected) in expected {
            let found: [f32; 7] = dense(at);
            assert!(
                found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6),
                "{at}: {found:?}"
            );
        }
    }
}
