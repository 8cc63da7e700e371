//! What an operation is. A type that implements [`Op`] and is listed in `OPERATIONS` runs on both
//! kinds of device, and is compiled ahead, measured and checked.

use super::cost::Cost;
use super::params::Params;
use super::shader::{Kernel, Shader};

/// An operation: the numbers that say what it does with its `INPUTS` tensors. These are contiguous
/// and hold 32-bit floats, except packed weights.
///
/// It has two forms. On a GPU it is a WGSL kernel with parameters. On the CPU it is a function, the
/// CPU twin, against which the kernel is tested. If an operation ignores one of its inputs, any
/// tensor may be passed for it.
pub(super) trait Op<const INPUTS: usize>: Copy {
    /// The parameters of all its kernels, with the same fields as `Info` in their WGSL.
    type Params: Params;

    /// The kernels that [`Op::launch`] chooses from.
    const KERNELS: &'static [Kernel];

    /// The operation's name in the profile.
    fn name(&self) -> &'static str;

    /// The least that the operation has to compute, read and write.
    fn cost(&self) -> Cost;

    /// Says which variant of which kernel runs, and how. `f16` says whether the device multiplies
    /// 16-bit floats.
    fn launch(&self, f16: bool) -> Launch<Self::Params>;

    /// The CPU twin. `out` has the length of the output and holds zeros, unless it is a tensor that
    /// the operation changes. Packed weights come as `f32` values with the same bits; `bytemuck`
    /// turns them back into integers.
    fn cpu(&self, inputs: [&[f32]; INPUTS], out: &mut [f32]);
}

/// One run of a kernel.
pub(super) struct Launch<P> {
    /// The variant of the kernel.
    pub shader: Shader,
    /// The kernel's parameters.
    pub params: P,
    /// The numbers of workgroups along x, y and z.
    pub workgroups: [usize; 3],
}

/// Threads per workgroup, in kernels that have one thread for each value.
pub(super) const THREADS: usize = 64;

/// The numbers of workgroups for this many values, with one thread for each.
pub(super) fn workgroups_for(values: usize) -> [usize; 3] {
    folded(values.div_ceil(THREADS))
}

/// Folds a long row of workgroups into a rectangle, because one dimension holds only so many. A
/// shader finds its place in the row from `groups_x`, which is the first of the numbers returned
/// here.
pub(super) fn folded(groups: usize) -> [usize; 3] {
    /// The most workgroups along one dimension that WebGPU guarantees.
    const MOST: usize = 65_535;
    let y = groups.div_ceil(MOST);
    [groups.div_ceil(y), y, 1]
}
