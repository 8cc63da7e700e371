//! Depthwise convolution.

use burn::tensor::Tensor;

use super::activation::Activation;
use super::cost::Cost;
use super::cpu::{Lanes, activate, for_each_chunk};
use super::matmul::ConvWindow;
use super::op::{Launch, Op, workgroups_for};
use super::params::params;
use super::run::run;
use super::shader::{Kernel, Settings, Shader, Vectors};

/// A depthwise convolution of a feature map `[batch, height, width, channels]`. `weight` is
/// `[kernel², channels]`, with the positions of the window in reading order. The padding is that
/// before the first row and column; after the last ones there are as many zeros as the windows need,
/// so that each side of the result is that of the map divided by the stride, rounded up.
pub fn depthwise(
    x: Tensor<4>,
    weight: &Tensor<2>,
    bias: &Tensor<1>,
    window: ConvWindow,
    activation: Activation,
) -> Tensor<4> {
    let [batch, in_height, in_width, channels] = x.dims();
    let taps = window.kernel * window.kernel;
    assert_eq!(weight.dims(), [taps, channels], "the weight must cover one window");
    assert!(taps <= MAX_TAPS, "a window has at most {MAX_TAPS} positions");
    let op = Depthwise { batch, in_height, in_width, channels, window, activation };
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
    pub window: ConvWindow,
    pub activation: Activation,
}

/// The largest number of positions of a window.
const MAX_TAPS: usize = 25;

params! {
    /// The parameters of `shaders/depthwise.wgsl`.
    struct DepthwiseParams {
        in_height: u32,
        in_width: u32,
        out_height: u32,
        out_width: u32,
        channels: u32,
        kernel: u32,
        stride: u32,
        padding: u32,
        count: u32,
        groups_x: u32,
        activation: u32,
    }
}

impl Depthwise {
    fn out_height(&self) -> usize {
        self.in_height.div_ceil(self.window.stride)
    }

    fn out_width(&self) -> usize {
        self.in_width.div_ceil(self.window.stride)
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
        let taps = self.window.kernel * self.window.kernel;
        Cost { flops: (2 * taps * outputs) as u64, bytes: 4 * (inputs + outputs) as u64 }
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
            kernel: self.window.kernel as u32,
            stride: self.window.stride as u32,
            padding: self.window.padding as u32,
            count: count as u32,
            groups_x: workgroups[0] as u32,
            activation: self.activation.code(),
        };
        Launch { shader, params, workgroups }
    }

    fn cpu(&self, [x, w, bias]: [&[f32]; 3], out: &mut [f32]) {
        convolve(x, w, bias, self, out);
    }
}

/// The number of channels that are summed at a time.
const LANES: usize = REGISTERS * Lanes::COUNT;
/// The number of registers that their sums take.
const REGISTERS: usize = 4;

/// The CPU twin. `x` is `[batch, height, width, channels]`, and `w` is `[kernel², channels]`.
fn convolve(x: &[f32], w: &[f32], bias: &[f32], spec: &Depthwise, out: &mut [f32]) {
    let Depthwise { in_height, in_width, channels, window, .. } = *spec;
    let ConvWindow { kernel, stride, padding } = window;
    let in_rows = padding..padding + in_height;
    let in_columns = padding..padding + in_width;
    let (out_height, out_width) = (spec.out_height(), spec.out_width());
    for_each_chunk(out, out_width * channels, |line, out| {
        let (batch, y) = (line / out_height, line % out_height);
        let image = &x[batch * in_height * in_width * channels..];
        for (x, out) in out.chunks_mut(channels).enumerate() {
            // The positions under the window that lie in the map, each with its weights.
            let mut taps = [(bias, bias); MAX_TAPS];
            let mut count = 0;
            for (tap, w) in w.chunks(channels).enumerate() {
                // These are shifted by the padding.
                let (in_y, in_x) = (y * stride + tap / kernel, x * stride + tap % kernel);
                if in_rows.contains(&in_y) && in_columns.contains(&in_x) {
                    let from = ((in_y - padding) * in_width + in_x - padding) * channels;
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
