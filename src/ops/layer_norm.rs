//! Layer norm.

use burn::tensor::Tensor;

use super::activation::Activation;
use super::cost::Cost;
use super::cpu::{activate, for_each_chunk};
use super::op::{Launch, Op, folded};
use super::params::params;
use super::run::run;
use super::shader::{Kernel, Settings, Shader, Vectors};

/// `activation(layer_norm(x))` over the last axis, with scale `gamma` and offset `beta` of each
/// channel.
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
    let op = LayerNorm { rows, channels, epsilon, activation };
    run(op, [x.into(), gamma.clone().into(), beta.clone().into()], shape)
}

/// Layer norm as an operation. The inputs are `x`, `gamma` and `beta`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct LayerNorm {
    pub rows: usize,
    pub channels: usize,
    pub epsilon: f32,
    pub activation: Activation,
}

params! {
    /// The parameters of `shaders/layer_norm.wgsl`.
    struct LayerNormParams {
        rows: u32,
        channels: u32,
        groups_x: u32,
        epsilon: f32,
        activation: u32,
    }
}

/// The number of rows that one workgroup normalises.
const GROUP_ROWS: usize = 4;

impl Op<3> for LayerNorm {
    type Params = LayerNormParams;

    const KERNELS: &'static [Kernel] = &[Kernel {
        name: "layer norm",
        wgsl: include_str!("../../shaders/layer_norm.wgsl"),
        vectors: Vectors::Both,
        settings: Settings::none,
    }];

    fn name(&self) -> &'static str {
        "layer norm"
    }

    fn cost(&self) -> Cost {
        let values = (self.rows * self.channels) as u64;
        Cost { flops: 8 * values, bytes: 8 * values }
    }

    fn launch(&self, _f16: bool) -> Launch<LayerNormParams> {
        let (shader, unit) = Shader::fitting(&Self::KERNELS[0], Settings::NONE, &[self.channels]);
        let workgroups = folded(self.rows.div_ceil(GROUP_ROWS));
        let params = LayerNormParams {
            rows: self.rows as u32,
            channels: (self.channels / unit) as u32,
            groups_x: workgroups[0] as u32,
            epsilon: self.epsilon,
            activation: self.activation.code(),
        };
        Launch { shader, params, workgroups }
    }

    fn cpu(&self, [x, gamma, beta]: [&[f32]; 3], out: &mut [f32]) {
        normalise(x, gamma, beta, self, out);
    }
}

/// The number of rows that one thread of the CPU normalises at a time.
const BLOCK: usize = 256;

/// The CPU twin.
fn normalise(x: &[f32], gamma: &[f32], beta: &[f32], spec: &LayerNorm, out: &mut [f32]) {
    let channels = spec.channels;
    for_each_chunk(out, BLOCK * channels, |block, out| {
        let x = &x[block * BLOCK * channels..];
        for (out, x) in out.chunks_mut(channels).zip(x.chunks(channels)) {
            let mean = sum_of(x, |x| x) / channels as f32;
            let variance = sum_of(x, |x| (x - mean) * (x - mean)) / channels as f32;
            let scale = (variance + spec.epsilon).sqrt().recip();
            for (((out, x), gamma), beta) in out.iter_mut().zip(x).zip(gamma).zip(beta) {
                *out = (x - mean) * scale * gamma + beta;
            }
        }
        activate(out, spec.activation);
    });
}

/// Sums `term` over all values. It keeps several sums, which compilers can vectorise. They cannot
/// vectorise a single sum, because that would change the order of the additions.
fn sum_of(values: &[f32], term: impl Fn(f32) -> f32) -> f32 {
    const LANES: usize = 8;
    let (chunks, rest) = values.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for chunk in chunks {
        sums.iter_mut().zip(chunk).for_each(|(sum, &value)| *sum += term(value));
    }
    sums.iter().sum::<f32>() + rest.iter().map(|&value| term(value)).sum::<f32>()
}
