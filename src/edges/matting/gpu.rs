//! The solver of a GPU. Everything stays on the device; only the length of the residual is read back
//! from time to time.

use super::MattingOptions;
use crate::edges::plane::Plane;
use crate::error::{Error, Result};
use crate::ops::{self, Device, MattingInput, MattingSystem, Quotient, Tensor};
use crate::progress::Progress;

/// The steps between two read-backs, at which the solver also reports. Each read-back takes a wait,
/// in which the GPU has nothing to do. On the other hand, the solver may take nearly as many steps
/// too many.
const CHECK: usize = 16;

/// The same as the solver of the CPU, but the numbers have single precision.
///
/// # Errors
/// [`Error::Aborted`] from `progress`, [`Error::NoGpu`] if the device rejects a shader,
/// [`Error::DeviceLost`] if it fails or gives numbers that are not finite.
pub(super) async fn solve(
    guide: &[Plane; 3],
    alpha: &Plane,
    unknown: &[usize],
    options: &MattingOptions,
    device: &Device,
    progress: &Progress<'_>,
) -> Result<Vec<f32>> {
    ops::prepare_matting(device).await?;
    let [red, green, blue] = guide.each_ref().map(|plane| plane.values.iter());
    let guide: Vec<f32> =
        red.zip(green).zip(blue).flat_map(|((&red, &green), &blue)| [red, green, blue]).collect();
    let input = MattingInput {
        width: alpha.width,
        guide: &guide,
        alpha: &alpha.values,
        unknown,
        epsilon: options.epsilon,
    };
    let system = MattingSystem::new(input, device);
    let first = unknown.iter().map(|&i| alpha.values[i]).collect();
    let x = ops::tensor(first, [unknown.len()], device);
    let mut state = State::new(&system, x, ops::tensor(vec![0.0], [1], device));
    let right = system.right_side();
    let whole = ops::dot(&right, &right, None);
    let mut step = 0;
    loop {
        progress.checkpoint(step as f32 / options.steps.max(1) as f32).await?;
        let left = ops::dot(&state.residual, &state.residual, None);
        let lengths = ops::read_all(vec![left, whole.clone()]).await?.concat();
        if !lengths[0].is_finite() {
            return Err(Error::DeviceLost("it computes wrong numbers".to_string()));
        }
        if lengths[0] <= options.tolerance.powi(2) * lengths[1].max(1e-12) || step == options.steps
        {
            break;
        }
        let next = (step + CHECK).min(options.steps);
        (step..next).for_each(|_| state.step(&system));
        step = next;
    }
    progress.checkpoint(1.0).await?;
    ops::read(state.x).await
}

/// Conjugate gradients, preconditioned by the diagonal, between two steps.
struct State {
    x: Tensor<1>,
    /// The right side of the equations, less their left side for `x`.
    residual: Tensor<1>,
    direction: Tensor<1>,
    /// The square of the residual's length, as the preconditioner measures it, before the last
    /// step.
    energy: Tensor<1>,
    /// The preconditioner.
    scale: Tensor<1>,
}

impl State {
    /// The state before the first step. There is no direction yet; with an `energy` of 0, the first
    /// step takes nothing of what is put in its place.
    fn new(system: &MattingSystem, x: Tensor<1>, energy: Tensor<1>) -> Self {
        let residual = ops::scale_add(system.product(&x), -1.0, system.right_side());
        Self { direction: residual.clone(), residual, x, energy, scale: system.inverse_diagonal() }
    }

    fn step(&mut self, system: &MattingSystem) {
        let energy = ops::dot(&self.residual, &self.residual, Some(&self.scale));
        let share = Quotient { sign: 1.0, dividend: &energy, divisor: &self.energy };
        self.direction = ops::axpy(share, &self.direction, &self.residual, Some(&self.scale));
        let image = system.product(&self.direction);
        let curvature = ops::dot(&self.direction, &image, None);
        let length = Quotient { sign: 1.0, dividend: &energy, divisor: &curvature };
        self.x = ops::axpy(length, &self.direction, &self.x, None);
        let back = Quotient { sign: -1.0, ..length };
        self.residual = ops::axpy(back, &image, &self.residual, None);
        self.energy = energy;
    }
}
