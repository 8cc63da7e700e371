//! Square windows of a feature map.

use burn::tensor::Tensor;

use super::cost::Cost;
use super::op::{Launch, Op, workgroups_for};
use super::params::params;
use super::run::run;
use super::shader::{Kernel, Network, Settings, Shader, Vectors};

/// Splits a feature map `[batch, height, width, channels]` into square windows
/// `[windows, side², channels]`. Windows that reach beyond the map hold zeros there.
pub fn to_windows(x: Tensor<4>, side: usize) -> Tensor<3> {
    let [batch, height, width, channels] = x.dims();
    let op = Windows { batch, height, width, channels, side, merge: false };
    run(op, [x.into()], [batch * op.rows() * op.cols(), side * side, channels])
}

/// Joins such windows to a feature map again. `shape` is that of the map.
pub fn from_windows(x: Tensor<3>, side: usize, shape: [usize; 4]) -> Tensor<4> {
    let [batch, height, width, channels] = shape;
    let op = Windows { batch, height, width, channels, side, merge: true };
    assert_eq!(x.dims().iter().product::<usize>(), op.windows_length(), "the shape must match");
    run(op, [x.into()], shape)
}

/// Splits a feature map `[batch, height, width, channels]` into square windows
/// `[batch * rows * cols, side², channels]`, or joins them again. Windows that reach beyond the map
/// hold zeros there. The input is the map or the windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Windows {
    pub batch: usize,
    pub height: usize,
    pub width: usize,
    pub channels: usize,
    pub side: usize,
    /// Whether the windows are joined to a map.
    pub merge: bool,
}

params! {
    /// The parameters of `shaders/windows.wgsl`.
    struct WindowsParams {
        height: u32,
        width: u32,
        channels: u32,
        side: u32,
        rows: u32,
        cols: u32,
        count: u32,
        groups_x: u32,
    }
}

impl Windows {
    fn rows(&self) -> usize {
        self.height.div_ceil(self.side)
    }

    fn cols(&self) -> usize {
        self.width.div_ceil(self.side)
    }

    fn image_length(&self) -> usize {
        self.batch * self.height * self.width * self.channels
    }

    fn windows_length(&self) -> usize {
        self.batch * self.rows() * self.cols() * self.side * self.side * self.channels
    }
}

impl Op<1> for Windows {
    type Params = WindowsParams;

    const KERNELS: &'static [Kernel] = &[Kernel {
        name: "windows",
        wgsl: include_str!("../../shaders/windows.wgsl"),
        vectors: Vectors::Mostly,
        settings: |_: &Network| [true, false].map(settings).to_vec(),
    }];

    fn name(&self) -> &'static str {
        "windows"
    }

    fn cost(&self) -> Cost {
        Cost { flops: 0, bytes: 4 * (self.image_length() + self.windows_length()) as u64 }
    }

    fn launch(&self, _f16: bool) -> Launch<WindowsParams> {
        let (shader, unit) =
            Shader::fitting(&Self::KERNELS[0], settings(self.merge), &[self.channels]);
        let length = if self.merge { self.image_length() } else { self.windows_length() };
        let workgroups = workgroups_for(length / unit);
        let params = WindowsParams {
            height: self.height as u32,
            width: self.width as u32,
            channels: (self.channels / unit) as u32,
            side: self.side as u32,
            rows: self.rows() as u32,
            cols: self.cols() as u32,
            count: (length / unit) as u32,
            groups_x: workgroups[0] as u32,
        };
        Launch { shader, params, workgroups }
    }

    fn cpu(&self, [x]: [&[f32]; 1], out: &mut [f32]) {
        copy(x, self, out);
    }
}

fn settings(merge: bool) -> Settings {
    Settings::new(&[("merge", usize::from(merge))])
}

/// The CPU twin. What it does not write stays zero.
fn copy(x: &[f32], spec: &Windows, out: &mut [f32]) {
    let Windows { batch, height, width, channels, side, merge } = *spec;
    let (rows, cols) = (spec.rows(), spec.cols());
    for b in 0..batch {
        for y in 0..height {
            for column in 0..cols {
                let left = column * side;
                let length = side.min(width - left) * channels;
                let in_image = ((b * height + y) * width + left) * channels;
                let window = (b * rows + y / side) * cols + column;
                let in_windows = (window * side + y % side) * side * channels;
                let (from, to) =
                    if merge { (in_windows, in_image) } else { (in_image, in_windows) };
                out[to..to + length].copy_from_slice(&x[from..from + length]);
            }
        }
    }
}
