//! Positional encodings of queries.

use burn::tensor::Tensor;

use crate::ops::cost::Cost;
use crate::ops::op::{Launch, Op, workgroups_for};
use crate::ops::params::params;
use crate::ops::run::run;
use crate::ops::shader::{Kernel, Settings, Shader, Vectors};

/// The positional encodings, `[count, channels]`, of the positions named by the first `count`
/// values of `index`. Positions are counted row by row.
///
/// An encoding has sines and then cosines of sums: an angle of the row plus an angle of the column.
/// `rows`, `[height, channels]`, and `columns`, `[width, channels]`, have the sines and then the
/// cosines of these angles. `added`, `[channels]`, is added to each encoding.
pub fn positional_encoding(
    rows: Tensor<2>,
    columns: Tensor<2>,
    added: Tensor<1>,
    index: Tensor<1>,
    count: usize,
) -> Tensor<2> {
    let ([height, channels], [width, _]) = (rows.dims(), columns.dims());
    assert_eq!(columns.dims()[1], channels, "rows and columns must have the same channels");
    assert!(added.dims() == [channels] && channels.is_multiple_of(2), "each sine needs a cosine");
    assert!(count <= index.dims()[0], "there must be an index for each encoding");
    let op = PositionalEncoding { count, channels, width, height };
    run(op, [rows.into(), columns.into(), added.into(), index.into()], [count, channels])
}

/// Positional encodings as an operation; see [`positional_encoding`]. The inputs are `rows`,
/// `columns`, `added` and `index`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PositionalEncoding {
    /// The number of encodings.
    pub count: usize,
    pub channels: usize,
    /// The number of positions in a row.
    pub width: usize,
    /// The number of rows.
    pub height: usize,
}

params! {
    /// The parameters of `shaders/positional_encoding.wgsl`.
    struct PositionalEncodingParams {
        width: u32,
        sines: u32,
        count: u32,
        groups_x: u32,
    }
}

impl Op<4> for PositionalEncoding {
    type Params = PositionalEncodingParams;

    const KERNELS: &'static [Kernel] = &[Kernel {
        name: "positional encoding",
        wgsl: include_str!("../../../shaders/positional_encoding.wgsl"),
        vectors: Vectors::Mostly,
        settings: Settings::none,
    }];

    fn name(&self) -> &'static str {
        "positional encoding"
    }

    fn cost(&self) -> Cost {
        let values = (self.count * self.channels) as u64;
        Cost {
            flops: 4 * values,
            bytes: 4 * (values + ((self.width + self.height) * self.channels) as u64),
        }
    }

    fn launch(&self, _f16: bool) -> Launch<PositionalEncodingParams> {
        let sines = self.channels / 2;
        let (shader, unit) = Shader::fitting(&Self::KERNELS[0], Settings::NONE, &[sines]);
        let count = self.count * sines / unit;
        let workgroups = workgroups_for(count);
        let params = PositionalEncodingParams {
            width: self.width as u32,
            sines: (sines / unit) as u32,
            count: count as u32,
            groups_x: workgroups[0] as u32,
        };
        Launch { shader, params, workgroups }
    }

    fn cpu(&self, [rows, columns, added, index]: [&[f32]; 4], out: &mut [f32]) {
        encode(rows, columns, added, index, self, out);
    }
}

/// The CPU twin.
fn encode(
    rows: &[f32],
    columns: &[f32],
    added: &[f32],
    index: &[f32],
    spec: &PositionalEncoding,
    out: &mut [f32],
) {
    let PositionalEncoding { channels, width, .. } = *spec;
    for (out, &position) in out.chunks_mut(channels).zip(index) {
        let (row, column) = (position as usize / width, position as usize % width);
        let (y_sin, y_cos) = rows[row * channels..][..channels].split_at(channels / 2);
        let (x_sin, x_cos) = columns[column * channels..][..channels].split_at(channels / 2);
        let (sines, cosines) = out.split_at_mut(channels / 2);
        for i in 0..channels / 2 {
            sines[i] = y_sin[i] * x_cos[i] + y_cos[i] * x_sin[i] + added[i];
            cosines[i] = y_cos[i] * x_cos[i] - y_sin[i] * x_sin[i] + added[channels / 2 + i];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sines_and_cosines_of_sums() {
        let (side, angles) = (3, [0.3_f32, -2.0]);
        let axis = |scale: f32| -> Vec<f32> {
            let at = |i: usize| angles.map(|angle| angle * scale * i as f32);
            (0..side)
                .flat_map(|i| at(i).map(f32::sin).into_iter().chain(at(i).map(f32::cos)))
                .collect()
        };
        let op = PositionalEncoding { count: 2, channels: 4, width: side, height: side };
        let mut found = [0.0; 8];
        op.cpu([&axis(1.0), &axis(0.5), &[10.0, 20.0, 30.0, 40.0], &[5.0, 6.0, 0.0]], &mut found);
        // Positions 5 and 6 are (row 1, column 2) and (row 2, column 0).
        let expected = [(1.0, 2.0), (2.0, 0.0)].map(|(y, x): (f32, f32)| {
            let [a, b] = angles.map(|angle| angle * (y + 0.5 * x));
            [10.0 + a.sin(), 20.0 + b.sin(), 30.0 + a.cos(), 40.0 + b.cos()]
        });
        for (found, expected) in found.iter().zip(expected.as_flattened()) {
            assert!((found - expected).abs() < 1e-5, "{found} instead of {expected}");
        }
    }
}
