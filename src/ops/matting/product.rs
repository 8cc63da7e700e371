//! The product of the matrix of the equations with a vector, as an operation.

use super::NEIGHBOURS;
use super::cpu::product;
use crate::ops::cost::Cost;
use crate::ops::op::{Launch, Op, workgroups_for};
use crate::ops::params::params;
use crate::ops::shader::{Kernel, Settings, Shader, Vectors};

/// The inputs are the equations, the unknown of each pixel, the pixel of each unknown, and the
/// vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Product {
    pub width: usize,
    pub unknown: usize,
}

params! {
    /// The parameters of `shaders/matting_product.wgsl`.
    struct ProductParams {
        width: u32,
        unknown: u32,
        groups_x: u32,
    }
}

impl Op<4> for Product {
    type Params = ProductParams;

    const KERNELS: &'static [Kernel] = &[Kernel {
        name: "matting product",
        wgsl: include_str!("../../../shaders/matting_product.wgsl"),
        vectors: Vectors::Never,
        settings: Settings::none,
    }];

    fn name(&self) -> &'static str {
        "matting product"
    }

    fn cost(&self) -> Cost {
        let (unknown, neighbours) = (self.unknown as u64, NEIGHBOURS as u64);
        Cost { flops: 2 * neighbours * unknown, bytes: 4 * (neighbours + 4) * unknown }
    }

    fn launch(&self, _f16: bool) -> Launch<ProductParams> {
        let workgroups = workgroups_for(self.unknown);
        let params = ProductParams {
            width: self.width as u32,
            unknown: self.unknown as u32,
            groups_x: workgroups[0] as u32,
        };
        let shader = Shader { kernel: &Self::KERNELS[0], vectors: false, settings: Settings::NONE };
        Launch { shader, params, workgroups }
    }

    fn cpu(&self, [equations, place, pixels, x]: [&[f32]; 4], out: &mut [f32]) {
        product(self, equations, place, pixels, x, out);
    }
}
