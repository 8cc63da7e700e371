//! Copying as an operation.

use crate::ops::cost::Cost;
use crate::ops::op::{Launch, Op, workgroups_for};
use crate::ops::params::params;
use crate::ops::shader::{Kernel, Settings, Shader, Vectors};

/// The number of axes of an [`Arrange`].
const AXES: usize = 8;

/// Copies a block of values from the input: `to[to_offset + Σ i·to] = from[from_offset + Σ i·from]`
/// for all `i` below `sizes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Arrange {
    /// The sizes of the axes, the outermost first.
    pub sizes: [usize; AXES],
    /// The strides of the input along the axes.
    pub from: [usize; AXES],
    /// The strides of the output along the axes.
    pub to: [usize; AXES],
    /// Where the first value is in the input.
    pub from_offset: usize,
    /// Where the first value is in the output.
    pub to_offset: usize,
}

impl Arrange {
    /// A copy with `(size, stride of the input, stride of the output)` for each axis, the outermost
    /// first.
    pub(crate) fn new(
        axes: &[(usize, usize, usize)],
        from_offset: usize,
        to_offset: usize,
    ) -> Self {
        let mut new =
            Self { sizes: [1; AXES], from: [0; AXES], to: [0; AXES], from_offset, to_offset };
        for (i, &(size, from, to)) in axes.iter().enumerate() {
            let at = AXES - axes.len() + i;
            (new.sizes[at], new.from[at], new.to[at]) = (size, from, to);
        }
        new
    }

    /// The same copy in units of four values, if these always stay together.
    fn in_fours(&self) -> Option<Self> {
        const LAST: usize = AXES - 1;
        let all = self.from[..LAST].iter().chain(&self.to[..LAST]);
        let counted = all.chain([&self.sizes[LAST], &self.from_offset, &self.to_offset]);
        let together = (self.from[LAST], self.to[LAST]) == (1, 1);
        if !together || !counted.into_iter().all(|count| count.is_multiple_of(4)) {
            return None;
        }
        let mut fours = *self;
        fours.sizes[LAST] /= 4;
        fours.from[..LAST].iter_mut().chain(&mut fours.to[..LAST]).for_each(|stride| *stride /= 4);
        (fours.from_offset, fours.to_offset) = (self.from_offset / 4, self.to_offset / 4);
        Some(fours)
    }
}

params! {
    /// The parameters of `shaders/arrange.wgsl`.
    struct ArrangeParams {
        sizes: [u32; AXES],
        from_strides: [u32; AXES],
        to_strides: [u32; AXES],
        from_offset: u32,
        to_offset: u32,
        count: u32,
        groups_x: u32,
    }
}

impl Op<1> for Arrange {
    type Params = ArrangeParams;

    const KERNELS: &'static [Kernel] = &[Kernel {
        name: "arrange",
        wgsl: include_str!("../../../shaders/arrange.wgsl"),
        vectors: Vectors::Both,
        settings: Settings::none,
    }];

    fn name(&self) -> &'static str {
        "copy"
    }

    fn cost(&self) -> Cost {
        Cost { flops: 0, bytes: 8 * self.sizes.iter().product::<usize>() as u64 }
    }

    fn launch(&self, _f16: bool) -> Launch<ArrangeParams> {
        let (units, vectors) = match self.in_fours() {
            Some(fours) => (fours, true),
            None => (*self, false),
        };
        let count = units.sizes.iter().product::<usize>();
        let workgroups = workgroups_for(count);
        let to_u32 = |axes: [usize; AXES]| axes.map(|value| value as u32);
        let params = ArrangeParams {
            sizes: to_u32(units.sizes),
            from_strides: to_u32(units.from),
            to_strides: to_u32(units.to),
            from_offset: units.from_offset as u32,
            to_offset: units.to_offset as u32,
            count: count as u32,
            groups_x: workgroups[0] as u32,
        };
        let shader = Shader { kernel: &Self::KERNELS[0], vectors, settings: Settings::NONE };
        Launch { shader, params, workgroups }
    }

    fn cpu(&self, [x]: [&[f32]; 1], out: &mut [f32]) {
        copy(x, self, out);
    }
}

/// The CPU twin.
fn copy(x: &[f32], movement: &Arrange, out: &mut [f32]) {
    let axes = movement.sizes.iter().zip(movement.from).zip(movement.to);
    let axes: Vec<_> = axes
        .map(|((&size, from), to)| Axis { size, from, to })
        .filter(|axis| axis.size > 1)
        .collect();
    copy_axes(&axes, x, movement.from_offset, out, movement.to_offset);
}

/// One axis of a copy, with the strides of the input and the output.
struct Axis {
    size: usize,
    from: usize,
    to: usize,
}

/// Copies the values of some axes, the outermost first.
fn copy_axes(axes: &[Axis], x: &[f32], from: usize, out: &mut [f32], to: usize) {
    /// Copying fewer values one by one takes less time than a function call.
    const FEW: usize = 8;
    match axes {
        [] => out[to] = x[from],
        [Axis { size, from: 1, to: 1 }] if *size > FEW => {
            out[to..to + size].copy_from_slice(&x[from..from + size]);
        }
        [axis] => (0..axis.size).for_each(|i| out[to + i * axis.to] = x[from + i * axis.from]),
        [axis, inner @ ..] => {
            for i in 0..axis.size {
                copy_axes(inner, x, from + i * axis.from, out, to + i * axis.to);
            }
        }
    }
}
