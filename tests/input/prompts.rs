//! Tests prompts with the shipped network on the CPU: wrong ones with the code that each gives, and
//! right ones on odd photos.

use std::cell::Cell;

use aims_web::mask::{BitMask, Rle};
use aims_web::photo::Photo;
use aims_web::segmenter::{MaskLogits, Mode, Stroke};
use aims_web::{
    DeviceKind, EncodedPhoto, GridOptions, Level, Point, PointPrompt, Progress, Prompt, Request,
    Scene, Segmenter,
};

use crate::memory::peak;
use crate::model_file::with_manifest;

/// The shipped model file.
pub const SHIPPED: &[u8] = include_bytes!("../../models/aims-tiny-q4.safetensors");
const NAN: f64 = f64::NAN;
const INFINITY: f64 = f64::INFINITY;

/// The shipped network at an input of 64 pixels.
pub fn segmenter() -> Segmenter {
    opened(SHIPPED)
}

fn opened(file: &[u8]) -> Segmenter {
    pollster::block_on(Segmenter::new(DeviceKind::Cpu, file, Some(64))).expect("the file is valid")
}

/// Encodes a photo of a bright disc on a dark background.
pub fn encoded(segmenter: &Segmenter, width: u32, height: u32) -> EncodedPhoto {
    let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    let rgb = pixels.flat_map(|(x, y)| {
        let from = |at: u32, side: u32| (f64::from(at) + 0.5) / f64::from(side) - 0.5;
        [if from(x, width).hypot(from(y, height)) < 0.3 { 230 } else { 40 }; 3]
    });
    let photo = Photo { width, height, rgb: rgb.collect() };
    pollster::block_on(segmenter.encode(photo, &Progress::none())).expect("it runs")
}

fn segment(
    segmenter: &Segmenter,
    photo: &EncodedPhoto,
    request: &Request,
) -> aims_web::Result<Scene> {
    pollster::block_on(segmenter.segment(photo, request, &Progress::none()))
}

fn point(x: f64, y: f64) -> Point {
    Point { x, y, label: 1 }
}

fn points(points: &[Point]) -> Prompt {
    Prompt::Points(PointPrompt::at(points.to_vec()))
}

fn rle(size: [u32; 2], counts: &str) -> Rle {
    Rle { size, counts: counts.to_string() }
}

const WIDTH: u32 = 60;
const HEIGHT: u32 = 40;

/// Runs the prompts. Each must be refused with this code before it takes a megabyte.
fn refused(code: &str, prompts: Vec<Prompt>) {
    let segmenter = segmenter();
    let photo = encoded(&segmenter, WIDTH, HEIGHT);
    for prompt in prompts {
        let request = Request { prompt, ..Request::default() };
        let (result, bytes) = peak(|| segment(&segmenter, &photo, &request));
        let shown: String = format!("{:?}", request.prompt).chars().take(300).collect();
        match result {
            Ok(_) => panic!("accepted: {shown}"),
            Err(error) => {
                assert_eq!(error.code(), code, "{shown}: {error}");
                assert!(!error.to_string().is_empty());
            }
        }
        assert!(bytes < 1 << 20, "{bytes} bytes for {shown}");
    }
}

#[test]
fn points_that_are_none() {
    let at = |x, y| points(&[point(1.0, 1.0), point(x, y)]);
    let mut prompts: Vec<Prompt> = [
        (-0.1, 5.0),
        (5.0, -0.1),
        (60.1, 5.0),
        (5.0, 40.1),
        (NAN, 5.0),
        (5.0, NAN),
        (INFINITY, 5.0),
        (5.0, -INFINITY),
        (1e300, 1e300),
    ]
    .map(|(x, y)| at(x, y))
    .to_vec();
    prompts.push(points(&[Point { label: 2, ..point(1.0, 1.0) }]));
    // These prompts have only background points.
    prompts.push(points(&[Point { label: 0, ..point(30.0, 20.0) }]));
    prompts.push(points(&[5.0, 30.0, 55.0].map(|x| Point { label: 0, ..point(x, 20.0) })));
    prompts.push(points(&vec![point(1.0, 1.0); 257]));
    prompts.push(points(&vec![point(1.0, 1.0); 1_000_000]));
    refused("invalid-prompt", prompts);
    refused("empty-prompt", vec![points(&[])]);
}

