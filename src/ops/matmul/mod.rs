//! Matrix products, linear layers and convolutions, which are all one kernel.

mod cpu;
mod op;

use burn::tensor::Tensor;

use crate::ops::activation::Activation;
use crate::ops::backend::Primitive;
use crate::ops::run::run;
use crate::ops::weight::Weight;
pub(super) use op::{Matmul, Patches};

/// `activation(x Wᵀ + bias)` over the last axis. `x` is `[.., inputs]`, and the result is
/// `[.., outputs]`.
pub fn linear<const D: usize>(
    x: Tensor<D>,
    weight: &Weight,
    bias: &Tensor<1>,
    activation: Activation,
) -> Tensor<D> {
    let mut shape = x.dims();
    let [cols, depth] = weight.dims();
    assert_eq!(shape[D - 1], depth, "the last axis must match the weight's inputs");
    let rows = shape[..D - 1].iter().product();
    let op = Matmul { rows, cols, depth, activation, ..Matmul::default() };
    shape[D - 1] = cols;
    product(op, x, weight, bias, None, shape)
}

/// `activation(x Wᵀ + bias + residual)`. `residual` has the shape of the result, or a batch axis of
/// 1 if all batches share it.
pub fn linear_add<const D: usize>(
    x: Tensor<D>,
    weight: &Weight,
    bias: &Tensor<1>,
    residual: Tensor<D>,
    activation: Activation,
) -> Tensor<D> {
    let mut shape = x.dims();
    let [cols, depth] = weight.dims();
    assert_eq!(shape[D - 1], depth, "the last axis must match the weight's inputs");
    let rows = shape[..D - 1].iter().product();
    shape[D - 1] = cols;
    let own = residual.dims();
    assert!(
        own[1..] == shape[1..] && (own[0] == shape[0] || own[0] == 1),
        "the residual must match the result"
    );
    let residual_length = own.iter().product();
    let op = Matmul { rows, cols, depth, residual_length, activation, ..Matmul::default() };
    product(op, x, weight, bias, Some(residual.into()), shape)
}

/// `a bᵀ` for each batch. `[batch, rows, depth]` and `[batch, cols, depth]` give
/// `[batch, rows, cols]`.
pub fn matmul_transposed(a: Tensor<3>, b: Tensor<3>) -> Tensor<3> {
    let [batch, rows, depth] = a.dims();
    let [b_batch, cols, b_depth] = b.dims();
    assert_eq!((batch, depth), (b_batch, b_depth), "batch and depth must match");
    let op = Matmul {
        batch,
        rows,
        cols,
        depth,
        weight_batched: true,
        has_bias: false,
        ..Matmul::default()
    };
    let stand_in = || a.clone().into();
    run(op, [stand_in(), b.into(), stand_in(), stand_in(), stand_in()], [batch, rows, cols])
}

/// A convolution of a feature map `[batch, height, width, channels]` with a square kernel. The
/// inputs of the weight are in the order (ky, kx, channel).
pub fn conv2d(
    x: Tensor<4>,
    weight: &Weight,
    bias: &Tensor<1>,
    window: ConvWindow,
    activation: Activation,
) -> Tensor<4> {
    let [batch, in_height, in_width, channels] = x.dims();
    let [cols, depth] = weight.dims();
    let ConvWindow { kernel, stride, padding } = window;
    assert_eq!(depth, kernel * kernel * channels, "the weight must cover one window");
    let out = |size: usize| (size + 2 * padding - kernel) / stride + 1;
    let (out_height, out_width) = (out(in_height), out(in_width));
    let op = Matmul {
        batch,
        rows: out_height * out_width,
        cols,
        depth,
        activation,
        patches: Some(Patches {
            in_height,
            in_width,
            channels,
            out_width,
            kernel,
            stride,
            padding,
        }),
        ..Matmul::default()
    };
    product(op, x, weight, bias, None, [batch, out_height, out_width, cols])
}

/// The square window of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvWindow {
    /// The side of the window.
    pub kernel: usize,
    /// The distance from one window to the next.
    pub stride: usize,
    /// The width of the zeros around the map.
    pub padding: usize,
}

impl ConvWindow {
    /// A window whose middle lies on the map's positions, one after the other or with a stride.
    pub const fn centred(kernel: usize, stride: usize) -> Self {
        Self { kernel, stride, padding: kernel / 2 }
    }
}

fn product<const D: usize, const E: usize>(
    op: Matmul,
    x: Tensor<D>,
    weight: &Weight,
    bias: &Tensor<1>,
    residual: Option<Primitive>,
    shape: [usize; E],
) -> Tensor<E> {
    let stand_in = || bias.clone().into();
    let (bits, w, scales) = match weight {
        Weight::F32(weight) => (None, weight.clone().into(), stand_in()),
        Weight::Quantised { bits, packed, scales } => {
            (Some(*bits), packed.clone().into(), scales.clone().into())
        }
    };
    let residual = residual.unwrap_or_else(stand_in);
    run(Matmul { bits, ..op }, [x.into(), w, scales, stand_in(), residual], shape)
}
