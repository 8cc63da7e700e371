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
    let Arrange { sizes, from, to, from_offset, to_offset } = movement;
    for mut index in 0..sizes[..AXES - 1].iter().product() {
        let (mut source, mut target) = (*from_offset, *to_offset);
        for axis in (0..AXES - 1).rev() {
            let at = index % sizes[axis];
            index /= sizes[axis];
            source += at * from[axis];
            target += at * to[axis];
        }
        let (count, from, to) = (sizes[AXES - 1], from[AXES - 1], to[AXES - 1]);
        if (from, to) == (1, 1) {
            out[target..target + count].copy_from_slice(&x[source..source + count]);
        } else {
            (0..count).for_each(|i| out[target + i * to] = x[source + i * from]);
        }
    }
}
