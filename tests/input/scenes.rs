//! Tests scenes of aims-base, whose levels and scene head are trained: what every scene promises.

use std::cell::Cell;

use aims_web::mask::{BitMask, Rle};
use aims_web::photo::decode;
use aims_web::segmenter::{PickRule, choose};
use aims_web::{
    DeviceKind, EncodedPhoto, Error, Level, Mask, Point, PointPrompt, Progress, Prompt, Request,
    Scene, Segmenter,
};

const BASE: &[u8] = include_bytes!("../../models/aims-base-q4.safetensors");
const WHITE_ON_TRANSPARENT: &[u8] = include_bytes!("../data/white_on_transparent.png");
/// The photo of a cup of coffee.
const PHOTO: &[u8] = include_bytes!("../data/photo.png");

struct Opened {
    segmenter: Segmenter,
    photo: EncodedPhoto,
}

impl Opened {
    fn new(file: &[u8]) -> Self {
        let segmenter =
            pollster::block_on(Segmenter::new(DeviceKind::Cpu, BASE, None)).expect("it loads");
        let photo = decode(file).expect("a photo");
        let photo =
            pollster::block_on(segmenter.encode(photo, &Progress::none())).expect("it runs");
        Self { segmenter, photo }
    }

    fn segment(&self, prompt: Prompt, levels: &[Level]) -> Scene {
        let request = Request { prompt, levels: levels.to_vec(), ..Request::default() };
        pollster::block_on(self.segmenter.segment(&self.photo, &request, &Progress::none()))
            .expect("it runs")
    }
}

const ALL: [Level; 3] = [Level::Part, Level::Entity, Level::Relation];

fn pixels(mask: &Mask) -> BitMask {
    mask.rle.decode().expect("a mask")
}

fn are_disjoint<'a>(masks: impl Iterator<Item = &'a Mask>) -> bool {
    let masks: Vec<BitMask> = masks.map(pixels).collect();
    let union = masks.iter().cloned().reduce(|all, mask| all.union(&mask));
    union.is_none_or(|union| masks.iter().map(BitMask::area).sum::<u32>() == union.area())
}

fn keeps_its_promises(scene: &Scene) {
    assert!(are_disjoint(scene.level(Level::Entity)), "entities are disjoint");
    assert!(are_disjoint(scene.level(Level::Part)), "parts are disjoint");
    let level = |id: u32| scene.masks.iter().find(|mask| mask.id == id).map(|mask| mask.level);
    for mask in &scene.masks {
        assert!((0.0..=1.0).contains(&mask.score) && mask.area > 0, "{mask:?}");
        assert!(mask.parent.is_none_or(|parent| level(parent) == Some(Level::Entity)));
        assert!(mask.members.iter().all(|&member| level(member) == Some(Level::Entity)));
        assert_eq!(mask.members.len(), if mask.level == Level::Relation { 2 } else { 0 });
    }
}

/// All cases are in one test, because loading takes seconds.
#[test]
fn scenes_of_the_scene_head() {
    let opened = Opened::new(PHOTO);

    let scene = opened.segment(Prompt::Full, &ALL);
    keeps_its_promises(&scene);
    // Cup and saucer stand out.
    assert!(scene.level(Level::Entity).count() >= 2, "{} masks", scene.masks.len());
    assert_eq!(scene, opened.segment(Prompt::Full, &ALL), "the same again");
    let full = Rle::encode(&BitMask::full(opened.photo.width, opened.photo.height));
    assert_eq!(
        scene,
        opened.segment(Prompt::Mask { mask: full }, &ALL),
        "a full mask equals no prompt"
    );
    let entities = opened.segment(Prompt::Full, &[Level::Entity]);
    assert!(entities.masks.iter().all(|mask| mask.level == Level::Entity));

    let entity = scene.level(Level::Entity).max_by_key(|mask| mask.area).expect("there are some");
    let parts = opened.segment(Prompt::Entity { mask: entity.rle.clone() }, &ALL);
    keeps_its_promises(&parts);
    let inside = pixels(entity);
    for part in &parts.masks {
        assert_eq!(part.level, Level::Part);
        assert_eq!(pixels(part).intersection_area(&inside), part.area, "parts lie in their entity");
    }

    let pair: Vec<_> = scene.level(Level::Entity).take(2).map(|mask| mask.rle.clone()).collect();
    let joined =
        opened.segment(Prompt::Entities { masks: [pair[0].clone(), pair[1].clone()] }, &ALL);
    assert_eq!(joined.level(Level::Relation).count(), 1);
    let again =
        opened.segment(Prompt::Entities { masks: [pair[1].clone(), pair[0].clone()] }, &ALL);
    let score = |scene: &Scene| scene.level(Level::Relation).map(|mask| mask.score).sum::<f32>();
    assert!((score(&joined) - score(&again)).abs() < 1e-4, "the order of the two does not matter");

    // The scene head says which answer to a click is meant.
    let middle = Point {
        x: f64::from(opened.photo.width) / 2.0,
        y: f64::from(opened.photo.height) / 2.0,
        label: 1,
    };
    let click = PointPrompt::at(vec![middle]);
    let answers =
        pollster::block_on(opened.segmenter.answers(&opened.photo, &click)).expect("it runs");
    let taken = choose(PickRule::default(), &answers, true).expect("one is taken").scores;
    for answer in answers.iter().filter(|answer| !answer.is_single) {
        assert!((0.0..=taken.click_score).contains(&answer.scores.click_score));
        assert_ne!(answer.scores.click_score, answer.scores.predicted_iou);
    }
    let clicked = opened.segment(Prompt::Points(click), &ALL);
    assert!((clicked.masks[0].score - taken.predicted_iou).abs() < 1e-6);

    // Wherever the request is stopped, the error says so.
    for stop in [1, 3, 6] {
        let calls = Cell::new(0);
        let progress = Progress::new(|_| {
            calls.set(calls.get() + 1);
            std::future::ready(calls.get() < stop)
        });
        let found = pollster::block_on(opened.segmenter.segment(
            &opened.photo,
            &Request::default(),
            &progress,
        ));
        assert!(matches!(found, Err(Error::Aborted)), "stopped at check {stop}");
    }
}

/// White shapes on a transparent background would be lost on white.
#[test]
fn what_is_opaque_is_told_from_what_is_not() {
    let opened = Opened::new(WHITE_ON_TRANSPARENT);
    let rgba = image::load_from_memory(WHITE_ON_TRANSPARENT).expect("a photo").into_rgba8();
    let opaque =
        BitMask::from_fn(rgba.width(), rgba.height(), |x, y| rgba.get_pixel(x, y).0[3] > 127);
    let scene = opened.segment(Prompt::Full, &ALL);
    // These are both shapes together, or each by itself.
    let shapes: Vec<BitMask> =
        scene.level(Level::Entity).map(pixels).filter(|mask| mask.area() * 2 < 400 * 300).collect();
    let union = shapes.into_iter().reduce(|all, mask| all.union(&mask)).expect("entities");
    assert!(union.iou(&opaque) > 0.9, "{}", union.iou(&opaque));
}
