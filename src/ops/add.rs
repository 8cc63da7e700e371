//! Sums of tensors.

use burn::tensor::Tensor;

use super::cost::Cost;
use super::op::{Launch, Op, workgroups_for};
use super::params::params;
use super::run::run;
use super::shader::{Kernel, Settings, Shader, Vectors};

/// `a + b`. Leading axes of `b` may be 1 or missing; it is then repeated along those of `a`.
pub fn add<const D: usize, const E: usize>(a: Tensor<D>, b: Tensor<E>) -> Tensor<D> {
    scale_add(a, 1.0, b)
}

/// `scale * a + b`, where `b` may be smaller in the same way as in [`add`].
pub fn scale_add<const D: usize, const E: usize>(
    a: Tensor<D>,
    scale: f32,
    b: Tensor<E>,
) -> Tensor<D> {
    let (shape, own) = (a.dims(), b.dims());
    let period: usize = own.iter().product();
    let mut trailing =
        own.into_iter().skip_while(|&size| size == 1).collect::<Vec<_>>().into_iter().rev();
    assert!(
        shape.iter().rev().all(|&size| trailing.next().is_none_or(|own| own == size)),
        "the trailing axes of both shapes must match"
    );
    run(Add { count: shape.iter().product(), period, scale }, [a.into(), b.into()], shape)
}

/// `out[i] = scale * a[i] + b[i % period]`. The inputs are `a` and `b`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Add {
    pub count: usize,
    pub period: usize,
    pub scale: f32,
}

params! {
    /// The parameters of `shaders/add.wgsl`.
    struct AddParams {
        count: u32,
        period: u32,
        groups_x: u32,
        scale: f32,
    }
}

impl Op<2> for Add {
    type Params = AddParams;

    const KERNELS: &'static [Kernel] = &[Kernel {
        name: "add",
        wgsl: include_str!("../../shaders/add.wgsl"),
        vectors: Vectors::Both,
        settings: Settings::none,
    }];

    fn name(&self) -> &'static str {
        "sum"
    }

    fn cost(&self) -> Cost {
        let values = (2 * self.count + self.period) as u64;
        Cost { flops: 2 * self.count as u64, bytes: 4 * values }
    }

    fn launch(&self, _f16: bool) -> Launch<AddParams> {
        let (shader, unit) =
            Shader::fitting(&Self::KERNELS[0], Settings::NONE, &[self.count, self.period]);
        let workgroups = workgroups_for(self.count / unit);
        let params = AddParams {
            count: (self.count / unit) as u32,
            period: (self.period / unit) as u32,
            groups_x: workgroups[0] as u32,
            scale: self.scale,
        };
        Launch { shader, params, workgroups }
    }

    fn cpu(&self, [a, b]: [&[f32]; 2], out: &mut [f32]) {
        for (out, a) in out.chunks_mut(self.period).zip(a.chunks(self.period)) {
            out.iter_mut().zip(a).zip(b).for_each(|((out, a), b)| *out = self.scale * a + b);
        }
    }
}
