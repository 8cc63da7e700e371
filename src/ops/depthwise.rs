//! Depthwise convolution.

use burn::tensor::Tensor;

use super::activation::Activation;
use super::cost::Cost;
use super::cpu::{Lanes, activate, for_each_chunk};
use super::op::{Launch, Op, workgroups_for};
use super::params::params;
use super::run::run;
use super::shader::{Kernel, Settings, Shader, Vectors};

/// A depthwise 3 x 3 convolution of a feature map `[batch, height, width, channels]`, with a zero
/// padding of 1. `weight` is `[9, channels]`, with the nine positions of the window in reading
/// order.
pub fn depthwise3x3(
    x: Tensor<4>,
    weight: &Tensor<2>,
    bias: &Tensor<1>,
    stride: usize,
    activation: Activation,
) -> Tensor<4> {
    let [batch, in_height, in_width, channels] = x.dims();
    let op = Depthwise { batch, in_height, in_width, channels, stride, activation };
    let shape = [batch, op.out_height(), op.out_width(), channels];
    run(op, [x.into(), weight.clone().into(), bias.clone().into()], shape)
}

/// Depthwise convolution as an operation. The inputs are the feature map, the weight and the bias.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Depthwise {
    pub batch: usize,
    pub in_height: usize,
    pub in_width: usize,
    pub channels: usize,
    pub stride: usize,
    pub activation: Activation,
}

params! {
    /// The parameters of `shaders/depthwise.wgsl`.
    struct DepthwiseParams {
        in_height: u32,
        in_width: u32,
        out_height: u32,
        out_width: u32,
        channels: u32,
        stride: u32,
        count: u32,
        groups_x: u32,
        activation: u32,
    }
}

impl Depthwise {
    fn out_height(&self) -> usize {
        (self.in_height - 1) / self.stride + 1
    }

    fn out_width(&self) -> usize {
        (self.in_width - 1) / self.stride + 1
    }
}

impl Op<3> for Depthwise {
    type Params = DepthwiseParams;

    const KERNELS: &'static [Kernel] = &[Kernel {
        name: "depthwise",
        wgsl: include_str!("../../shaders/depthwise.wgsl"),
        vectors: Vectors::Mostly,
        settings: Settings::none,
    }];

    fn name(&self) -> &'static str {
        "depthwise convolution"
    }

    fn cost(&self) -> Cost {
        let inputs = self.batch * self.in_height * self.in_width * self.channels;
        let outputs = self.batch * self.out_height() * self.out_width() * self.channels;
        Cost { flops: 18 * outputs as u64, bytes: 4 * (inputs + outputs) as u64 }
    }

    fn launch(&self, _f16: bool) -> Launch<DepthwiseParams> {
        let (shader, unit) = Shader::fitting(&Self::KERNELS[0], Settings::NONE, &[self.channels]);
        let (out_height, out_width) = (self.out_height(), self.out_width());
        let count = self.batch * out_height * out_width * self.channels / unit;
        let workgroups = workgroups_for(count);
        let params = DepthwiseParams {
            in_height: self.in_height as u32,
            in_width: self.in_width as u32,
            out_height: out_height as u32,
            out_width: out_width as u32,
            channels: (self.channels / unit) as u32,
            stride: self.stride as u32,
            count: count as u32,
            groups_x: workgroups[0] as u32,
            activation: self.activation.code(),
        };
        Launch { shader, params, workgroups }
    }

    fn cpu(&self, [x, w, bias]: [&[f32]; 3], out: &mut [f32]) {
        depthwise(x, w, bias, self, out);
    }
}

/// The number of channels that are summed at a time.
const LANES: usize = REGISTERS * Lanes::COUNT;
/// The number of registers that their sums take.
const REGISTERS: usize = 4;

/// The CPU twin. `x` is `[batch, height, width, channels]`, and `w` is `[9, channels]`.
fn depthwise(x: &[f32], w: &[f32], bias: &[f32], spec: &Depthwise, out: &mut [f32]) {
    let Depthwise { in_height, in_width, channels, stride, .. } = *spec;
    let (out_height, out_width) = (spec.out_height(), spec.out_width());
    for_each_chunk(out, out_width * channels, |line, out| {
        let (batch, y) = (line / out_height, line % out_height);
        let image = &x[batch * in_height * in_width * channels..];
        for (x, out) in out.chunks_mut(channels).enumerate() {
            // The positions under the window that lie in the map, each with its weights.
            let mut taps = [(bias, bias); 9];
            let mut count = 0;
            for (tap, w) in w.chunks(channels).enumerate() {
                // These are shifted by the padding, so that valid input rows are 1..=in_height.
                let (in_y, in_x) = (y * stride + tap / 3, x * stride + tap % 3);
                if (1..=in_height).contains(&in_y) && (1..=in_width).contains(&in_x) {
                    let from = ((in_y - 1) * in_width + in_x - 1) * channels;
                    taps[count] = (&image[from..][..channels], w);
                    count += 1;
                }
            }
            out.copy_from_slice(bias);
            add_products(out, &taps[..count]);
        }
        activate(out, spec.activation);
    });
}

/// Adds the products of positions and weights to each channel, `LANES` channels at a time, so that
/// the sums stay in registers.
fn add_products(out: &mut [f32], taps: &[(&[f32], &[f32])]) {
    let (chunks, rest) = out.as_chunks_mut::<LANES>();
    let whole = chunks.len() * LANES;
    for (i, out) in chunks.iter_mut().enumerate() {
        let mut sums: [Lanes; REGISTERS] =
            std::array::from_fn(|register| Lanes::load(out, register));
        for (pixel, w) in taps {
            let chunk = |values: &[f32]| -> [f32; LANES] {
                values[i * LANES..][..LANES].try_into().expect("the slice has this length")
            };
            let (pixel, w) = (chunk(pixel), chunk(w));
            for (register, sum) in sums.iter_mut().enumerate() {
                *sum = Lanes::load(&pixel, register).mul_add(Lanes::load(&w, register), *sum);
            }
        }
        sums.iter().enumerate().for_each(|(register, sum)| sum.store(out, register));
    }
    for (pixel, w) in taps {
        let products = pixel[whole..].iter().zip(&w[whole..]);
        rest.iter_mut().zip(products).for_each(|(sum, (value, w))| *sum += value * w);
    }
}
