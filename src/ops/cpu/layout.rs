//! Sums and copies.

use crate::ops::spec::{AXES, AddSpec, Move, WindowSpec};

pub fn add(a: &[f32], b: &[f32], spec: &AddSpec) -> Vec<f32> {
    let mut out = Vec::with_capacity(spec.count);
    for a in a.chunks(spec.period) {
        out.extend(a.iter().zip(b).map(|(a, b)| spec.scale * a + b));
    }
    out
}

pub fn place(out: &mut [f32], x: &[f32], movement: &Move) {
    let Move { sizes, from, to, from_offset, to_offset } = movement;
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

pub fn windows(x: &[f32], spec: &WindowSpec) -> Vec<f32> {
    let WindowSpec { batch, height, width, channels, side, merge } = *spec;
    let (rows, cols) = (spec.rows(), spec.cols());
    let mut out = vec![0.0; if merge { spec.image_length() } else { spec.windows_length() }];
    for b in 0..batch {
        for y in 0..height {
            for column in 0..cols {
                let left = column * side;
                let length = side.min(width - left) * channels;
                let in_image = ((b * height + y) * width + left) * channels;
                let window = (b * rows + y / side) * cols + column;
                let in_windows = (window * side + y % side) * side * channels;
                let (from, to) = if merge { (in_windows, in_image) } else { (in_image, in_windows) };
                out[to..to + length].copy_from_slice(&x[from..from + length]);
            }
        }
    }
    out
}
