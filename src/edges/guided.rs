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
    let product = |a: &Plane, b: &Plane| times(a, b).box_mean(radius);
    let means = guide.each_ref().map(|plane| plane.box_mean(radius));
    let mean = input.box_mean(radius);
    let with_input = guide.each_ref().map(|plane| product(plane, input));
    let pairs = PAIRS.map(|[a, b]| product(&guide[a], &guide[b]));
    let mut colours = [(); 3].map(|()| input.clone());
    let mut offset = input.clone();
    for i in 0..input.values.len() {
        let centre = means.each_ref().map(|plane| plane.values[i]);
        let covariance = covariance(centre, pairs.each_ref().map(|pair| pair.values[i]), epsilon);
        let towards = [0, 1, 2].map(|c| with_input[c].values[i] - centre[c] * mean.values[i]);
        let weights = solved(&covariance, towards);
        let along: f32 = weights.iter().zip(centre).map(|(weight, value)| weight * value).sum();
        offset.values[i] = mean.values[i] - along;
        colours.iter_mut().zip(weights).for_each(|(plane, weight)| plane.values[i] = weight);
    }
    Coefficients {
        colours: colours.map(|plane| plane.box_mean(radius)),
        offset: offset.box_mean(radius),
    }
}

/// How much of the variance of `input` linear functions of the colours explain, from 0 to 1, in
/// windows of `2 * radius + 1` positions. Only positions that are `sure` count. It is 0 where these
/// have nearly all the same input.
pub(super) fn explained(
    guide: &[Plane; 3],
    input: &Plane,
    sure: &Plane,
    radius: usize,
    epsilon: f32,
) -> Plane {
    /// A window says something if at least this share of it is sure, and varies by as much.
    const LEAST: f32 = 0.02;
    let count = sure.box_mean(radius);
    let mean = |plane: &Plane| {
        let sum = times(sure, plane).box_mean(radius);
        sum.like(|i| sum.values[i] / count.values[i].max(LEAST))
    };
    let (means, centre) = (guide.each_ref().map(mean), mean(input));
    let squares = mean(&times(input, input));
    let with_input = guide.each_ref().map(|plane| mean(&times(plane, input)));
    let pairs = PAIRS.map(|[a, b]| mean(&times(&guide[a], &guide[b])));
    input.like(|i| {
        let variance = squares.values[i] - centre.values[i] * centre.values[i];
        if count.values[i] < LEAST || variance < LEAST {
            return 0.0;
        }
        let colour = means.each_ref().map(|plane| plane.values[i]);
        let covariance = covariance(colour, pairs.each_ref().map(|pair| pair.values[i]), epsilon);
        let towards = [0, 1, 2].map(|c| with_input[c].values[i] - colour[c] * centre.values[i]);
        let weights = solved(&covariance, towards);
        let part: f32 = weights.iter().zip(towards).map(|(weight, part)| weight * part).sum();
        (part / variance).clamp(0.0, 1.0)
    })
}

fn times(a: &Plane, b: &Plane) -> Plane {
    a.like(|i| a.values[i] * b.values[i])
}

/// The covariance of the channels, from their means and the means of their products.
fn covariance(means: [f32; 3], pairs: [f32; 6], epsilon: f32) -> [[f32; 3]; 3] {
    let mut covariance = [[0.0; 3]; 3];
    for ([a, b], pair) in PAIRS.into_iter().zip(pairs) {
        covariance[a][b] = pair - means[a] * means[b];
        covariance[b][a] = covariance[a][b];
    }
    (0..3).for_each(|c| covariance[c][c] += epsilon);
    covariance
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
