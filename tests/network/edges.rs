//! The edge engine against OpenCV and pymatting, whose results `tests/golden/make_edges.py` writes.

use aims_web::edges::{
    Alpha, ForegroundOptions, MattingOptions, Plane, RefineOptions, closed_form,
    estimate_foreground, guided_filter, refine, subject_colours,
};
use aims_web::mask::BitMask;
use aims_web::photo::Photo;
use aims_web::{DeviceKind, Error, Progress, ops};

use crate::common::{self, Golden, everywhere};

const WIDTH: usize = 56;
const HEIGHT: usize = 44;

/// The values that the script used.
const RADIUS: usize = 3;
const EPSILON: f32 = 1e-3;
pub const MATTING_EPSILON: f32 = 1e-5;

pub fn golden() -> Golden {
    Golden::read(include_bytes!("../golden/edges.safetensors"))
}

pub fn plane(golden: &Golden, name: &str) -> Plane {
    Plane { width: WIDTH, height: HEIGHT, values: golden.get(name).1.to_vec() }
}

pub fn colours(golden: &Golden, name: &str) -> [Plane; 3] {
    let values = golden.get(name).1;
    [0, 1, 2].map(|channel| Plane {
        width: WIDTH,
        height: HEIGHT,
        values: values.iter().skip(channel).step_by(3).copied().collect(),
    })
}

fn photo(golden: &Golden) -> Photo {
    let rgb = golden.get("image").1.iter().map(|value| (value * 255.0).round() as u8).collect();
    Photo { width: WIDTH as u32, height: HEIGHT as u32, rgb }
}

fn mask(golden: &Golden) -> BitMask {
    let values = golden.get("mask").1;
    let at = |x: u32, y: u32| values[y as usize * WIDTH + x as usize] > 0.5;
    BitMask::from_fn(WIDTH as u32, HEIGHT as u32, at)
}

pub fn mean_squared_error(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f32>() / a.len() as f32
}

