//! Segments a small photo with any prompt and any levels: the answer is a scene that keeps its
//! promises, or an error that says why the prompt is refused.

#![no_main]

#[path = "../../tests/input/promises.rs"]
mod promises;

use aims_web::mask::Rle;
use aims_web::photo::Photo;
use aims_web::segmenter::{Mode, Stroke};
use aims_web::{
    DeviceKind, EncodedPhoto, GridOptions, Level, Point, PointPrompt, Progress, Prompt, Request,
    Segmenter,
};
use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;

const MODEL: &[u8] = include_bytes!("../../models/aims-tiny-q4.safetensors");
const WIDTH: u32 = 24;
const HEIGHT: u32 = 16;

/// A coordinate, which is mostly near the photo, in tenths of a pixel.
#[derive(Arbitrary, Debug)]
enum Coordinate {
    Near(i16),
    Byte(u8),
    Any(f64),
}

impl Coordinate {
    fn value(&self) -> f64 {
        match *self {
            Self::Near(tenths) => f64::from(tenths) / 10.0,
            Self::Byte(tenths) => f64::from(tenths) / 10.0,
            Self::Any(value) => value,
        }
    }
}

type Place = [Coordinate; 2];

#[derive(Arbitrary, Debug)]
struct Labelled<T> {
    at: T,
    label: u8,
}

/// The run-length encoding of a mask, which has the photo's size unless it gives another one.
#[derive(Arbitrary, Debug)]
struct Code<'a> {
    size: Option<[u32; 2]>,
    counts: &'a str,
}

#[derive(Arbitrary, Debug)]
enum Asked<'a> {
    Full,
    Box([Coordinate; 4]),
    Polygon(Vec<Place>),
    Lasso(Vec<Place>),
    Mask(Code<'a>),
    Entity(Code<'a>),
    Relation(Code<'a>),
    Entities([Code<'a>; 2]),
    Points(Vec<Labelled<Place>>, Option<[Coordinate; 4]>),
    Strokes(Vec<Labelled<Vec<Place>>>),
}

#[derive(Arbitrary, Debug)]
struct Call<'a> {
    prompt: Asked<'a>,
    levels: Vec<u8>,
    min_score: Option<f32>,
    max_queries: Option<u8>,
    is_grid: bool,
}

fn places(places: &[Place]) -> Vec<[f64; 2]> {
    places.iter().map(|[x, y]| [x.value(), y.value()]).collect()
}

fn code(code: &Code) -> Rle {
    Rle { size: code.size.unwrap_or([HEIGHT, WIDTH]), counts: code.counts.to_string() }
}

fn shape(shape: &[Coordinate; 4]) -> [f64; 4] {
    shape.each_ref().map(Coordinate::value)
}

fn prompt(asked: &Asked) -> Prompt {
    match asked {
        Asked::Full => Prompt::Full,
        Asked::Box(of) => Prompt::Box { r#box: shape(of) },
        Asked::Polygon(points) => Prompt::Polygon { points: places(points) },
        Asked::Lasso(points) => Prompt::Lasso { points: places(points) },
        Asked::Mask(mask) => Prompt::Mask { mask: code(mask) },
        Asked::Entity(mask) => Prompt::Entity { mask: code(mask) },
        Asked::Relation(mask) => Prompt::Relation { mask: code(mask) },
        Asked::Entities(masks) => Prompt::Entities { masks: masks.each_ref().map(code) },
        Asked::Points(points, around) => {
            let point = |Labelled { at: [x, y], label }: &Labelled<Place>| Point {
                x: x.value(),
                y: y.value(),
                label: *label,
            };
            let points = points.iter().map(point).collect();
            Prompt::Points(PointPrompt {
                points,
                r#box: around.as_ref().map(shape),
                previous: None,
            })
        }
        Asked::Strokes(strokes) => {
            let stroke = |Labelled { at, label }: &Labelled<Vec<Place>>| Stroke {
                points: places(at),
                label: *label,
            };
            Prompt::Strokes { strokes: strokes.iter().map(stroke).collect() }
        }
    }
}

fn request(call: &Call) -> Request {
    let level =
        |number: &u8| [Level::Part, Level::Entity, Level::Relation][usize::from(*number) % 3];
    Request {
        prompt: prompt(&call.prompt),
        levels: call.levels.iter().map(level).collect(),
        min_score: call.min_score,
        max_queries: call.max_queries.map(u32::from),
        mode: call.is_grid.then_some(Mode::Grid),
        // The usual 256 points would take seconds.
        grid: GridOptions { points_per_side: 2, ..GridOptions::default() },
    }
}

thread_local! {
    static READY: (Segmenter, EncodedPhoto) = pollster::block_on(async {
        let segmenter = Segmenter::new(DeviceKind::Cpu, MODEL, Some(64)).await.expect("the file is valid");
        let bright = |at: u32| (6..18).contains(&(at % WIDTH)) && (4..12).contains(&(at / WIDTH));
        let rgb = (0..WIDTH * HEIGHT).flat_map(|at| [if bright(at) { 230 } else { 40 }; 3]).collect();
        let photo = segmenter.encode(Photo { width: WIDTH, height: HEIGHT, rgb }, &Progress::none()).await;
        (segmenter, photo.expect("nothing stops it"))
    });
}

fuzz_target!(|call: Call| {
    let request = request(&call);
    READY.with(|(segmenter, photo)| {
        match pollster::block_on(segmenter.segment(photo, &request, &Progress::none())) {
            Ok(scene) => promises::keeps_its_promises(&request, &scene, (WIDTH, HEIGHT)),
            Err(error) => {
                let refusals =
                    ["invalid-option", "invalid-prompt", "empty-prompt", "size-mismatch"];
                assert!(refusals.contains(&error.code()), "{error:?}");
            }
        }
    });
});
