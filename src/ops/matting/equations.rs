//! Making the equations, as an operation.

use super::NUMBERS;
use super::cpu::equations;
use crate::ops::cost::Cost;
use crate::ops::op::{Launch, Op, workgroups_for};
use crate::ops::params::params;
use crate::ops::shader::{Kernel, Settings, Shader, Vectors};

/// The inputs are the guide, the known alphas, the unknown of each pixel, and the pixel of each
/// unknown. The output is [`super::MattingSystem::equations`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Equations {
    pub width: usize,
    pub height: usize,
    pub unknown: usize,
    pub epsilon: f32,
}

params! {
    /// The parameters of `shaders/matting_equations.wgsl`.
    struct EquationsParams {
        width: u32,
        height: u32,
        unknown: u32,
        groups_x: u32,
        epsilon: f32,
    }
}

impl Op<4> for Equations {
    type Params = EquationsParams;

    const KERNELS: &'static [Kernel] = &[Kernel {
        name: "matting equations",
        wgsl: include_str!("../../../shaders/matting_equations.wgsl"),
        vectors: Vectors::Never,
        settings: Settings::none,
    }];

    fn name(&self) -> &'static str {
        "matting equations"
    }

    fn cost(&self) -> Cost {
        // Each of the nine windows of a pixel takes about 300 additions and multiplications.
        let (pixels, unknown) = (self.width * self.height, self.unknown as u64);
        Cost { flops: 2700 * unknown, bytes: 20 * pixels as u64 + 4 * NUMBERS as u64 * unknown }
    }

    fn launch(&self, _f16: bool) -> Launch<EquationsParams> {
        let workgroups = workgroups_for(self.unknown);
        let params = EquationsParams {
            width: self.width as u32,
            height: self.height as u32,
            unknown: self.unknown as u32,
            groups_x: workgroups[0] as u32,
            epsilon: self.epsilon,
        };
        let shader = Shader { kernel: &Self::KERNELS[0], vectors: false, settings: Settings::NONE };
        Launch { shader, params, workgroups }
    }

    fn cpu(&self, [guide, alpha, place, pixels]: [&[f32]; 4], out: &mut [f32]) {
        equations(self, guide, alpha, place, pixels, out);
    }
}