pub fn largest_error(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

// OpenCV mirrors the photo at its border, where this filter cuts the window off.
everywhere!(the_guided_filter_is_opencvs, async {
    let golden = golden();
    let guide = colours(&golden, "image");
    let coefficients = guided_filter(&guide, &plane(&golden, "mask"), RADIUS, EPSILON);
    let expected = golden.get("guided").1;
    let border = 2 * RADIUS;
    for y in border..HEIGHT - border {
        for x in border..WIDTH - border {
            let i = y * WIDTH + x;
            let colour = guide.each_ref().map(|plane| plane.values[i]);
            let found = coefficients.apply(x as f32, y as f32, colour);
            assert!((found - expected[i]).abs() < 1e-4, "{found} at {x}, {y}: {}", expected[i]);
        }
    }
});

everywhere!(mattes_are_pymattings, async {
    let golden = golden();
    let trimap = golden.get("trimap").1;
    let known: Vec<bool> = trimap.iter().map(|value| *value != 0.5).collect();
    let guide = colours(&golden, "image");
    let options = MattingOptions { epsilon: MATTING_EPSILON, tolerance: 1e-6, steps: 5000 };
    for kind in [DeviceKind::Cpu, DeviceKind::Gpu] {
        let device = common::device(kind).await;
        let mut alpha = plane(&golden, "trimap");
        closed_form(&guide, &known, &mut alpha, &options, &device, &Progress::none())
            .await
            .expect("nobody cancels");
        let error = largest_error(&alpha.values, golden.get("matte").1);
        println!("{kind:?}: {error:.2e}");
        assert!(error < 5e-3, "{kind:?}: {error}");
    }
});

everywhere!(foregrounds_are_pymattings, async {
    let golden = golden();
    let alpha = plane(&golden, "true_alpha");
    let image = colours(&golden, "image");
    let (front, back) =
        estimate_foreground(&image, &alpha, &ForegroundOptions::default(), &Progress::none())
            .await
            .expect("nobody cancels");
    let front = largest_error(front.as_flattened(), golden.get("foreground").1);
    let back = largest_error(back.as_flattened(), golden.get("background").1);
    assert!(front < 2e-3 && back < 2e-3, "{front}, {back}");
});

everywhere!(refined_edges_are_nearer_to_the_truth, async {
    let golden = golden();
    let (photo, mask) = (photo(&golden), mask(&golden));
    let truth = golden.get("true_alpha").1;
    let before = mean_squared_error(golden.get("mask").1, truth);
    let quick = (false, 3.0, 0.8, DeviceKind::Cpu);
    let careful = |device| (true, 8.0, 0.5, device);
    for (hair, radius, most, device) in [quick, careful(DeviceKind::Cpu), careful(DeviceKind::Gpu)]
    {
        let options = RefineOptions { radius: Some(radius), hair };
        let device = common::device(device).await;
        let alpha =
            refine(&photo, &mask, &options, &device, &Progress::none()).await.expect("it fits");
        let values: Vec<f32> = alpha.values.iter().map(|&value| f32::from(value) / 255.0).collect();
        let after = mean_squared_error(&values, truth);
        assert!(after < most * before, "hair {hair}: {after} after {before}");
    }
});

everywhere!(clean_colours_have_no_halo, async {
    let golden = golden();
    let photo = photo(&golden);
    let truth = golden.get("true_alpha").1;
    let values = truth.iter().map(|alpha| (alpha * 255.0).round() as u8).collect();
    let alpha = Alpha { width: photo.width, height: photo.height, values };
    let colours = subject_colours(&photo, &alpha, &Progress::none()).await.expect("nobody cancels");
    let mut clean = photo.clone();
    colours.expect("there are soft pixels").paint(&mut clean);
    // On black, the error of the soft pixels' colours falls.
    let expected = golden.get("foreground").1;
    let error = |photo: &Photo| -> f32 {
        let terms = photo.rgb.iter().zip(expected).enumerate();
        let soft = terms.filter(|(i, _)| (0.05..0.95).contains(&truth[i / 3]));
        soft.map(|(i, (&value, front))| truth[i / 3] * (f32::from(value) / 255.0 - front).abs())
            .sum()
    };
    let (before, after) = (error(&photo), error(&clean));
    assert!(after < 0.3 * before, "{after} after {before}");
    let opaque = alpha.values.iter().enumerate().filter(|(_, alpha)| **alpha == 255);
    for (i, _) in opaque {
        assert_eq!(clean.rgb[3 * i..3 * i + 3], photo.rgb[3 * i..3 * i + 3]);
    }
});

everywhere!(odd_masks_and_radii_have_an_obvious_result, async {
    let golden = golden();
    let photo = photo(&golden);
    let size = (photo.width, photo.height);
    let device = ops::cpu();
    let none = Progress::none();
    for hair in [false, true] {
        for radius in [Some(0.1), Some(1e6), None] {
            let options = RefineOptions { radius, hair };
            let empty = BitMask::new(size.0, size.1);
            let alpha =
                refine(&photo, &empty, &options, &device, &none).await.expect("an empty mask");
            assert!(alpha.values.iter().all(|&value| value == 0));
            let full = BitMask::full(size.0, size.1);
            let alpha = refine(&photo, &full, &options, &device, &none).await.expect("a full mask");
            assert!(alpha.values.iter().all(|&value| value == 255));
        }
        for radius in [0.0, -1.0, f32::NAN, f32::INFINITY] {
            let options = RefineOptions { radius: Some(radius), hair };
            let result = refine(&photo, &mask(&golden), &options, &device, &none).await;
            assert!(matches!(result, Err(Error::InvalidOption(_))), "{radius}");
        }
        let options = RefineOptions { radius: None, hair };
        let other = BitMask::full(size.0 + 1, size.1);
        let result = refine(&photo, &other, &options, &device, &none).await;
        assert!(matches!(result, Err(Error::SizeMismatch { .. })));
        for step in 0..3 {
            let calls = std::cell::Cell::new(0);
            let stop = Progress::new(|_| {
                calls.set(calls.get() + 1);
                std::future::ready(calls.get() <= step)
            });
            let result = refine(&photo, &mask(&golden), &options, &device, &stop).await;
            let is_over = !hair && step == 2;
            assert!(is_over || matches!(result, Err(Error::Aborted)), "step {step}");
        }
    }
});
