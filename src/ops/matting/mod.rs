//! The linear equations of closed-form matting, after A. Levin, D. Lischinski and Y. Weiss, "A
//! Closed-Form Solution to Natural Image Matting" (2008).

mod cpu;
mod equations;
mod product;

use burn::tensor::{Device, Tensor};

use crate::ops::arrange::slice;
use crate::ops::run::run;
use crate::ops::tensor::{flattened, tensor};
pub(super) use equations::Equations;
pub(super) use product::Product;

/// The side of the square of neighbours that share a window of 3 x 3 pixels with a pixel.
const SIDE: usize = 5;
/// The number of neighbours, the pixel itself included.
const NEIGHBOURS: usize = SIDE * SIDE;
/// The place of a pixel among its own neighbours.
const SELF: usize = NEIGHBOURS / 2;
/// What there is for each equation: the weights of the neighbours, the right side, and the inverse
/// of the diagonal.
const NUMBERS: usize = NEIGHBOURS + 2;

/// The image whose alpha is sought.
#[derive(Clone, Copy, Debug)]
pub struct MattingInput<'a> {
    /// The number of columns.
    pub width: usize,
    /// The colours, three numbers from 0 to 1 for each pixel, row by row.
    pub guide: &'a [f32],
    /// The known alphas. Those of unknown pixels are ignored.
    pub alpha: &'a [f32],
    /// The unknown pixels, as indices in ascending order. There is at least one.
    pub unknown: &'a [usize],
    /// Regularisation of the colours in a window.
    pub epsilon: f32,
}

/// The equations `A x = b` of the unknown alphas `x`. A is the matting Laplacian of the unknown
/// pixels; b comes from the known ones around them. A is symmetric and positive semidefinite.
///
/// In the Laplacian of one window, the entry of two of its pixels is `δ - (1 + u · v) / 9`. Here u
/// and v are their colours, whitened in this window, and δ is 1 if both are the same pixel.
#[derive(Clone, Debug)]
pub struct MattingSystem {
    /// `[NUMBERS, unknowns]`. Numbers of the same kind lie together, so that threads of a GPU which
    /// work side by side read side by side.
    equations: Tensor<2>,
    /// The unknown of each pixel, or -1 for known ones. Whole numbers are exact up to 2^24.
    place: Tensor<1>,
    /// The pixel of each unknown.
    pixels: Tensor<1>,
    width: usize,
}

impl MattingSystem {
    /// Makes the equations on a device.
    pub fn new(input: MattingInput<'_>, device: &Device) -> Self {
        let MattingInput { width, guide, alpha, unknown, epsilon } = input;
        let mut place = vec![-1.0; alpha.len()];
        unknown.iter().enumerate().for_each(|(row, &pixel)| place[pixel] = row as f32);
        let line = |values: Vec<f32>| {
            let length = values.len();
            tensor(values, [length], device)
        };
        let place: Tensor<1> = line(place);
        let pixels = line(unknown.iter().map(|&pixel| pixel as f32).collect());
        let op = Equations { width, height: alpha.len() / width, unknown: unknown.len(), epsilon };
        let inputs = [line(guide.to_vec()), line(alpha.to_vec()), place.clone(), pixels.clone()];
        let equations = run(op, inputs.map(Into::into), [NUMBERS, unknown.len()]);
        Self { equations, place, pixels, width }
    }

    /// `A x`.
    pub fn product(&self, x: &Tensor<1>) -> Tensor<1> {
        let shape = self.pixels.dims();
        assert_eq!(x.dims(), shape, "each unknown needs a value");
        let op = Product { width: self.width, unknown: shape[0] };
        let vectors = [&self.place, &self.pixels, x].map(|tensor| tensor.clone().into());
        let [place, pixels, x] = vectors;
        run(op, [self.equations.clone().into(), place, pixels, x], shape)
    }

    /// b.
    pub fn right_side(&self) -> Tensor<1> {
        self.numbers(NEIGHBOURS)
    }

    /// The inverse of the diagonal of A, for Jacobi's preconditioner.
    pub fn inverse_diagonal(&self) -> Tensor<1> {
        self.numbers(NEIGHBOURS + 1)
    }

    fn numbers(&self, index: usize) -> Tensor<1> {
        flattened(slice(&self.equations, 0, index..index + 1))
    }
}
