//! Own operations on burn tensors, each with a WGSL kernel (`shaders/`) and a CPU twin (`ops::cpu`).
//!
//! burn's stock kernels are not used on the hot path: without autotune they are slow in a browser, and some panic on
//! adapters with wide subgroups. Everything here is channels-last and 32-bit float; weights may be 8-bit or 4-bit.

mod cpu;
mod extension;
mod gpu;
mod layout;
mod places;
pub mod profile;
mod shader;
mod spec;

use burn::backend::{Dispatch, DispatchDevice, DispatchTensor};
use burn::tensor::wgpu::WgpuSetup;
use burn::tensor::{Device, Int, Tensor};

use crate::error::{Error, Result};
use extension::SegmentationOps;
pub use gpu::Counters;
use layout::shaped;
pub use layout::{
    add, at_hand, cat, collect, finish, flattened, from_windows, pace, permute, read, read_all, repeat,
    reshape, scale_add, slice, tensor, to_windows, upsample_nearest,
};
pub use places::{choose_places, cover, place_codes};
use profile::measured;
#[cfg(all(test, not(target_family = "wasm")))]
pub(crate) use shader::broken;
use shader::{Kernel, Shader};
pub use spec::{
    Activation, AttentionSpec, Bits, CoverSpec, DepthwiseSpec, HeadLayout, MatmulSpec, NormSpec, Patches,
    PoolSpec, ScoreBias,
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

/// Makes a GPU, which burn has opened on `setup`, ready for these operations: once, before any of them. If burn has opened another one on the
/// same setup, that is `beside`: what goes wrong on one of them concerns both.
pub fn register_gpu(device: &Device, setup: &WgpuSetup, beside: Option<&Device>) {
    let beside = beside.and_then(|other| match other.as_dispatch() {
        DispatchDevice::Cube(other) => Some(other),
        _ => None,
    });
    if let DispatchDevice::Cube(device) = device.as_dispatch() {
        gpu::Queue::register(device, setup, beside);
    }
}

/// Whether nothing has gone wrong on a device so far; after that, nothing computed on it counts.
pub fn is_sound(device: &Device) -> bool {
    match device.as_dispatch() {
        DispatchDevice::Cube(device) => gpu::Queue::of(device).check().is_ok(),
        _ => true,
    }
}

/// From now on a GPU multiplies 16-bit floats where it has them: less exact (about three digits), and on much hardware faster. Whether it
/// does so; never on the CPU.
pub fn use_half(device: &Device, half: bool) -> bool {
    match device.as_dispatch() {
        DispatchDevice::Cube(device) => gpu::Queue::of(device).use_half(half),
        _ => false,
    }
}

/// About how many bytes may be there between the input and the output of a piece of work that can be done in parts. A GPU wants few and
/// large kernels; a browser's memory for the CPU never shrinks again.
pub fn working_bytes(device: &Device) -> usize {
    match device.as_dispatch() {
        DispatchDevice::Cube(_) => 48 << 20,
        _ => 16 << 20,
    }
}

/// From now on, for good, a GPU computes nothing: kernels are recorded, with the memory that they need, and not run; results mean nothing.
pub(crate) fn plan_only(device: &Device) {
    if let DispatchDevice::Cube(device) = device.as_dispatch() {
        gpu::Queue::of(device).plan_only();
    }
}

/// Compiles what a network runs on a GPU, all at the same time, before it is needed: with weights of so many `bits` (beside floats),
/// attention heads of so many channels, and max pooling if it `pools`. What is left out is compiled when it is needed.
///
/// # Errors
/// [`Error::NoGpu`] if the device does not take one of the shaders.
pub async fn prepare(device: &Device, bits: &[Bits], head_channels: &[usize], pools: bool) -> Result<()> {
    let DispatchDevice::Cube(device) = device.as_dispatch() else { return Ok(()) };
    let mut shaders = Vec::new();
    let mut both = |kernel| shaders.extend([true, false].map(|vectors| Shader { kernel, vectors }));
    let half = gpu::Queue::of(device).half();
    for bits in bits.iter().copied().map(Some).chain([None]) {
        both(Kernel::Matmul { bits, patches: false, half });
        both(Kernel::Matmul { bits, patches: true, half });
    }
    both(Kernel::Add);
    both(Kernel::Arrange);
    let one = |kernel, vectors| Shader { kernel, vectors };
    shaders.extend([Kernel::Choose, Kernel::Cover].map(|kernel| one(kernel, false)));
    let merging = [true, false].map(|merge| Kernel::Windows { merge });
    shaders.extend([Kernel::Depthwise, Kernel::LayerNorm, Kernel::Codes].map(|kernel| one(kernel, true)));
    shaders.extend(merging.map(|kernel| one(kernel, true)));
    shaders.extend(pools.then(|| one(Kernel::MaxPool, true)));
    for &dim in head_channels {
        shaders.push(one(Kernel::Attention { dim, few: false }, true));
        if gpu::shares_keys(dim) {
            shaders.push(one(Kernel::Attention { dim, few: true }, true));
        }
    }
    gpu::Queue::of(device).prepare(shaders).await.map_err(Error::NoGpu)
}

/// A GPU's memory for tensors, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Memory {
    /// Of tensors that are alive.
    pub in_use: u64,
    /// Of them, and of buffers that are kept for the next ones.
    pub reserved: u64,
}

