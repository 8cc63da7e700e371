//! Images of one channel.

use crate::mask::BBox;

/// An image of one channel in floating point, with rows from the top.
#[derive(Clone, Debug, PartialEq)]
pub struct Plane {
    /// The number of columns.
    pub width: usize,
    /// The number of rows.
    pub height: usize,
    /// The values, row by row.
    pub values: Vec<f32>,
}

impl Plane {
    /// A plane of one value.
    pub fn filled(width: usize, height: usize, value: f32) -> Self {
        Self { width, height, values: vec![value; width * height] }
    }

    /// A plane of this size whose value at each index is that of `f`.
    pub fn like(&self, f: impl Fn(usize) -> f32) -> Self {
        let values = (0..self.values.len()).map(f).collect();
        Self { width: self.width, height: self.height, values }
    }

    /// The mean of the window of `2 * radius + 1` rows and columns around each value. At the border
    /// the window is cut off.
    pub fn box_mean(&self, radius: usize) -> Self {
        let Self { width, height, values } = self;
        let (width, height) = (*width, *height);
        let mut means = Vec::with_capacity(values.len());
        // The sums of the window's rows in each column. They change by one row from line to line,
        // so they are kept in double precision.
        let mut columns = vec![0.0_f64; width];
        let row = |y: usize| &values[y * width..][..width];
        for y in 0..radius.min(height) {
            columns.iter_mut().zip(row(y)).for_each(|(sum, &value)| *sum += f64::from(value));
        }
        for y in 0..height {
            if y + radius < height {
                let entering = row(y + radius);
                columns.iter_mut().zip(entering).for_each(|(sum, &x)| *sum += f64::from(x));
            }
            if y > radius {
                let leaving = row(y - radius - 1);
                columns.iter_mut().zip(leaving).for_each(|(sum, &x)| *sum -= f64::from(x));
            }
            let rows = (y + radius + 1).min(height) - y.saturating_sub(radius);
            let mut sum: f64 = columns[..radius.min(width)].iter().sum();
            for x in 0..width {
                sum += columns.get(x + radius).copied().unwrap_or(0.0);
                if x > radius {
                    sum -= columns[x - radius - 1];
                }
                let count = rows * ((x + radius + 1).min(width) - x.saturating_sub(radius));
                means.push((sum / count as f64) as f32);
            }
        }
        Self { width, height, values: means }
    }

    /// The value at a point, interpolated bilinearly. Coordinates count columns and rows, whose
    /// centres are whole numbers; beyond the border the last value holds.
    pub fn sample(&self, x: f32, y: f32) -> f32 {
        let clamp = |at: f32, length: usize| at.clamp(0.0, (length - 1) as f32);
        let (x, y) = (clamp(x, self.width), clamp(y, self.height));
        let (left, top) = (x as usize, y as usize);
        let (right, below) = ((left + 1).min(self.width - 1), (top + 1).min(self.height - 1));
        let (u, v) = (x - left as f32, y - top as f32);
        let at = |x: usize, y: usize| self.values[y * self.width + x];
        let upper = at(left, top) + u * (at(right, top) - at(left, top));
        let lower = at(left, below) + u * (at(right, below) - at(left, below));
        upper + v * (lower - upper)
    }
}

/// The means of cells of `scale` by `scale` pixels of the frame; those at its right and lower border
/// may be smaller. `value` takes the column and the row of a pixel in the photo.
pub(super) fn shrunk(frame: BBox, scale: u32, value: impl Fn(u32, u32) -> f32) -> Plane {
    let (columns, rows) = (frame.width.div_ceil(scale), frame.height.div_ceil(scale));
    let mut values = vec![0.0; columns as usize * rows as usize];
    for y in 0..frame.height {
        let line = &mut values[(y / scale * columns) as usize..][..columns as usize];
        for (cell, start) in line.iter_mut().zip((0..frame.width).step_by(scale as usize)) {
            let pixels = start..(start + scale).min(frame.width);
            *cell += pixels.map(|x| value(frame.x + x, frame.y + y)).sum::<f32>();
        }
    }
    for (i, sum) in (0..).zip(&mut values) {
        let length = |at: u32, end: u32| scale.min(end - at * scale);
        let count = length(i % columns, frame.width) * length(i / columns, frame.height);
        *sum /= count as f32;
    }
    Plane { width: columns as usize, height: rows as usize, values }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn box_means_are_those_of_all_values(
            (width, height) in (1..9_usize, 1..9_usize),
            radius in 0..5_usize,
            seed in any::<u32>(),
        ) {
            let value = |i: usize| (i as u32 ^ seed).wrapping_mul(2_654_435_761) as f32 / 4.3e9;
            let plane = Plane { width, height, values: (0..width * height).map(value).collect() };
            let means = plane.box_mean(radius);
            for y in 0..height {
                for x in 0..width {
                    let near = |i: usize, length: usize| {
                        i.saturating_sub(radius)..(i + radius + 1).min(length)
                    };
                    let window: Vec<f32> = near(y, height)
                        .flat_map(|y| near(x, width).map(move |x| (x, y)))
                        .map(|(x, y)| plane.values[y * width + x])
                        .collect();
                    let mean = window.iter().sum::<f32>() / window.len() as f32;
                    prop_assert!((means.values[y * width + x] - mean).abs() < 1e-5);
                }
            }
        }
    }

    #[test]
    fn samples_lie_between_their_neighbours() {
        let plane = Plane { width: 2, height: 2, values: vec![0.0, 1.0, 2.0, 5.0] };
        assert_eq!(plane.sample(0.5, 0.5), 2.0);
        assert_eq!(plane.sample(1.0, 0.25), 2.0);
        assert_eq!([plane.sample(-3.0, -1.0), plane.sample(9.0, 9.0)], [0.0, 5.0]);
    }
}
