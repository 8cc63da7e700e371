//! Closed-form matting, after A. Levin, D. Lischinski and Y. Weiss, "A Closed-Form Solution to
//! Natural Image Matting" (2008). In each window of 3 x 3 pixels alpha is nearly a linear function
//! of the colours. The sum of the squared errors of all windows is a quadratic form in alpha; its
//! minimum for given alphas around is found with conjugate gradients, on the CPU or on a GPU.

mod cpu;
mod gpu;

use super::plane::Plane;
use crate::error::Result;
use crate::ops::{self, Device};
use crate::progress::Progress;

/// How closed-form matting computes.
#[derive(Clone, Copy, Debug)]
pub struct MattingOptions {
    /// Regularisation of the colours in a window. The larger, the smoother alpha is and the faster
    /// it is found.
    pub epsilon: f32,
    /// The length of the residual at which the solver stops, as a share of the first one.
    pub tolerance: f32,
    /// The most steps of the solver.
    pub steps: usize,
}

impl Default for MattingOptions {
    fn default() -> Self {
        Self { epsilon: 1e-5, tolerance: 1e-3, steps: 200 }
    }
}

/// Finds alpha where `known` is false. `guide` has red, green and blue from 0 to 1. `alpha` holds
/// the known alphas, and a first guess for the others, which is replaced.
///
/// # Errors
/// [`crate::Error::Aborted`] from `progress`; [`crate::Error::NoGpu`] and
/// [`crate::Error::DeviceLost`] if the device is a GPU and fails.
pub async fn closed_form(
    guide: &[Plane; 3],
    known: &[bool],
    alpha: &mut Plane,
    options: &MattingOptions,
    device: &Device,
    progress: &Progress<'_>,
) -> Result<()> {
    let unknown: Vec<usize> = (0..known.len()).filter(|&i| !known[i]).collect();
    if unknown.is_empty() {
        return progress.checkpoint(1.0).await;
    }
    let found = if *device == ops::cpu() {
        cpu::solve(guide, alpha, &unknown, options, progress).await?
    } else {
        gpu::solve(guide, alpha, &unknown, options, device, progress).await?
    };
    for (&i, &value) in unknown.iter().zip(&found) {
        alpha.values[i] = value.clamp(0.0, 1.0);
    }
    Ok(())
}
