//! Steps along a vector whose length the device itself has computed, so that an iterative solver
//! reads nothing back.

use burn::tensor::Tensor;

use super::cost::Cost;
use super::op::{Launch, Op, workgroups_for};
use super::params::params;
use super::run::run;
use super::shader::{Kernel, Settings, Shader, Vectors};

/// The coefficient `sign · dividend / divisor`, of tensors that have one value each. It is 0 if the
/// divisor is.
#[derive(Clone, Copy, Debug)]
pub struct Quotient<'a> {
    /// 1 or -1.
    pub sign: f32,
    /// The number that is divided.
    pub dividend: &'a Tensor<1>,
    /// The number that it is divided by.
    pub divisor: &'a Tensor<1>,
}

/// `coefficient · x[i] + y[i]`, or with weights `coefficient · x[i] + weights[i] · y[i]`.
pub fn axpy(
    coefficient: Quotient<'_>,
    x: &Tensor<1>,
    y: &Tensor<1>,
    weights: Option<&Tensor<1>>,
) -> Tensor<1> {
    let Quotient { sign, dividend, divisor } = coefficient;
    let shape = y.dims();
    assert_eq!(x.dims(), shape, "both must have the same length");
    assert!(weights.is_none_or(|weights| weights.dims() == shape), "each value needs a weight");
    assert_eq!([dividend.dims(), divisor.dims()], [[1]; 2], "the coefficient must be one number");
    let op = Axpy { count: shape[0], sign, weighted: weights.is_some() };
    let inputs = [x, y, weights.unwrap_or(y), dividend, divisor];
    run(op, inputs.map(|input| input.clone().into()), shape)
}

/// The sum as an operation. The inputs are x, y, the weights (which are ignored unless `weighted`
/// is set), the dividend and the divisor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Axpy {
    pub count: usize,
    pub sign: f32,
    pub weighted: bool,
}

params! {
    /// The parameters of `shaders/axpy.wgsl`.
    struct AxpyParams {
        count: u32,
        groups_x: u32,
        weighted: u32,
        sign: f32,
    }
}

impl Op<5> for Axpy {
    type Params = AxpyParams;

    const KERNELS: &'static [Kernel] = &[Kernel {
        name: "axpy",
        wgsl: include_str!("../../shaders/axpy.wgsl"),
        vectors: Vectors::Never,
        settings: Settings::none,
    }];

    fn name(&self) -> &'static str {
        "step"
    }

    fn cost(&self) -> Cost {
        let tensors = 3 + u64::from(self.weighted);
        Cost { flops: (tensors - 1) * self.count as u64, bytes: 4 * tensors * self.count as u64 }
    }

    fn launch(&self, _f16: bool) -> Launch<AxpyParams> {
        let workgroups = workgroups_for(self.count);
        let params = AxpyParams {
            count: self.count as u32,
            groups_x: workgroups[0] as u32,
            weighted: u32::from(self.weighted),
            sign: self.sign,
        };
        let shader = Shader { kernel: &Self::KERNELS[0], vectors: false, settings: Settings::NONE };
        Launch { shader, params, workgroups }
    }

    fn cpu(&self, [x, y, weights, dividend, divisor]: [&[f32]; 5], out: &mut [f32]) {
        let quotient = if divisor[0] == 0.0 { 0.0 } else { self.sign * dividend[0] / divisor[0] };
        for (i, out) in out.iter_mut().enumerate() {
            let start = if self.weighted { weights[i] * y[i] } else { y[i] };
            *out = start + quotient * x[i];
        }
    }
}
