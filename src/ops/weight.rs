//! Weights of products.

use burn::tensor::{Device, Int, Tensor};

use super::bits::{Bits, GROUP};
use super::tensor::{self, tensor};

/// The weights of a product: a matrix `[outputs, inputs]`.
#[derive(Clone, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "there are a few hundred, and a box would cost a hop at each product"
)]
pub enum Weight {
    /// Weights as 32-bit floats, `[outputs, inputs]`.
    F32(Tensor<2>),
    /// Packed weights: `weight[n, k] = value[n, k] * scales[n, k / GROUP]`.
    Quantised {
        /// The number of bits of each value.
        bits: Bits,
        /// The signed values, packed into 32-bit integers with the first one in the lowest bits:
        /// `[outputs, inputs / bits.per_u32()]`.
        packed: Tensor<2, Int>,
        /// The scales, `[outputs, inputs / GROUP]`.
        scales: Tensor<2>,
    },
}

impl Weight {
    /// Packed weights of a matrix of the given size. [`Weight::Quantised`] describes `packed` and
    /// `scales`.
    pub fn quantised(
        bits: Bits,
        packed: Vec<i32>,
        scales: Vec<f32>,
        [outputs, inputs]: [usize; 2],
        device: &Device,
    ) -> Self {
        Weight::Quantised {
            bits,
            packed: tensor::packed(packed, [outputs, inputs / bits.per_u32()], device),
            scales: tensor(scales, [outputs, inputs / GROUP], device),
        }
    }

    /// The size of the matrix, `[outputs, inputs]`.
    pub fn dims(&self) -> [usize; 2] {
        match self {
            Weight::F32(weight) => weight.dims(),
            Weight::Quantised { bits, packed, .. } => {
                let [outputs, row] = packed.dims();
                [outputs, row * bits.per_u32()]
            }
        }
    }
}
