//! The mask prompt encoder: it computes what a mask prompt adds to the image's features.

use crate::error::Result;
use crate::model::layers::{LayerNorm, Linear};
use crate::model::manifest::LevelsConfig;
use crate::model::weights::Weights;
use crate::ops::{self, Activation, Tensor};

/// A pyramid of linear layers over cells of the mask (4, 8 and 16 pixels a side), with one result
/// for each scale of the features.
pub(super) struct MaskPromptEncoder {
    scales: Vec<Scale>,
}

struct Scale {
    /// The side of a cell, in positions of the scale before.
    side: usize,
    reduce: Linear,
    norm: LayerNorm,
    inject: Linear,
}

/// What is added to the features of each stride, `[1, height / stride, width / stride, channels]`.
pub(super) struct Injection {
    /// What is added to the mask features.
    pub stride4: Tensor<4>,
    /// What is added to the map of stride 8.
    pub stride8: Tensor<4>,
    /// What is added to the map of stride 16.
    pub stride16: Tensor<4>,
}

impl MaskPromptEncoder {
    /// The sides of the cells of all scales, from fine to coarse.
    const SIDES: [usize; 3] = [4, 2, 2];

    /// Loads the encoder from the tensors under `name`.
    pub(super) fn load(weights: &Weights, name: &str, config: &LevelsConfig) -> Result<Self> {
        let outputs = [config.mask_dim, config.width, config.width];
        let mut inputs = 1;
        let mut scales = Vec::new();
        for (i, ((width, side), outputs)) in
            config.prompt_widths.into_iter().zip(Self::SIDES).zip(outputs).enumerate()
        {
            scales.push(Scale {
                side,
                reduce: Linear::load(
                    weights,
                    &format!("{name}.reduce.{i}"),
                    side * side * inputs,
                    width,
                )?,
                norm: LayerNorm::load(
                    weights,
                    &format!("{name}.norm.{i}"),
                    width,
                    LayerNorm::EPSILON,
                )?,
                inject: Linear::load(weights, &format!("{name}.inject.{i}"), width, outputs)?,
            });
            inputs = width;
        }
        Ok(Self { scales })
    }

    /// Encodes a mask prompt, `[1, height, width, 1]` of 0 and 1.
    pub(super) fn forward(&self, mask: Tensor<4>) -> Injection {
        let mut x = mask;
        let mut added = self.scales.iter().map(|scale| {
            let reduced = scale.reduce.forward(cells(x.clone(), scale.side), Activation::None);
            x = scale.norm.forward(reduced, Activation::Gelu);
            scale.inject.forward(x.clone(), Activation::None)
        });
        let mut next = || added.next().expect("three scales");
        Injection { stride4: next(), stride8: next(), stride16: next() }
    }
}

/// Folds `[1, h, w, c]` into cells, `[1, h / side, w / side, side² c]`. The positions of a cell are
/// in rows.
fn cells(x: Tensor<4>, side: usize) -> Tensor<4> {
    let [batch, height, width, channels] = x.dims();
    let (rows, cols) = (height / side, width / side);
    let windows = ops::to_windows(x, side);
    ops::reshape(windows, [batch, rows, cols, side * side * channels])
}
