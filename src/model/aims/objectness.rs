//! Objectness: how likely it is that the centre of a mask is at a position. The best positions
//! become queries.

use super::{LayerNorm, Mlp};
use crate::error::Result;
use crate::model::manifest::LevelsConfig;
use crate::model::weights::Weights;
use crate::ops::{Activation, Tensor};

/// Predicts the objectness of one level.
pub(super) struct Objectness {
    norm: LayerNorm,
    mlp: Mlp,
}

impl Objectness {
    /// Loads the layers from the tensors under `name`.
    pub(super) fn load(weights: &Weights, name: &str, config: &LevelsConfig) -> Result<Self> {
        let width = config.width;
        Ok(Self {
            norm: LayerNorm::load(weights, &format!("{name}.norm"), width, LayerNorm::EPSILON)?,
            mlp: Mlp::load(weights, &format!("{name}.mlp"), &[width, width, 1])?,
        })
    }

    /// The objectness at each position, as logits `[1, rows, cols, 1]`, from the pixel decoder's
    /// map of stride 8, `[1, rows, cols, width]`.
    pub(super) fn forward(&self, map8: Tensor<4>) -> Tensor<4> {
        self.mlp.forward(self.norm.forward(map8, Activation::None), Activation::Gelu)
    }
}

/// The positions of `[rows, cols]` that should not become queries: 1 for these, 0 for others.
/// `prompt` is a mask prompt, 0 or 1 for each pixel of the input. A position is excluded if the
/// prompt covers less than half of it. If the prompt covers no position that far, all but those
/// that it covers most are excluded.
pub(super) fn excluded(prompt: Option<&[f32]>, [rows, cols]: [usize; 2]) -> Vec<f32> {
    let Some(prompt) = prompt else { return vec![0.0; rows * cols] };
    let shares = shares(prompt, [rows, cols]);
    let enough = shares.iter().copied().fold(0.0, f32::max).min(0.5);
    shares.into_iter().map(|share| f32::from(u8::from(share < enough))).collect()
}

/// The share of each position that lies in the mask.
fn shares(mask: &[f32], [rows, cols]: [usize; 2]) -> Vec<f32> {
    let cell = (mask.len() / (rows * cols)).isqrt();
    let mut shares = vec![0.0; rows * cols];
    for (y, row) in mask.chunks(cols * cell).enumerate() {
        for (x, value) in row.iter().enumerate() {
            shares[y / cell * cols + x / cell] += value;
        }
    }
    shares.iter().map(|sum| sum / (cell * cell) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_confines_the_choice() {
        // Each position has two pixels along each axis. The prompts are the lower right quarter and
        // a thin line.
        let mask = |inside: fn(usize, usize) -> bool| -> Vec<f32> {
            (0..64).map(|i| f32::from(u8::from(inside(i % 8, i / 8)))).collect()
        };
        let open = |mask: &[f32]| -> Vec<usize> {
            let excluded = excluded(Some(mask), [4, 4]);
            (0..16).filter(|&at| excluded[at] == 0.0).collect()
        };
        assert_eq!(open(&mask(|x, y| x >= 4 && y >= 4)), [10, 11, 14, 15]);
        assert_eq!(open(&mask(|x, _| x == 7)), [3, 7, 11, 15]);
        assert_eq!(excluded(None, [4, 4]), [0.0; 16]);
    }
}
