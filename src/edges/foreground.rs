//! The colours of a subject where it covers its pixels only in part, after T. Germer, T. Uelwer, S.
//! Conrad and S. Harmeling, "Fast Multi-Level Foreground Estimation" (2020). Each pixel is a
//! mixture of a foreground and a background colour. Both are smooth where alpha is, so that they
//! spread from the sure pixels into the soft ones; this is computed from coarse to fine.

use super::plane::Plane;
use crate::error::Result;
use crate::progress::Progress;

/// How foreground colours are estimated.
#[derive(Clone, Copy, Debug)]
pub struct ForegroundOptions {
    /// How much neighbours are alike everywhere.
    pub regularisation: f32,
    /// How much more they are alike where alpha changes.
    pub gradient_weight: f32,
    /// The passes over images of at most [`Self::small_side`] pixels.
    pub small_passes: usize,
    /// The passes over larger images.
    pub large_passes: usize,
    /// The longest side of a small image, in pixels.
    pub small_side: usize,
}

impl Default for ForegroundOptions {
    fn default() -> Self {
        Self {
            regularisation: 1e-5,
            gradient_weight: 1.0,
            small_passes: 10,
            large_passes: 2,
            small_side: 32,
        }
    }
}

/// Colours from 0 to 1, red, green and blue, row by row.
type Colours = Vec<[f32; 3]>;

/// The foreground and the background of an image. `image` has red, green and blue from 0 to 1;
/// `alpha` is of its size.
///
/// # Errors
/// [`crate::Error::Aborted`] from `progress`.
pub async fn estimate_foreground(
    image: &[Plane; 3],
    alpha: &Plane,
    options: &ForegroundOptions,
    progress: &Progress<'_>,
) -> Result<(Colours, Colours)> {
    let (width, height) = (alpha.width, alpha.height);
    let pixels: Colours =
        (0..alpha.values.len()).map(|i| image.each_ref().map(|plane| plane.values[i])).collect();
    let mean = |is_part: fn(f32) -> bool| {
        let (mut sum, mut count) = ([0.0_f64; 3], 1e-5);
        for (pixel, _) in pixels.iter().zip(&alpha.values).filter(|(_, alpha)| is_part(**alpha)) {
            sum.iter_mut().zip(pixel).for_each(|(sum, &value)| *sum += f64::from(value));
            count += 1.0;
        }
        sum.map(|sum| (sum / count) as f32)
    };
    let mut front = vec![mean(|alpha| alpha > 0.9)];
    let mut back = vec![mean(|alpha| alpha < 0.1)];
    let mut size = (1, 1);
    let levels = (width.max(height) as f64).log2().ceil().max(1.0);
    for level in 0..=levels as u32 {
        let side = |length: usize| (length as f64).powf(f64::from(level) / levels).round() as usize;
        let next = (side(width), side(height));
        let image = resized(&pixels, (width, height), next);
        let alpha = resized(&alpha.values, (width, height), next);
        (front, back) = (resized(&front, size, next), resized(&back, size, next));
        size = next;
        let is_small = size.0 <= options.small_side && size.1 <= options.small_side;
        let passes = if is_small { options.small_passes } else { options.large_passes };
        for number in 0..passes {
            // A level has about four times as many cells as the one before it.
            let share = (size.0 * size.1) as f32 / pixels.len() as f32;
            progress.checkpoint(share * (0.25 + 0.75 * number as f32 / passes as f32)).await?;
            pass(&image, &alpha, size, options, &mut front, &mut back);
        }
    }
    progress.checkpoint(1.0).await?;
    Ok((front, back))
}

/// Gives each pixel the pair of colours that fits it and its neighbours best, one after the other.
fn pass(
    image: &[[f32; 3]],
    alpha: &[f32],
    (width, height): (usize, usize),
    options: &ForegroundOptions,
    front: &mut [[f32; 3]],
    back: &mut [[f32; 3]],
) {
    for y in 0..height {
        for x in 0..width {
            let i = y * width + x;
            let neighbours = [
                y * width + x.saturating_sub(1),
                y * width + (x + 1).min(width - 1),
                y.saturating_sub(1) * width + x,
                (y + 1).min(height - 1) * width + x,
            ];
            let (own, rest) = (alpha[i], 1.0 - alpha[i]);
            let mut matrix = [own * own, own * rest, rest * rest];
            let mut towards = image[i].map(|value| [own * value, rest * value]);
            for other in neighbours {
                let gradient = (own - alpha[other]).abs();
                let weight = options.regularisation + options.gradient_weight * gradient;
                matrix[0] += weight;
                matrix[2] += weight;
                for (c, towards) in towards.iter_mut().enumerate() {
                    towards[0] += weight * front[other][c];
                    towards[1] += weight * back[other][c];
                }
            }
            let scale = 1.0 / (matrix[0] * matrix[2] - matrix[1] * matrix[1]);
            for (c, [a, b]) in towards.into_iter().enumerate() {
                front[i][c] = (scale * (matrix[2] * a - matrix[1] * b)).clamp(0.0, 1.0);
                back[i][c] = (scale * (matrix[0] * b - matrix[1] * a)).clamp(0.0, 1.0);
            }
        }
    }
}

/// The nearest values of an image of another size.
fn resized<T: Copy>(values: &[T], from: (usize, usize), to: (usize, usize)) -> Vec<T> {
    let source = |at: usize, from: usize, to: usize| (at * from / to).min(from - 1);
    let row = |y: usize| {
        let start = source(y, from.1, to.1) * from.0;
        (0..to.0).map(move |x| values[start + source(x, from.0, to.0)])
    };
    (0..to.1).flat_map(row).collect()
}
