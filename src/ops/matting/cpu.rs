//! The CPU twins. Only tests run them: where there is no GPU, `edges` has a solver of its own, in
//! double precision.

use super::{Equations, NEIGHBOURS, Product, SELF, SIDE};

/// The pixels of a window.
const WINDOW: usize = 9;

/// Makes the equations.
pub(super) fn equations(
    spec: &Equations,
    guide: &[f32],
    alpha: &[f32],
    place: &[f32],
    pixels: &[f32],
    out: &mut [f32],
) {
    let Equations { width, height, unknown, epsilon } = *spec;
    for (row, &pixel) in pixels.iter().enumerate() {
        let pixel = pixel as usize;
        let mut weights = [0.0; NEIGHBOURS];
        for i in 0..WINDOW {
            // The window's last column and row. It must lie inside the guide.
            let (right, bottom) = (pixel % width + i % 3, pixel / width + i / 3);
            if right < 2 || bottom < 2 || right >= width || bottom >= height {
                continue;
            }
            let window = whitened(guide, (bottom - 1) * width + right - 1, width, epsilon);
            let own = WINDOW - 1 - i;
            for j in 0..WINDOW {
                let same = if j == own { 1.0 } else { 0.0 };
                let entry = same - (1.0 + dot(window[own], window[j])) / WINDOW as f32;
                weights[(i / 3 + j / 3) * SIDE + i % 3 + j % 3] += entry;
            }
        }
        let mut right_side = 0.0;
        for (i, &weight) in weights.iter().enumerate().filter(|(_, weight)| **weight != 0.0) {
            let neighbour = neighbour(pixel, i, width);
            if place[neighbour] < 0.0 {
                right_side -= weight * alpha[neighbour];
            } else {
                out[i * unknown + row] = weight;
            }
        }
        out[NEIGHBOURS * unknown + row] = right_side;
        out[(NEIGHBOURS + 1) * unknown + row] = 1.0 / weights[SELF].max(1e-12);
    }
}

/// The colours of the window around a pixel, centred and divided by the Cholesky factor of their
/// covariance.
fn whitened(guide: &[f32], centre: usize, width: usize, epsilon: f32) -> [[f32; 3]; WINDOW] {
    let mut window: [[f32; 3]; WINDOW] = std::array::from_fn(|i| {
        let start = 3 * (centre + (i / 3) * width + i % 3 - width - 1);
        [guide[start], guide[start + 1], guide[start + 2]]
    });
    for c in 0..3 {
        let mean = window.iter().map(|colour| colour[c]).sum::<f32>() / WINDOW as f32;
        window.iter_mut().for_each(|colour| colour[c] -= mean);
    }
    let covariance = |a: usize, b: usize| {
        let start = if a == b { epsilon } else { 0.0 };
        window.iter().fold(start, |sum, colour| sum + colour[a] * colour[b]) / WINDOW as f32
    };
    // The factor, with the reciprocals of its diagonal. Without rounding no pivot would be smaller
    // than the regularisation.
    let pivot = |square: f32| 1.0 / square.max(epsilon / WINDOW as f32).sqrt();
    let red = pivot(covariance(0, 0));
    let (green_red, blue_red) = (covariance(1, 0) * red, covariance(2, 0) * red);
    let green = pivot(covariance(1, 1) - green_red * green_red);
    let blue_green = (covariance(2, 1) - blue_red * green_red) * green;
    let blue = pivot(covariance(2, 2) - blue_red * blue_red - blue_green * blue_green);
    window.map(|colour| {
        let x = colour[0] * red;
        let y = (colour[1] - green_red * x) * green;
        [x, y, (colour[2] - blue_red * x - blue_green * y) * blue]
    })
}

/// Multiplies the matrix of the equations with `x`.
pub(super) fn product(
    spec: &Product,
    equations: &[f32],
    place: &[f32],
    pixels: &[f32],
    x: &[f32],
    out: &mut [f32],
) {
    for (row, out) in out.iter_mut().enumerate() {
        for i in 0..NEIGHBOURS {
            let weight = equations[i * spec.unknown + row];
            if weight != 0.0 {
                let neighbour = neighbour(pixels[row] as usize, i, spec.width);
                *out += weight * x[place[neighbour] as usize];
            }
        }
    }
}

/// The pixel of a neighbour, which must be inside the guide.
fn neighbour(pixel: usize, index: usize, width: usize) -> usize {
    pixel + (index / SIDE) * width + index % SIDE - 2 * width - 2
}

fn dot(a: [f32; 3], b: [f32; 3]) -> f32 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}
