//! Closed-form matting on a GPU: its kernels against their CPU twins, and its solver against that of
//! the CPU. `edges.rs` compares both solvers with pymatting.

use std::cell::Cell;

use aims_web::edges::{MattingOptions, Plane, closed_form};
use aims_web::ops::{self, MattingInput, MattingSystem, Quotient};
use aims_web::{DeviceKind, Error, Progress};
use burn::tensor::Device;

use crate::common::{self, everywhere, floats};
use crate::edges::{MATTING_EPSILON, colours, golden, largest_error, mean_squared_error, plane};
use crate::ops::{agree, noise, tensor};

/// Colours from 0 to 1: noise, or if they are `grey`, three channels that are alike.
fn guide(pixels: usize, grey: bool) -> Vec<f32> {
    let values = noise(7, 3 * pixels);
    (0..3 * pixels).map(|i| 0.5 + 0.5 * values[if grey { i - i % 3 } else { i }]).collect()
}

/// The equations of pixels in the middle and at the borders, as `unknown` says.
fn system(
    (width, height): (usize, usize),
    alpha: &[f32],
    grey: bool,
    unknown: fn(usize) -> bool,
    device: &Device,
) -> (MattingSystem, usize) {
    let unknown: Vec<usize> = (0..width * height).filter(|&i| unknown(i)).collect();
    let guide = guide(width * height, grey);
    let input =
        MattingInput { width, guide: &guide, alpha, unknown: &unknown, epsilon: MATTING_EPSILON };
    (MattingSystem::new(input, device), unknown.len())
}

everywhere!(matting_equations, async {
    let patterns: [fn(usize) -> bool; 3] = [|i| i != 4, |i| i % 3 != 1, |i| i == 0];
    for (width, height) in [(3, 3), (4, 5), (17, 9), (64, 65)] {
        for (grey, unknown) in patterns.map(|unknown| [(false, unknown), (true, unknown)]).concat()
        {
            let name = format!("{width} x {height}, grey {grey}");
            let alpha = noise(8, width * height);
            let system = |device: &Device| system((width, height), &alpha, grey, unknown, device);
            agree(&name, |device| system(device).0.right_side()).await;
            agree(&name, |device| system(device).0.inverse_diagonal()).await;
            agree(&name, |device| {
                let (system, unknown) = system(device);
                system.product(&tensor(9, [unknown], device))
            })
            .await;
        }
    }
});

everywhere!(
    /// The form is 0 for an alpha that is the same everywhere, and nearly 0 for one that is a linear
    /// function of the colours.
    matting_equations_hold_for_linear_functions_of_the_colours,
    async {
        let size = (33, 20);
        for (device, grey) in [DeviceKind::Cpu, DeviceKind::Gpu].map(|d| [(d, false), (d, true)]).concat()
        {
            let device = common::device(device).await;
            let mix = |colour: &[f32]| 0.2 + 0.5 * colour[0] - 0.3 * colour[2];
            let linear: Vec<f32> = guide(size.0 * size.1, grey).chunks(3).map(mix).collect();
            let random = noise(3, size.0 * size.1);
            for (alpha, least, most) in
                [(vec![1.0; linear.len()], 0.0, 1e-5), (linear, 0.0, 1e-3), (random, 0.1, 10.0)]
            {
                let unknown = |i: usize| i % 33 % 4 < 2;
                let (system, _) = system(size, &alpha, grey, unknown, &device);
                let x = (0..alpha.len()).filter(|&i| unknown(i)).map(|i| alpha[i]).collect::<Vec<_>>();
                let count = x.len();
                let left = floats(system.product(&ops::tensor(x, [count], &device))).await;
                let error = largest_error(&left, &floats(system.right_side()).await);
                assert!((least..=most).contains(&error), "{device:?}, grey {grey}: {error}");
            }
        }
    }
);

everywhere!(dot_products, async {
    for count in [1, 63, 64, 65, 255, 4096, 100_003] {
        for weighted in [false, true] {
            agree(&format!("dot product of {count}, weighted {weighted}"), |device| {
                let [a, weights] = [1, 2].map(|seed| {
                    let values = noise(seed, count).iter().map(|value| 1.5 + value).collect();
                    ops::tensor(values, [count], device)
                });
                ops::dot(&a, &a, weighted.then_some(&weights))
            })
            .await;
        }
    }
    let device = common::device(DeviceKind::Gpu).await;
    let counting = ops::tensor((0..1000).map(|i| i as f32).collect(), [1000], &device);
    let ones = ops::tensor(vec![1.0; 1000], [1000], &device);
    assert_eq!(floats(ops::dot(&counting, &ones, None)).await, [499_500.0]);
    assert_eq!(floats(ops::dot(&ones, &ones, Some(&counting))).await, [499_500.0]);
});