#[test]
fn logits_that_are_none() {
    let with = |columns, rows, values: Vec<f32>| {
        let previous = Some(MaskLogits { columns, rows, values });
        Prompt::Points(PointPrompt {
            points: vec![point(1.0, 1.0)],
            previous,
            ..PointPrompt::default()
        })
    };
    // At an input of 64 pixels, masks have 16 x 16 logits.
    let one_is_none = |i| if i == 100 { f32::NAN } else { 1.0 };
    let prompts = vec![
        with(16, 16, vec![1.0; 255]),
        with(16, 16, vec![]),
        with(32, 32, vec![1.0; 1024]),
        with(256, 1, vec![1.0; 256]),
        with(0, 0, vec![]),
        with(u32::MAX, u32::MAX, vec![1.0; 256]),
        with(16, 16, (0..256).map(one_is_none).collect()),
    ];
    refused("invalid-prompt", prompts);
    let alone = MaskLogits { columns: 16, rows: 16, values: vec![1.0; 256] };
    refused(
        "empty-prompt",
        vec![Prompt::Points(PointPrompt { previous: Some(alone), ..PointPrompt::default() })],
    );
}

#[test]
fn boxes_that_are_none() {
    let shapes = |shapes: &[[f64; 4]]| -> Vec<Prompt> {
        let prompts = |&shape: &[f64; 4]| {
            [Prompt::Box { r#box: shape }, Prompt::Points(PointPrompt::around(shape))]
        };
        shapes.iter().flat_map(prompts).collect()
    };
    let invalid = [
        [NAN, 0.0, 5.0, 5.0],
        [0.0, 0.0, INFINITY, 5.0],
        [0.0, -INFINITY, 5.0, 5.0],
        [0.0, 0.0, 5.0, NAN],
    ];
    refused("invalid-prompt", shapes(&invalid));
    let empty = [
        [5.0, 5.0, 0.0, 5.0],
        [5.0, 5.0, 5.0, 0.0],
        [-1.0, 5.0, -2.0, 5.0],
        [60.0, 5.0, 9.0, 9.0],
        [5.0, 40.0, 9.0, 9.0],
        [-9.0, 5.0, 9.0, 9.0],
        // This box lies between the centres of two pixels.
        [5.6, 5.6, 0.5, 0.5],
        [f64::MAX, 0.0, f64::MAX, 9.0],
        [-f64::MAX, 0.0, 1.0, 9.0],
    ];
    refused("empty-prompt", shapes(&empty));
}

#[test]
fn polygons_that_are_none() {
    let both = |lines: &[&[[f64; 2]]]| -> Vec<Prompt> {
        let prompts = |line: &&[[f64; 2]]| {
            [Prompt::Polygon { points: line.to_vec() }, Prompt::Lasso { points: line.to_vec() }]
        };
        lines.iter().flat_map(prompts).collect()
    };
    let many = vec![[1.0, 1.0]; 200_000];
    refused(
        "invalid-prompt",
        both(&[
            &[],
            &[[1.0, 1.0]],
            &[[1.0, 1.0], [9.0, 9.0]],
            &[[1.0, 1.0], [NAN, 1.0], [9.0, 9.0]],
            &[[1.0, 1.0], [9.0, INFINITY], [9.0, 9.0]],
            &many,
        ]),
    );
    refused(
        "empty-prompt",
        both(&[
            &[[1.0, 1.0], [1.0, 1.0], [1.0, 1.0]],
            &[[1.0, 1.0], [9.0, 9.0], [5.0, 5.0]],
            &[[-9.0, -9.0], [-1.0, -9.0], [-1.0, -1.0]],
            &[[90.0, 90.0], [99.0, 90.0], [99.0, 99.0]],
            // This polygon goes around twice, so that everything is outside by the even-odd rule.
            &[[1.0, 1.0], [9.0, 1.0], [9.0, 9.0], [1.0, 1.0], [9.0, 1.0], [9.0, 9.0]],
        ]),
    );
}

#[test]
fn a_polygon_may_cross_itself() {
    use aims_web::mask::rasterise_polygon;
    // This bow consists of two triangles, each of which is a quarter of the square. Its edges go
    // through the centres of pixels.
    let bow = [[0.0, 0.0], [40.0, 40.0], [40.0, 0.0], [0.0, 40.0]];
    let mask = rasterise_polygon(&bow, WIDTH, HEIGHT).expect("it covers pixels");
    assert_eq!(mask.area(), 800);
    // The middle of a five-pointed star is outside by the even-odd rule.
    let tip = |i: u32| {
        let angle = f64::from(i) * 0.8 * std::f64::consts::PI;
        [20.0 + 18.0 * angle.sin(), 20.0 - 18.0 * angle.cos()]
    };
    let star = [0, 1, 2, 3, 4].map(tip);
    let mask = rasterise_polygon(&star, WIDTH, HEIGHT).expect("it covers pixels");
    assert!(!mask.get(20, 20) && mask.get(20, 5), "the middle is outside, a tip inside");
    // The area is that of the five tips: the star without the pentagon in its middle.
    let (outer, inner) = (18.0_f64, 18.0 * 0.381_966);
    let star_area = 5.0 * outer * inner * 36.0_f64.to_radians().sin();
    let expected = star_area - 2.5 * inner.powi(2) * 72.0_f64.to_radians().sin();
    assert!((f64::from(mask.area()) - expected).abs() < 15.0, "{} not {expected}", mask.area());

    let segmenter = segmenter();
    let photo = encoded(&segmenter, WIDTH, HEIGHT);
    for points in [bow.to_vec(), star.to_vec()] {
        for prompt in [Prompt::Polygon { points: points.clone() }, Prompt::Lasso { points }] {
            segment(&segmenter, &photo, &Request { prompt, ..Request::default() })
                .expect("a right prompt");
        }
    }
}

#[test]
fn masks_that_are_none() {
    let all = |codes: &[Rle]| -> Vec<Prompt> {
        let good = Rle::encode(&BitMask::full(WIDTH, HEIGHT));
        let prompts = |code: &Rle| {
            let mask = code.clone();
            [
                Prompt::Mask { mask: mask.clone() },
                Prompt::Entity { mask: mask.clone() },
                Prompt::Relation { mask: mask.clone() },
                Prompt::Entities { masks: [mask.clone(), good.clone()] },
                Prompt::Entities { masks: [good.clone(), mask] },
            ]
        };
        codes.iter().flat_map(prompts).collect()
    };
    let full = Rle::encode(&BitMask::full(WIDTH, HEIGHT)).counts;
    refused(
        "size-mismatch",
        all(&[
            Rle::encode(&BitMask::full(HEIGHT, WIDTH)),
            Rle::encode(&BitMask::full(WIDTH + 1, HEIGHT)),
            rle([0, 0], ""),
            rle([HEIGHT, 0], &full),
            rle([u32::MAX, u32::MAX], "0"),
            rle([u32::MAX, WIDTH], &full),
        ]),
    );
    refused("empty-prompt", all(&[Rle::encode(&BitMask::new(WIDTH, HEIGHT))]));
    let size = [HEIGHT, WIDTH];
    refused(
        "invalid-prompt",
        all(&[
            rle(size, ""),
            rle(size, "0"),
            rle(size, "\u{e9}"),
            rle(size, "oooooo"),
            rle(size, "ooooooooooooooooooo0"),
            rle(size, "oooooo3"),
            // This is a run of -1.
            rle(size, "O"),
            rle(size, &full[..full.len() - 1]),
            rle(size, &"0".repeat(100_000)),
            rle(size, &format!("{full}1")),
        ]),
    );
}

#[test]
fn strokes_that_are_none() {
    let stroke = |points: &[[f64; 2]], label| Stroke { points: points.to_vec(), label };
    let strokes = |strokes: &[Stroke]| Prompt::Strokes { strokes: strokes.to_vec() };
    let good = stroke(&[[5.0, 5.0], [9.0, 9.0]], 1);
    refused(
        "invalid-prompt",
        vec![
            strokes(&[]),
            strokes(&[stroke(&[], 1)]),
            strokes(&[stroke(&[[5.0, 5.0]], 0)]),
            strokes(&[stroke(&[[5.0, 5.0]], 2)]),
            strokes(&[good.clone(), stroke(&[[NAN, 5.0]], 1)]),
            strokes(&[good.clone(), stroke(&[[5.0, INFINITY]], 0)]),
            strokes(&[stroke(&[[-5.0, 5.0], [-9.0, 5.0]], 1)]),
            strokes(&[stroke(&[[f64::MAX, f64::MAX], [f64::MIN, f64::MIN]], 1)]),
            strokes(&vec![good; 100_000]),
        ],
    );
}

#[test]
fn settings_out_of_range() {
    let bad = |f: fn(&mut GridOptions)| {
        let mut grid = GridOptions::default();
        f(&mut grid);
        Request { grid, ..Request::default() }
    };
    let requests = [
        Request { levels: vec![], ..Request::default() },
        Request { min_score: Some(-0.1), ..Request::default() },
        Request { min_score: Some(1.1), ..Request::default() },
        Request { min_score: Some(f32::NAN), ..Request::default() },
        Request { max_queries: Some(0), ..Request::default() },
        Request { max_queries: Some(193), ..Request::default() },
        bad(|grid| grid.points_per_side = 0),
        bad(|grid| grid.points_per_side = 129),
        bad(|grid| grid.points_per_side = u32::MAX),
        bad(|grid| grid.points_per_batch = 0),
        bad(|grid| grid.points_per_batch = 65),
        bad(|grid| grid.pred_iou_thresh = -0.1),
        bad(|grid| grid.pred_iou_thresh = 1.1),
        bad(|grid| grid.pred_iou_thresh = f32::NAN),
        bad(|grid| grid.stability_score_thresh = -0.1),
        bad(|grid| grid.stability_score_thresh = 1.1),
        bad(|grid| grid.stability_score_thresh = f32::NAN),
        bad(|grid| grid.stability_score_offset = -0.1),
        bad(|grid| grid.stability_score_offset = f32::NAN),
        bad(|grid| grid.stability_score_offset = f32::INFINITY),
        bad(|grid| grid.box_nms_thresh = -0.1),
        bad(|grid| grid.box_nms_thresh = 1.1),
        bad(|grid| grid.box_nms_thresh = f32::NAN),
        bad(|grid| grid.crop_n_layers = 4),
        bad(|grid| grid.crop_n_layers = u32::MAX),
        bad(|grid| grid.crop_nms_thresh = -0.1),
        bad(|grid| grid.crop_nms_thresh = 1.1),
        bad(|grid| grid.crop_nms_thresh = f32::NAN),
        bad(|grid| grid.crop_overlap_ratio = -0.1),
        bad(|grid| grid.crop_overlap_ratio = 1.0),
        bad(|grid| grid.crop_overlap_ratio = f32::NAN),
        bad(|grid| grid.crop_n_points_downscale_factor = 0),
        bad(|grid| grid.crop_n_points_downscale_factor = 9),
        bad(|grid| grid.crop_n_points_downscale_factor = u32::MAX),
    ];
    let segmenter = segmenter();
    let photo = encoded(&segmenter, WIDTH, HEIGHT);
    for request in requests {
        for mode in [Mode::Learned, Mode::Grid] {
            let request = Request { mode: Some(mode), ..request.clone() };
            let error = segment(&segmenter, &photo, &request).expect_err("out of range");
            assert_eq!(error.code(), "invalid-option", "{request:?}");
        }
        let proposals =
            pollster::block_on(segmenter.proposals(&photo, &request, &Progress::none()));
        assert_eq!(proposals.expect_err("out of range").code(), "invalid-option", "{request:?}");
    }
    for size in [0, 1, 32, 63, 65, 1000, 2049, 2112, u32::MAX, u32::MAX - 63] {
        let result = pollster::block_on(Segmenter::new(DeviceKind::Cpu, SHIPPED, Some(size)));
        assert_eq!(result.err().map(|error| error.code()), Some("invalid-option"), "{size}");
    }
}

/// Each kind of prompt, on the whole photo and on its corner.
fn right_prompts(width: u32, height: u32) -> Vec<Prompt> {
    let (w, h) = (f64::from(width), f64::from(height));
    let all = [[0.0, 0.0], [w, 0.0], [w, h], [0.0, h]];
    let full = Rle::encode(&BitMask::full(width, height));
    let mut corner = BitMask::new(width, height);
    corner.set(width - 1, height - 1, true);
    let corner = Rle::encode(&corner);
    vec![
        Prompt::Full,
        Prompt::Box { r#box: [0.0, 0.0, w, h] },
        Prompt::Box { r#box: [w - 1.0, h - 1.0, 1.0, 1.0] },
        Prompt::Box { r#box: [-1e300, -1e300, 2e300, 2e300] },
        Prompt::Box { r#box: [w, h, -1.0, -1.0] },
        Prompt::Polygon { points: all.to_vec() },
        Prompt::Mask { mask: full.clone() },
        Prompt::Mask { mask: corner.clone() },
        Prompt::Entity { mask: full.clone() },
        Prompt::Entity { mask: corner.clone() },
        Prompt::Relation { mask: full.clone() },
        Prompt::Entities { masks: [full.clone(), corner.clone()] },
        Prompt::Entities { masks: [corner.clone(), corner] },
        points(&[point(0.0, 0.0)]),
        points(&[point(w, h)]),
        points(&vec![point(w / 2.0, h / 2.0); 256]),
        Prompt::Points(PointPrompt {
            points: vec![point(0.0, 0.0)],
            r#box: Some([0.0, 0.0, w, h]),
            ..PointPrompt::default()
        }),
        Prompt::Points(PointPrompt::around([-5.0, -5.0, w + 9.0, h + 9.0])),
        Prompt::Points(PointPrompt::around([w, h, -w, -h])),
        Prompt::Strokes { strokes: vec![Stroke { points: all[..3].to_vec(), label: 1 }] },
        Prompt::Lasso { points: all.to_vec() },
    ]
}

/// Requests from JavaScript and the command line are JSON. A wrong key is an error that names the
/// key.
#[test]
fn keys_that_are_none() {
    for (json, key) in [
        (r#"{"kind":"full","box":[0,0,5,5]}"#, "box"),
        (r#"{"kind":"box","box":[0,0,5,5],"bbox":[0,0,5,5]}"#, "bbox"),
        (r#"{"kind":"polygon","points":[[0,0],[9,0],[9,9]],"closed":true}"#, "closed"),
        (r#"{"kind":"points","points":[{"x":1,"y":1,"label":1}],"bbox":[0,0,5,5]}"#, "bbox"),
        (r#"{"kind":"points","points":[{"x":1,"y":1,"label":1,"z":1}]}"#, "z"),
        (r#"{"kind":"strokes","strokes":[{"points":[[1,1]],"label":1,"width":3}]}"#, "width"),
        (r#"{"kind":"lasso","points":[[0,0],[9,0],[9,9]],"label":1}"#, "label"),
    ] {
        let request = serde_json::from_str::<Request>(&format!(r#"{{"prompt":{json}}}"#));
        let error =
            request.map(|request| format!("{:?}", request.prompt)).expect_err(json).to_string();
        assert!(error.contains(&format!("`{key}`")), "{error}");
    }
}

/// A level that is named twice counts once.
#[test]
fn levels_that_are_named_twice() {
    let segmenter = segmenter();
    let photo = encoded(&segmenter, WIDTH, HEIGHT);
    let (part, entity, relation) = (Level::Part, Level::Entity, Level::Relation);
    for (levels, same) in [
        (vec![part; 5], vec![part]),
        (vec![part, part, entity, entity, relation], vec![part, entity, relation]),
        (vec![relation, entity, relation, part, entity, part], vec![part, entity, relation]),
    ] {
        let scene = |levels| {
            let request = Request { levels, min_score: Some(0.0), ..Request::default() };
            segment(&segmenter, &photo, &request).expect("they are levels")
        };
        assert_eq!(scene(levels), scene(same));
    }
}

/// The polygon is a comb of long teeth with many edges over many rows. Work on it can end before it
/// is drawn.
#[test]
fn a_large_polygon_can_be_aborted() {
    let segmenter = segmenter();
    let photo = encoded(&segmenter, 2, 20_000);
    let corner = |i: u32| [f64::from(i) / 5000.0, if i.is_multiple_of(2) { 0.0 } else { 20_000.0 }];
    let points: Vec<[f64; 2]> = (0..10_000).map(corner).collect();
    for prompt in [Prompt::Polygon { points: points.clone() }, Prompt::Lasso { points }] {
        let asked = Cell::new(0);
        let progress = Progress::new(|_| {
            asked.set(asked.get() + 1);
            std::future::ready(asked.get() < 3)
        });
        let request = Request { prompt, ..Request::default() };
        let result = pollster::block_on(segmenter.segment(&photo, &request, &progress));
        assert_eq!(result.expect_err("it is aborted").code(), "aborted");
        assert_eq!(asked.get(), 3);
    }
}

#[test]
fn odd_photos_take_every_prompt() {
    take_every_prompt(&segmenter());
}

#[test]
fn odd_photos_take_every_prompt_at_inputs_of_their_shape() {
    let file = with_manifest(SHIPPED, |manifest| manifest["input"]["square"] = false.into());
    take_every_prompt(&opened(&file));
}

fn take_every_prompt(segmenter: &Segmenter) {
    for (width, height) in [(1, 1), (1, 4000), (4000, 1), (2, 3), (WIDTH, HEIGHT)] {
        let photo = encoded(segmenter, width, height);
        assert_eq!((photo.width, photo.height), (width, height));
        for prompt in right_prompts(width, height) {
            for mode in [Mode::Learned, Mode::Grid] {
                // There are few points, but all crops and all masks.
                let grid = GridOptions {
                    points_per_side: 2,
                    crop_n_layers: if width * height > 100 { 1 } else { 3 },
                    pred_iou_thresh: 0.0,
                    stability_score_thresh: 0.0,
                    min_mask_region_area: 3,
                    ..GridOptions::default()
                };
                let levels = vec![Level::Part, Level::Entity, Level::Relation];
                let request = Request {
                    prompt: prompt.clone(),
                    mode: Some(mode),
                    grid,
                    levels,
                    min_score: Some(0.0),
                    ..Request::default()
                };
                let scene = segment(segmenter, &photo, &request);
                let scene = scene.unwrap_or_else(|error| {
                    panic!("{width} x {height}, {mode:?}, {prompt:?}: {error}")
                });
                // Every mask has the photo's size.
                for mask in &scene.masks {
                    assert_eq!(mask.rle.decode().expect("a valid RLE").size(), (width, height));
                }
            }
        }
    }
}
