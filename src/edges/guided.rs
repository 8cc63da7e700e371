//! The guided filter with a colour photo as guide, after K. He, J. Sun and X. Tang, "Guided Image
//! Filtering" (2013). In each window the output is a linear function of the photo's colours, so it
//! has the edges that the photo has.

use super::plane::Plane;

/// The linear function of the colours at each position: `red * r + green * g + blue * b + offset`.
#[derive(Clone, Debug)]
pub struct Coefficients {
    /// What red, green and blue count for.
    pub colours: [Plane; 3],
    /// What is added.
    pub offset: Plane,
    /// How much of the input's variance the colours explain around each position, from 0 to 1. It is
    /// 1 where the input does not vary.
    pub explained: Plane,
}

impl Coefficients {
    /// The function at a point (see [`Plane::sample`]), applied to a colour from 0 to 1.
    pub fn apply(&self, x: f32, y: f32, colour: [f32; 3]) -> f32 {
        let parts =
            self.colours.iter().zip(colour).map(|(plane, value)| plane.sample(x, y) * value);
        parts.sum::<f32>() + self.offset.sample(x, y)
    }
}

/// Fits the functions that give `input` from the colours of `guide`, in windows of
/// `2 * radius + 1` positions. `guide` has red, green and blue, from 0 to 1. The larger `epsilon`,
/// the smoother the result: colours that vary by less than its square root do not make an edge.
pub fn guided_filter(
    guide: &[Plane; 3],
    input: &Plane,
    radius: usize,
    epsilon: f32,
) -> Coefficients {
    let product = |a: &Plane, b: &Plane| a.like(|i| a.values[i] * b.values[i]).box_mean(radius);
    let means = guide.each_ref().map(|plane| plane.box_mean(radius));
    let mean = input.box_mean(radius);
    let with_input = guide.each_ref().map(|plane| product(plane, input));
    let square = product(input, input);
    let pairs = PAIRS.map(|[a, b]| product(&guide[a], &guide[b]));
    let mut colours = [(); 3].map(|()| input.clone());
    let (mut offset, mut variance, mut explained) = (input.clone(), input.clone(), input.clone());
    for i in 0..input.values.len() {
        let centre = means.each_ref().map(|plane| plane.values[i]);
        let mut covariance = [[0.0; 3]; 3];
        for ([a, b], pair) in PAIRS.into_iter().zip(&pairs) {
            covariance[a][b] = pair.values[i] - centre[a] * centre[b];
            covariance[b][a] = covariance[a][b];
        }
        (0..3).for_each(|c| covariance[c][c] += epsilon);
        let towards = [0, 1, 2].map(|c| with_input[c].values[i] - centre[c] * mean.values[i]);
        let weights = solved(&covariance, towards);
        let along: f32 = weights.iter().zip(centre).map(|(weight, value)| weight * value).sum();
        offset.values[i] = mean.values[i] - along;
        variance.values[i] = square.values[i] - mean.values[i] * mean.values[i];
        explained.values[i] = weights.iter().zip(towards).map(|(weight, part)| weight * part).sum();
        colours.iter_mut().zip(weights).for_each(|(plane, weight)| plane.values[i] = weight);
    }
    let (variance, explained) = (variance.box_mean(radius), explained.box_mean(radius));
    /// A variance below this is rounding.
    const LEAST: f32 = 1e-5;
    let share = |i: usize| match variance.values[i] {
        ..LEAST => 1.0,
        all => (explained.values[i] / all).clamp(0.0, 1.0),
    };
    Coefficients {
        colours: colours.map(|plane| plane.box_mean(radius)),
        offset: offset.box_mean(radius),
        explained: variance.like(share),
    }
}

/// The pairs of channels whose products are averaged.
const PAIRS: [[usize; 2]; 6] = [[0, 0], [0, 1], [0, 2], [1, 1], [1, 2], [2, 2]];

/// The inverse of a symmetric, positive definite matrix, by its cofactors. It takes double
/// precision: colours often lie on a line, and then the determinant is tiny.
pub(super) fn inverse(m: &[[f64; 3]; 3]) -> [[f64; 3]; 3] {
    let cofactor = |row: usize, column: usize| {
        let [a, b] = [(row + 1) % 3, (row + 2) % 3];
        let [c, d] = [(column + 1) % 3, (column + 2) % 3];
        m[a][c] * m[b][d] - m[a][d] * m[b][c]
    };
    let determinant: f64 = (0..3).map(|column| m[0][column] * cofactor(0, column)).sum();
    [0, 1, 2].map(|row| [0, 1, 2].map(|column| cofactor(column, row) / determinant))
}

fn solved(matrix: &[[f32; 3]; 3], right: [f32; 3]) -> [f32; 3] {
    let inverse = inverse(&matrix.map(|row| row.map(f64::from)));
    inverse.map(|row| row.iter().zip(right).map(|(a, b)| a * f64::from(b)).sum::<f64>() as f32)
}
