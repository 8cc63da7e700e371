//! Dot products, which stay on the device.

use burn::tensor::Tensor;

use super::cost::Cost;
use super::op::{Launch, Op, THREADS};
use super::params::params;
use super::run::run;
use super::shader::{Kernel, Settings, Shader, Vectors};

/// The most parts that are summed at the same time: enough for the threads of a GPU.
const MOST_PARTS: usize = 256;

/// `Σ a[i] · b[i]`, or with weights `Σ weights[i] · a[i] · b[i]`, as a tensor of one value.
pub fn dot(a: &Tensor<1>, b: &Tensor<1>, weights: Option<&Tensor<1>>) -> Tensor<1> {
    let [count] = a.dims();
    assert_eq!(b.dims(), [count], "both must have the same length");
    assert!(weights.is_none_or(|weights| weights.dims() == [count]), "each value needs a weight");
    let parts = count.div_ceil(THREADS).clamp(1, MOST_PARTS);
    let inputs = [a, b, weights.unwrap_or(a)].map(|x| x.clone().into());
    let factors = 2 + usize::from(weights.is_some());
    let sums: Tensor<1> = run(Dot { count, parts, factors }, inputs, [parts]);
    if parts == 1 {
        return sums;
    }
    let inputs = [(); 3].map(|()| sums.clone().into());
    run(Dot { count: parts, parts: 1, factors: 1 }, inputs, [1])
}

/// The sum of products as an operation, in parts. It has three inputs of `count` values, of which
/// only the first `factors` are multiplied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dot {
    pub count: usize,
    pub parts: usize,
    pub factors: usize,
}

params! {
    /// The parameters of `shaders/dot.wgsl`.
    struct DotParams {
        count: u32,
        parts: u32,
        factors: u32,
    }
}

impl Op<3> for Dot {
    type Params = DotParams;

    const KERNELS: &'static [Kernel] = &[Kernel {
        name: "dot",
        wgsl: include_str!("../../shaders/dot.wgsl"),
        vectors: Vectors::Never,
        settings: Settings::none,
    }];

    fn name(&self) -> &'static str {
        "dot product"
    }

    fn cost(&self) -> Cost {
        let values = (self.count * self.factors) as u64;
        Cost { flops: values, bytes: 4 * values }
    }

    fn launch(&self, _f16: bool) -> Launch<DotParams> {
        let params = DotParams {
            count: self.count as u32,
            parts: self.parts as u32,
            factors: self.factors as u32,
        };
        let shader = Shader { kernel: &Self::KERNELS[0], vectors: false, settings: Settings::NONE };
        Launch { shader, params, workgroups: [self.parts, 1, 1] }
    }

    fn cpu(&self, inputs: [&[f32]; 3], out: &mut [f32]) {
        let factors = &inputs[..self.factors];
        let mut sums = vec![0.0_f64; self.parts];
        for i in 0..self.count {
            let product: f32 = factors.iter().map(|factor| factor[i]).product();
            sums[i / THREADS % self.parts] += f64::from(product);
        }
        out.iter_mut().zip(sums).for_each(|(out, sum)| *out = sum as f32);
    }
}