/// What tensors take of a GPU's memory now; nothing on the CPU.
pub fn memory(device: &Device) -> Memory {
    match device.as_dispatch() {
        DispatchDevice::Cube(device) => gpu::memory(device),
        _ => Memory::default(),
    }
}

/// What a GPU was asked to do so far.
pub fn counters(device: &Device) -> Counters {
    match device.as_dispatch() {
        DispatchDevice::Cube(device) => gpu::Queue::of(device).counters(),
        _ => Counters::default(),
    }
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
            words: layout::words(words, [outputs, inputs / bits.per_word()], device),
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
    shaped(product(x, weight, bias, None, spec), shape)
}

/// `activation(x Wᵀ + bias + residual)`; `residual` is shaped like the result, or has a batch axis of 1 for all.
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
    let spec = MatmulSpec { rows, cols, depth, residual_length, activation, ..MatmulSpec::default() };
    shaped(product(x, weight, bias, Some(residual.into_dispatch()), spec), shape)
}

/// `a bᵀ` for each batch: `[batch, rows, depth]` and `[batch, cols, depth]` give `[batch, rows, cols]`.
pub fn matmul_transposed(a: Tensor<3>, b: Tensor<3>) -> Tensor<3> {
    let [batch, rows, depth] = a.dims();
    let [b_batch, cols, b_depth] = b.dims();
    assert_eq!((batch, depth), (b_batch, b_depth), "batch and depth must match");
    let spec = MatmulSpec {
        batch,
        rows,
        cols,
        depth,
        weight_batched: true,
        has_bias: false,
        ..MatmulSpec::default()
    };
    let (device, (a, b)) = (a.device(), (a.into_dispatch(), b.into_dispatch()));
    let cost = || spec.cost(32);
    let out = measured("product of tensors", &device, cost, || {
        Dispatch::seg_matmul(a.clone(), b, a.clone(), a, spec)
    });
    shaped(out, [batch, rows, cols])
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
    shaped(product(x, weight, bias, None, spec), [batch, out_height, out_width, cols])
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
    residual: Option<DispatchTensor>,
    spec: MatmulSpec,
) -> DispatchTensor {
    // Every binding is there in every variant: without a residual, the bias stands in.
    let residual = residual.unwrap_or_else(|| bias.clone().into_dispatch());
    let device = x.device();
    let (x, bias) = (x.into_dispatch(), bias.clone().into_dispatch());
    let kernel = if spec.patches.is_some() { "convolution" } else { "linear" };
    match weight {
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
    }
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
    shaped(out, [batch, spec.out_height(), spec.out_width(), channels])
}

/// The largest of each 2 x 2 pixels of `[batch, height, width, channels]`; a row or column left over is dropped.
pub fn max_pool(x: Tensor<4>) -> Tensor<4> {
    let [batch, height, width, channels] = x.dims();
    let spec = PoolSpec { batch, height, width, channels };
    let (device, x) = (x.device(), x.into_dispatch());
    let out = measured("max pooling", &device, || spec.cost(), || Dispatch::seg_max_pool(x, spec));
    shaped(out, [batch, height / 2, width / 2, channels])
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
    shaped(out, shape)
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
    // The binding is there in every variant: without a bias, the queries stand in.
    match bias {
        Some(bias) => run_attention(q, k, v, bias, spec),
        None => run_attention(q.clone(), k, v, q, spec),
    }
}

/// Attention on a fused projection `[batch, tokens, query | key | value]`, heads side by side in each of the three. `queries`,
/// `[batch, fewer tokens, width]`, stand in for its own where they were pooled.
pub fn fused_attention(queries: Option<Tensor<3>>, qkv: Tensor<3>, heads: usize) -> Tensor<3> {
    let [batch, tokens, fused] = qkv.dims();
    let width = fused / 3;
    let dim = width / heads;
    let layout = |stride, offset| HeadLayout { stride, offset, head_stride: dim, shared: false };
    let (count, stride) = queries.as_ref().map_or((tokens, fused), |queries| {
        let [own_batch, count, own_width] = queries.dims();
        assert_eq!((own_batch, own_width), (batch, width), "queries must match the projection");
        (count, width)
    });
    let spec = AttentionSpec {
        batch,
        queries: count,
        keys: tokens,
        heads,
        dim,
        scale: (dim as f32).sqrt().recip(),
        bias: ScoreBias::None,
        q: layout(stride, 0),
        k: layout(fused, width),
        v: layout(fused, 2 * width),
    };
    // The binding of the bias is there in every variant: the queries stand in.
    let queries = queries.unwrap_or_else(|| qkv.clone());
    run_attention(queries.clone(), qkv.clone(), qkv, queries, spec)
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
    run_attention(qkv.clone(), qkv.clone(), qkv, bias.clone(), spec)
}

fn run_attention<const D: usize>(
    q: Tensor<3>,
    k: Tensor<3>,
    v: Tensor<3>,
    bias: Tensor<D>,
    spec: AttentionSpec,
) -> Tensor<3> {
    let device = q.device();
    let (q, k) = (q.into_dispatch(), k.into_dispatch());
    let (v, bias) = (v.into_dispatch(), bias.into_dispatch());
    let run = || Dispatch::seg_attention(q, k, v, bias, spec);
    let out = measured("attention", &device, || spec.cost(), run);
    shaped(out, [spec.batch, spec.queries, spec.heads * spec.dim])
}
