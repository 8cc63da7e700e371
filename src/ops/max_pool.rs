//! Max pooling.

use burn::tensor::Tensor;

use super::cost::Cost;
use super::cpu::for_each_chunk;
use super::op::{Launch, Op, workgroups_for};
use super::params::params;
use super::run::run;
use super::shader::{Kernel, Network, Settings, Shader, Vectors};

/// The largest of each 2 x 2 positions of a feature map `[batch, height, width, channels]`. A row
/// or column that is left over is dropped.
pub fn max_pool(x: Tensor<4>) -> Tensor<4> {
    let [batch, height, width, channels] = x.dims();
    run(
        MaxPool { batch, height, width, channels },
        [x.into()],
        [batch, height / 2, width / 2, channels],
    )
}

/// Max pooling as an operation. The input is the feature map, and the sizes are those of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MaxPool {
    pub batch: usize,
    pub height: usize,
    pub width: usize,
    pub channels: usize,
}

params! {
    /// The parameters of `shaders/max_pool.wgsl`.
    struct MaxPoolParams {
        in_height: u32,
        in_width: u32,
        channels: u32,
        count: u32,
        groups_x: u32,
    }
}

impl MaxPool {
    fn outputs(&self) -> usize {
        self.batch * (self.height / 2) * (self.width / 2) * self.channels
    }
}

impl Op<1> for MaxPool {
    type Params = MaxPoolParams;

    const KERNELS: &'static [Kernel] = &[Kernel {
        name: "max pool",
        wgsl: include_str!("../../shaders/max_pool.wgsl"),
        vectors: Vectors::Mostly,
        settings: |network: &Network| network.pools.then_some(Settings::NONE).into_iter().collect(),
    }];

    fn name(&self) -> &'static str {
        "max pooling"
    }

    fn cost(&self) -> Cost {
        let outputs = self.outputs() as u64;
        Cost { flops: 3 * outputs, bytes: 20 * outputs }
    }

    fn launch(&self, _f16: bool) -> Launch<MaxPoolParams> {
        let (shader, unit) = Shader::fitting(&Self::KERNELS[0], Settings::NONE, &[self.channels]);
        let count = self.outputs() / unit;
        let workgroups = workgroups_for(count);
        let params = MaxPoolParams {
            in_height: self.height as u32,
            in_width: self.width as u32,
            channels: (self.channels / unit) as u32,
            count: count as u32,
            groups_x: workgroups[0] as u32,
        };
        Launch { shader, params, workgroups }
    }

    fn cpu(&self, [x]: [&[f32]; 1], out: &mut [f32]) {
        max_pool_values(x, self, out);
    }
}

/// The CPU twin.
fn max_pool_values(x: &[f32], spec: &MaxPool, out: &mut [f32]) {
    let MaxPool { height, width, channels, .. } = *spec;
    let (out_height, out_width) = (height / 2, width / 2);
    for_each_chunk(out, out_width * channels, |line, out| {
        let (batch, y) = (line / out_height, line % out_height);
        let above = &x[(batch * height + 2 * y) * width * channels..][..2 * width * channels];
        let (above, below) = above.split_at(width * channels);
        let pairs = above.chunks(2 * channels).zip(below.chunks(2 * channels));
        for (out, (above, below)) in out.chunks_mut(channels).zip(pairs) {
            for (i, out) in out.iter_mut().enumerate() {
                // `f32::max` would be a call in a browser, and it loses a NaN.
                let larger = |a: f32, b: f32| if a > b || a.is_nan() { a } else { b };
                *out = larger(
                    larger(above[i], above[channels + i]),
                    larger(below[i], below[channels + i]),
                );
            }
        }
    });
}
