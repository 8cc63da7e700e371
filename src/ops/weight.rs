//! Weights of products.

use burn::tensor::{Device, Int, Tensor};

use super::bits::{Bits, GROUP};
use super::tensor::{self, tensor};

/// A matrix `[outputs, inputs]` of weights.
#[derive(Clone, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "there are a few hundred, and a box would cost a hop at each product"
)]
pub enum Weight {
    F32(Tensor<2>),
    /// `weight[n, k] = value[n, k] * scales[n, k / GROUP]`.
    Quantised {
        bits: Bits,
        /// Signed values, the first in the lowest bits: `[outputs, inputs / bits.per_word()]`.
        words: Tensor<2, Int>,
        /// `[outputs, inputs / GROUP]`.
        scales: Tensor<2>,
    },
}

impl Weight {
    /// From packed `words` and `scales` (see [`Weight::Quantised`]) of a matrix of the given size.
    pub fn quantised(
        bits: Bits,
        words: Vec<i32>,
        scales: Vec<f32>,
        [outputs, inputs]: [usize; 2],
        device: &Device,
    ) -> Self {
        Weight::Quantised {
            bits,
            words: tensor::words(words, [outputs, inputs / bits.per_word()], device),
            scales: tensor(scales, [outputs, inputs / GROUP], device),
        }
    }

    /// `[outputs, inputs]`.
    pub fn dims(&self) -> [usize; 2] {
        match self {
            Weight::F32(weight) => weight.dims(),
            Weight::Quantised { bits, words, .. } => {
                let [outputs, row] = words.dims();
                [outputs, row * bits.per_word()]
            }
        }
    }
}
