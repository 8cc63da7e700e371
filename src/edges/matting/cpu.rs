//! The solver of the CPU, in double precision where colours that lie on a line need it.

use super::MattingOptions;
use crate::edges::guided::inverse;
use crate::edges::plane::Plane;
use crate::error::Result;
use crate::progress::Progress;

/// The neighbours of a pixel that share a window with it: 5 x 5, itself included.
const REACH: usize = 5;
const NEIGHBOURS: usize = REACH * REACH;
/// The index of a pixel among its own neighbours.
const SELF: usize = NEIGHBOURS / 2;

/// The alphas of the `unknown` pixels. `alpha` holds the known alphas, and a first guess for the
/// others.
///
/// # Errors
/// [`crate::Error::Aborted`] from `progress`.
pub(super) async fn solve(
    guide: &[Plane; 3],
    alpha: &Plane,
    unknown: &[usize],
    options: &MattingOptions,
    progress: &Progress<'_>,
) -> Result<Vec<f32>> {
    let system = System::new(guide, unknown, options.epsilon);
    let mut x: Vec<f32> = unknown.iter().map(|&i| alpha.values[i]).collect();
    system.solve(&mut x, &alpha.values, options, progress).await?;
    Ok(x)
}

/// The linear equations of the unknown pixels.
struct System<'a> {
    width: usize,
    /// The pixel of each unknown.
    unknown: &'a [usize],
    /// The unknown of each pixel; `NONE` for known ones.
    place: Vec<u32>,
    /// For each unknown, what the alphas of its neighbours count for.
    rows: Vec<[f32; NEIGHBOURS]>,
}

const NONE: u32 = u32::MAX;

impl<'a> System<'a> {
    fn new(guide: &[Plane; 3], unknown: &'a [usize], epsilon: f32) -> Self {
        let Plane { width, height, .. } = guide[0];
        let mut place = vec![NONE; width * height];
        unknown.iter().enumerate().for_each(|(row, &i)| place[i] = row as u32);
        let rows = vec![[0.0; NEIGHBOURS]; unknown.len()];
        let mut system = Self { width, unknown, place, rows };
        for y in 1..height.saturating_sub(1) {
            for x in 1..width.saturating_sub(1) {
                let pixels = window(x, y, width);
                if pixels.iter().any(|&i| system.place[i] != NONE) {
                    system.add(guide, pixels, epsilon);
                }
            }
        }
        system
    }

    /// Adds the squared error of one window.
    fn add(&mut self, guide: &[Plane; 3], pixels: [usize; 9], epsilon: f32) {
        let mut colours = pixels.map(|i| guide.each_ref().map(|plane| f64::from(plane.values[i])));
        for channel in 0..3 {
            let mean = colours.iter().map(|colour| colour[channel]).sum::<f64>() / 9.0;
            colours.iter_mut().for_each(|colour| colour[channel] -= mean);
        }
        let mut covariance = [[0.0; 3]; 3];
        for (a, row) in covariance.iter_mut().enumerate() {
            for (b, entry) in row.iter_mut().enumerate() {
                let sum: f64 = colours.iter().map(|colour| colour[a] * colour[b]).sum();
                *entry = (sum + if a == b { f64::from(epsilon) } else { 0.0 }) / 9.0;
            }
        }
        let inverse = inverse(&covariance);
        for (i, &pixel) in pixels.iter().enumerate() {
            let row = self.place[pixel];
            if row == NONE {
                continue;
            }
            let towards = inverse.map(|line| dot(line, colours[i]));
            let row = &mut self.rows[row as usize];
            for (j, colour) in colours.iter().enumerate() {
                let own = if i == j { 1.0 } else { 0.0 };
                let (dx, dy) = (2 + j % 3 - i % 3, 2 + j / 3 - i / 3);
                row[dy * REACH + dx] += (own - (1.0 + dot(towards, *colour)) / 9.0) as f32;
            }
        }
    }

    /// The pixel of a neighbour.
    fn neighbour(&self, pixel: usize, index: usize) -> usize {
        pixel + (index / REACH) * self.width + index % REACH - 2 * self.width - 2
    }

    /// What the equations say of the unknowns `x`: `out` is their left side.
    fn apply(&self, x: &[f32], out: &mut [f32]) {
        for ((out, row), &pixel) in out.iter_mut().zip(&self.rows).zip(self.unknown) {
            let mut sum = 0.0;
            for (index, &value) in row.iter().enumerate() {
                // A neighbour beyond the border counts for nothing.
                if value != 0.0 {
                    let place = self.place[self.neighbour(pixel, index)];
                    sum += value * x.get(place as usize).copied().unwrap_or(0.0);
                }
            }
            *out = sum;
        }
    }

    /// The right side of the equations, from the known alphas.
    fn right_side(&self, alpha: &[f32]) -> Vec<f32> {
        let of_row = |(row, &pixel): (&[f32; NEIGHBOURS], &usize)| {
            let terms = row.iter().enumerate().filter(|(_, value)| **value != 0.0);
            let known = terms.filter_map(|(index, value)| {
                let neighbour = self.neighbour(pixel, index);
                (self.place[neighbour] == NONE).then(|| value * alpha[neighbour])
            });
            -known.sum::<f32>()
        };
        self.rows.iter().zip(self.unknown).map(of_row).collect()
    }

    /// Conjugate gradients, preconditioned by the diagonal.
    async fn solve(
        &self,
        x: &mut [f32],
        alpha: &[f32],
        options: &MattingOptions,
        progress: &Progress<'_>,
    ) -> Result<()> {
        /// The steps between two reports.
        const REPORT: usize = 8;
        let scale: Vec<f32> = self.rows.iter().map(|row| 1.0 / row[SELF].max(1e-12)).collect();
        let mut image = vec![0.0; x.len()];
        self.apply(x, &mut image);
        let right = self.right_side(alpha);
        let mut residual: Vec<f32> = right.iter().zip(&image).map(|(b, a)| b - a).collect();
        let mut scaled: Vec<f32> = residual.iter().zip(&scale).map(|(r, s)| r * s).collect();
        let mut direction = scaled.clone();
        let mut energy = inner(&residual, &scaled);
        let enough = f64::from(options.tolerance).powi(2) * inner(&right, &right).max(1e-12);
        for step in 0..options.steps {
            if step % REPORT == 0 {
                progress.checkpoint(step as f32 / options.steps as f32).await?;
            }
            if inner(&residual, &residual) <= enough {
                break;
            }
            self.apply(&direction, &mut image);
            let length = (energy / inner(&direction, &image)) as f32;
            for (i, x) in x.iter_mut().enumerate() {
                *x += length * direction[i];
                residual[i] -= length * image[i];
                scaled[i] = residual[i] * scale[i];
            }
            let next = inner(&residual, &scaled);
            let share = (next / energy) as f32;
            direction.iter_mut().zip(&scaled).for_each(|(d, z)| *d = z + share * *d);
            energy = next;
        }
        progress.checkpoint(1.0).await
    }
}

/// The pixels of the window around a pixel, row by row.
fn window(x: usize, y: usize, width: usize) -> [usize; 9] {
    std::array::from_fn(|i| (y + i / 3 - 1) * width + x + i % 3 - 1)
}

fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn inner(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}
