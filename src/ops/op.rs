//! What an operation is. One that implements this and stands in `OPERATIONS` runs on both devices, is compiled ahead, measured and checked.

use super::cost::Cost;
use super::params::Params;
use super::shader::{Kernel, Shader};

/// An operation: the numbers that say what it does with its `INPUTS` tensors. They are contiguous and of 32-bit floats, but packed weights.
///
/// It has two twins. On a GPU it is a WGSL kernel with parameters; on the CPU a function, which the kernel is tested against. Where an input
/// does not count, any tensor may stand in.
pub trait Op<const INPUTS: usize>: Copy {
    /// Of all its kernels: the same fields as `Info` in their WGSL.
    type Params: Params;

    /// The kernels that [`Op::launch`] chooses from.
    const KERNELS: &'static [Kernel];

    /// For the profile.
    fn name(&self) -> &'static str;

    fn cost(&self) -> Cost;

    /// Which variant of which kernel runs, and how. `f16` is whether the device multiplies 16-bit floats.
    fn launch(&self, f16: bool) -> Launch<Self::Params>;

    /// The CPU twin. `out` has the output's length and holds zeros, unless it is a tensor that the operation changes. Packed weights come as the bits
    /// that they are: `bytemuck` makes words of them.
    fn cpu(&self, inputs: [&[f32]; INPUTS], out: &mut [f32]);
}

/// One run of a kernel.
pub struct Launch<P> {
    pub shader: Shader,
    pub params: P,
    /// Along x, y and z.
    pub workgroups: [usize; 3],
}

/// Threads of a workgroup of the kernels that have one for each value.
pub const THREADS: usize = 64;

/// Workgroups for so many values, one thread each.
pub fn workgroups_for(values: usize) -> [usize; 3] {
    folded(values.div_ceil(THREADS))
}

/// Folds a long row of workgroups into a rectangle: one dimension holds only so many. A shader finds its place by `groups_x`, the first of these.
pub fn folded(groups: usize) -> [usize; 3] {
    /// Most workgroups along one dimension that WebGPU guarantees.
    const MOST: usize = 65_535;
    let y = groups.div_ceil(MOST);
    [groups.div_ceil(y), y, 1]
}
