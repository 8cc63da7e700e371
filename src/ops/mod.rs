//! Own operations on burn tensors, each with a WGSL kernel (`shaders/`) and a CPU twin (`ops::cpu`).
//!
//! burn's stock kernels are not used on the hot path: without autotune they are slow in a browser, and some panic on
//! adapters with wide subgroups. Everything here is channels-last and 32-bit float; weights may be 8-bit or 4-bit.

mod cpu;
mod extension;
mod gpu;
pub mod profile;
mod read;
mod shader;
mod spec;

use burn::backend::Dispatch;
use burn::tensor::{DType, Device, Int, Tensor, TensorData};

use extension::SegmentationOps;
use profile::measured;
pub use read::{read, wait};
pub use spec::{
    Activation, AttentionSpec, Bits, DepthwiseSpec, HeadLayout, MatmulSpec, NormSpec, Patches, ScoreBias,
};

/// Weights that share one scale, consecutive along the input axis.
pub const GROUP: usize = 32;

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
    /// From packed `words` and `scales` (see [`Weight::Quantised`]) of a matrix of the given size. The CPU gets floats: to expand
    /// them for each product would take time, and a copy of the network's weights is small beside its activations.
    pub fn quantised(
        bits: Bits,
        words: Vec<i32>,
        scales: Vec<f32>,
        [outputs, inputs]: [usize; 2],
        device: &Device,
    ) -> Self {
        if *device == Device::flex() {
            let values = TensorData::new(cpu::dequantise(&words, bits, &scales), [outputs, inputs]);
            return Weight::F32(Tensor::from_data(values, (device, DType::F32)));
        }
        let words = TensorData::new(words, [outputs, inputs / bits.per_word()]);
        let scales = TensorData::new(scales, [outputs, inputs / GROUP]);
        Weight::Quantised {
            bits,
            words: Tensor::from_data(words, (device, DType::I32)),
            scales: Tensor::from_data(scales, (device, DType::F32)),
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

/// `activation(x Wᵀ + bias)` over the last axis; `x` is `[.., inputs]`, the result `[.., outputs]`.
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
    let spec = MatmulSpec { rows, cols, depth, activation, ..MatmulSpec::default() };
    shape[D - 1] = cols;
    product(x, weight, bias, None, spec).reshape(shape)
}

/// `activation(x Wᵀ + bias + residual)`; `residual` is shaped like the result.
pub fn linear_add<const D: usize>(
    x: Tensor<D>,
    weight: &Weight,
    bias: &Tensor<1>,
    residual: Tensor<D>,
    activation: Activation,
) -> Tensor<D> {
    let shape = residual.dims();
    let [cols, depth] = weight.dims();
    let rows = shape[..D - 1].iter().product();
    assert_eq!(x.dims().iter().product::<usize>(), rows * depth, "x must have the residual's rows");
    assert_eq!(shape[D - 1], cols, "the residual's last axis must match the weight's outputs");
    let spec = MatmulSpec { rows, cols, depth, has_residual: true, activation, ..MatmulSpec::default() };
    let residual = residual.reshape([rows * cols]);
    product(x, weight, bias, Some(residual), spec).reshape(shape)
}

/// `a bᵀ` for each batch: `[batch, rows, depth]` and `[batch, cols, depth]` give `[batch, rows, cols]`.
pub fn matmul_transposed(a: Tensor<3>, b: Tensor<3>) -> Tensor<3> {
    let [batch, rows, depth] = a.dims();
    let [b_batch, cols, b_depth] = b.dims();
    assert_eq!((batch, depth), (b_batch, b_depth), "batch and depth must match");
    let spec = MatmulSpec { batch, rows, cols, depth, weight_batched: true, ..MatmulSpec::default() };
    let bias = Tensor::<1>::zeros([cols], &a.device()).into_dispatch();
    let (device, (a, b)) = (a.device(), (a.into_dispatch(), b.into_dispatch()));
    let cost = || spec.cost(32);
    let out = measured("product of tensors", &device, cost, || {
        Dispatch::seg_matmul(a, b, bias.clone(), bias, spec)
    });
    Tensor::<1>::from_dispatch(out).reshape([batch, rows, cols])
}

/// Convolution of `[batch, height, width, channels]` with a square kernel; the weight's inputs run over
/// (ky, kx, channel).
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
    let spec = MatmulSpec {
        batch,
        rows: out_height * out_width,
        cols,
        depth,
        activation,
        patches: Some(Patches { in_height, in_width, channels, out_width, kernel, stride, padding }),
        ..MatmulSpec::default()
    };
    product(x, weight, bias, None, spec).reshape([batch, out_height, out_width, cols])
}

/// A square convolution window.
#[derive(Clone, Copy, Debug)]
pub struct ConvWindow {
    pub kernel: usize,
    pub stride: usize,
    pub padding: usize,
}

fn product<const D: usize>(
    x: Tensor<D>,
    weight: &Weight,
    bias: &Tensor<1>,
    residual: Option<Tensor<1>>,
    spec: MatmulSpec,
) -> Tensor<1> {
    // Every binding is there in every variant: without a residual, the bias stands in.
    let residual = residual.unwrap_or_else(|| bias.clone()).into_dispatch();
    let device = x.device();
    let (x, bias) = (x.into_dispatch(), bias.clone().into_dispatch());
    let kernel = if spec.patches.is_some() { "convolution" } else { "linear" };
    Tensor::from_dispatch(match weight {
        Weight::F32(weight) => {
            let weight = weight.clone().into_dispatch();
            measured(
                kernel,
                &device,
                || spec.cost(32),
                || Dispatch::seg_matmul(x, weight, bias, residual, spec),
            )
        }
        Weight::Quantised { bits, words, scales } => {
            let (words, scales) = (words.clone().into_dispatch(), scales.clone().into_dispatch());
            let run = || Dispatch::seg_matmul_quantised(x, words, scales, bias, residual, *bits, spec);
            measured(kernel, &device, || spec.cost(bits.count()), run)
        }
    })
}