everywhere!(steps_along_a_vector, async {
    for count in [1, 64, 1027] {
        for (weighted, by) in [(false, 0.7), (true, 0.7), (false, 0.0), (true, 0.0)] {
            let step = |device: &Device| {
                let [x, y, weights] = [1, 2, 3].map(|seed| tensor(seed, [count], device));
                let [dividend, divisor] =
                    [0.3, by].map(|value| ops::tensor(vec![value], [1], device));
                let quotient = Quotient { sign: -1.0, dividend: &dividend, divisor: &divisor };
                ops::axpy(quotient, &x, &y, weighted.then_some(&weights))
            };
            agree(&format!("step of {count}, weighted {weighted}, by {by}"), step).await;
            let share = if by == 0.0 { 0.0 } else { -0.3 / by };
            let [x, y, weights] = [1, 2, 3].map(|seed| noise(seed, count));
            let own = |i: usize| if weighted { weights[i] * y[i] } else { y[i] };
            let expected: Vec<f32> = (0..count).map(|i| own(i) + share * x[i]).collect();
            let found = floats(step(&common::device(DeviceKind::Gpu).await)).await;
            assert!(largest_error(&found, &expected) < 1e-6, "weighted {weighted}, by {by}");
        }
    }
});

/// A matting problem: the golden picture, in colours or in grey.
fn problem(grey: bool) -> ([Plane; 3], Vec<bool>, Plane) {
    let golden = golden();
    let mut guide = colours(&golden, "image");
    if grey {
        guide = [(); 3].map(|()| guide[0].clone());
    }
    let known = golden.get("trimap").1.iter().map(|value| *value != 0.5).collect();
    (guide, known, plane(&golden, "trimap"))
}

async fn solved(kind: DeviceKind, grey: bool, options: &MattingOptions) -> Vec<f32> {
    let (guide, known, mut alpha) = problem(grey);
    let device = common::device(kind).await;
    closed_form(&guide, &known, &mut alpha, options, &device, &Progress::none())
        .await
        .expect("nobody cancels");
    alpha.values
}

everywhere!(both_solvers_find_the_same_alpha, async {
    let exact = MattingOptions { epsilon: MATTING_EPSILON, tolerance: 1e-6, steps: 5000 };
    for grey in [false, true] {
        let cpu = solved(DeviceKind::Cpu, grey, &exact).await;
        let gpu = solved(DeviceKind::Gpu, grey, &exact).await;
        let error = largest_error(&cpu, &gpu);
        println!("grey {grey}: {error:.2e}");
        assert!(error < 1e-3, "grey {grey}: {error}");
        let (_, known, start) = problem(grey);
        assert!(largest_error(&gpu, &start.values) > 0.4, "alpha was found");
        assert!((0..gpu.len()).all(|i| !known[i] || gpu[i] == start.values[i]), "the known stay");
        // With the usual tolerance, the GPU does at least as many steps as the CPU.
        let usual = MattingOptions::default();
        let by_cpu = mean_squared_error(&solved(DeviceKind::Cpu, grey, &usual).await, &cpu);
        let by_gpu = mean_squared_error(&solved(DeviceKind::Gpu, grey, &usual).await, &cpu);
        println!("grey {grey}, usual tolerance: {by_cpu:.2e} on the CPU, {by_gpu:.2e} on the GPU");
        assert!(by_gpu < 1.05 * by_cpu, "grey {grey}: {by_gpu} on the GPU, {by_cpu} on the CPU");
    }
});

/// Solves on a GPU with a tolerance that is never reached. The callback answers no to the call
/// `last`. The result is that of the solver, alpha afterwards, and the number of calls.
async fn stopped(steps: usize, last: usize) -> (Result<(), Error>, Plane, usize) {
    let (guide, known, mut alpha) = problem(false);
    let device = common::device(DeviceKind::Gpu).await;
    let options = MattingOptions { tolerance: 0.0, steps, ..MattingOptions::default() };
    let calls = Cell::new(0);
    let progress = Progress::new(|_| {
        calls.set(calls.get() + 1);
        std::future::ready(calls.get() != last)
    });
    let result = closed_form(&guide, &known, &mut alpha, &options, &device, &progress).await;
    drop(progress);
    (result, alpha, calls.get())
}

everywhere!(
    /// The caller can end the work at each report. Then alpha is as it was.
    the_solver_of_a_gpu_stops_on_request,
    async {
        for last in [1, 3] {
            let (result, alpha, calls) = stopped(200, last).await;
            assert!(matches!(result, Err(Error::Aborted)), "{result:?}");
            assert_eq!(calls, last);
            assert_eq!(alpha, problem(false).2);
        }
    }
);

everywhere!(
    /// The solver takes at most the steps that it may, and reports after each 16 of them.
    the_solver_of_a_gpu_ends_after_its_steps,
    async {
        for (steps, reports) in [(0, 2), (16, 3), (50, 6)] {
            let (result, alpha, calls) = stopped(steps, usize::MAX).await;
            result.expect("nobody cancels");
            assert_eq!(calls, reports, "{steps} steps");
            assert_eq!(alpha == problem(false).2, steps == 0, "{steps} steps");
        }
    }
);

everywhere!(nothing_unknown_needs_no_solver, async {
    for kind in [DeviceKind::Cpu, DeviceKind::Gpu] {
        let (guide, known, mut alpha) = problem(false);
        let known = vec![true; known.len()];
        let (device, options) = (common::device(kind).await, MattingOptions::default());
        closed_form(&guide, &known, &mut alpha, &options, &device, &Progress::none())
            .await
            .expect("nobody cancels");
        assert_eq!(alpha, problem(false).2, "{kind:?}");
    }
});