/// Depthwise 3 x 3 convolution of `[batch, height, width, channels]` with zero padding 1; `weight` is `[9, channels]`.
pub fn depthwise3x3(
    x: Tensor<4>,
    weight: &Tensor<2>,
    bias: &Tensor<1>,
    stride: usize,
    activation: Activation,
) -> Tensor<4> {
    let [batch, in_height, in_width, channels] = x.dims();
    let spec = DepthwiseSpec { batch, in_height, in_width, channels, stride, activation };
    let device = x.device();
    let (x, weight, bias) = (x.into_dispatch(), weight.clone().into_dispatch(), bias.clone().into_dispatch());
    let run = || Dispatch::seg_depthwise(x, weight, bias, spec);
    let out = measured("depthwise convolution", &device, || spec.cost(), run);
    Tensor::<1>::from_dispatch(out).reshape([batch, spec.out_height(), spec.out_width(), channels])
}

/// `activation(layer_norm(x))` over the last axis.
pub fn layer_norm<const D: usize>(
    x: Tensor<D>,
    gamma: &Tensor<1>,
    beta: &Tensor<1>,
    epsilon: f32,
    activation: Activation,
) -> Tensor<D> {
    let shape = x.dims();
    let channels = shape[D - 1];
    let rows = shape[..D - 1].iter().product();
    let spec = NormSpec { rows, channels, epsilon, activation };
    let device = x.device();
    let (x, gamma, beta) = (x.into_dispatch(), gamma.clone().into_dispatch(), beta.clone().into_dispatch());
    let run = || Dispatch::seg_layer_norm(x, gamma, beta, spec);
    let out = measured("layer norm", &device, || spec.cost(), run);
    Tensor::<1>::from_dispatch(out).reshape(shape)
}

/// Multi-head attention with separate `[batch, tokens, heads * dim]` operands, scaled by `1 / sqrt(dim)`. An operand
/// with a batch axis of 1 is shared by all batches.
pub fn attention(q: Tensor<3>, k: Tensor<3>, v: Tensor<3>, heads: usize) -> Tensor<3> {
    cross_attention(q, k, v, None, heads)
}

/// [`attention`] with a bias `[queries, keys]` on the scores of all heads and batches.
pub fn biased_attention(
    q: Tensor<3>,
    k: Tensor<3>,
    v: Tensor<3>,
    bias: Tensor<2>,
    heads: usize,
) -> Tensor<3> {
    assert_eq!(bias.dims(), [q.dims()[1], k.dims()[1]], "the bias must have a value for each score");
    cross_attention(q, k, v, Some(bias), heads)
}

fn cross_attention(
    q: Tensor<3>,
    k: Tensor<3>,
    v: Tensor<3>,
    bias: Option<Tensor<2>>,
    heads: usize,
) -> Tensor<3> {
    let [q_batch, queries, width] = q.dims();
    let [k_batch, keys, _] = k.dims();
    let dim = width / heads;
    let batch = q_batch.max(k_batch);
    let layout = |own: usize| {
        assert!(own == batch || own == 1, "batches must match or be shared");
        HeadLayout { stride: width, offset: 0, head_stride: dim, shared: own < batch }
    };
    let spec = AttentionSpec {
        batch,
        queries,
        keys,
        heads,
        dim,
        scale: (dim as f32).sqrt().recip(),
        bias: if bias.is_some() { ScoreBias::Shared } else { ScoreBias::None },
        q: layout(q_batch),
        k: layout(k_batch),
        v: layout(v.dims()[0]),
    };
    let bias = bias.map_or_else(|| Tensor::zeros([1], &q.device()), |bias| bias.reshape([queries * keys]));
    run_attention(q, k, v, bias, spec)
}

/// Self-attention on a fused projection `[batch, tokens, heads * (query | key | value)]` with a bias
/// `[heads, tokens, tokens]` on the scores.
pub fn self_attention(qkv: Tensor<3>, bias: &Tensor<3>, heads: usize) -> Tensor<3> {
    let [batch, tokens, width] = qkv.dims();
    let dim = width / heads / 3;
    let layout = |offset| HeadLayout { stride: width, offset, head_stride: 3 * dim, shared: false };
    let spec = AttentionSpec {
        batch,
        queries: tokens,
        keys: tokens,
        heads,
        dim,
        scale: (dim as f32).sqrt().recip(),
        bias: ScoreBias::PerHead,
        q: layout(0),
        k: layout(dim),
        v: layout(2 * dim),
    };
    let bias = bias.clone().reshape([heads * tokens * tokens]);
    run_attention(qkv.clone(), qkv.clone(), qkv, bias, spec)
}

fn run_attention(
    q: Tensor<3>,
    k: Tensor<3>,
    v: Tensor<3>,
    bias: Tensor<1>,
    spec: AttentionSpec,
) -> Tensor<3> {
    let device = q.device();
    let (q, k) = (q.into_dispatch(), k.into_dispatch());
    let (v, bias) = (v.into_dispatch(), bias.into_dispatch());
    let run = || Dispatch::seg_attention(q, k, v, bias, spec);
    let out = measured("attention", &device, || spec.cost(), run);
    Tensor::<1>::from_dispatch(out).reshape([spec.batch, spec.queries, spec.heads * spec.dim])
}
