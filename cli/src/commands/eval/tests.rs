//! Compares the measures with pycocotools, and tests which masks count in which measure.

use aims_web::Level;
use aims_web::mask::{BitMask, Rle};
use serde::Deserialize;

use super::bootstrap::Estimate;
use super::data::{Drawing, Label, LabelLevel, LabelledImage, Relation};
use super::matching::{Shape, Target};
use super::mean::{Mean, mean};
use super::measure::{Outcomes, average_precision, average_recall, recall_at_half};
use super::predictions::{ImagePredictions, PredictedMask, Prediction};
use super::score::PhotoScores;

#[derive(Deserialize)]
struct Golden {
    expected: Expected,
    images: Vec<GoldenImage>,
}

#[derive(Deserialize)]
struct Expected {
    average_recall: f64,
    recall_at_half: f64,
    average_precision: f64,
}

#[derive(Deserialize)]
struct GoldenImage {
    targets: Vec<GoldenTarget>,
    predictions: Vec<GoldenPrediction>,
}

#[derive(Deserialize)]
struct GoldenTarget {
    rle: Rle,
    crowd: bool,
}

#[derive(Deserialize)]
struct GoldenPrediction {
    rle: Rle,
    score: f32,
}

fn shape(rle: &Rle) -> Shape {
    Shape::new(rle.decode().expect("valid"))
}

/// The expected values are made by `tests/golden/make_average_recall.py`.
#[test]
fn recall_and_precision_equal_those_of_pycocotools() {
    let path =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data/average_recall_pycocotools.json");
    let text = std::fs::read_to_string(path).expect("golden file");
    let golden: Golden = serde_json::from_str(&text).expect("valid golden file");
    let mut photos = Vec::new();
    for image in &golden.images {
        let targets: Vec<(Shape, bool)> =
            image.targets.iter().map(|t| (shape(&t.rle), t.crowd)).collect();
        let targets: Vec<Target> =
            targets.iter().map(|(shape, ignore)| Target { shape, ignore: *ignore }).collect();
        let mut found: Vec<(f32, Shape)> =
            image.predictions.iter().map(|p| (p.score, shape(&p.rle))).collect();
        found.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        let found: Vec<(f32, &Shape)> =
            found.iter().map(|(score, shape)| (*score, shape)).collect();
        let mut photo = Outcomes::default();
        photo.add(&found, &targets);
        photos.push(photo);
    }
    let close = |measured: Option<Estimate>, expected: f64| {
        let measured = measured.expect("there are targets").value;
        assert!((measured - expected).abs() < 1e-9, "{measured} instead of {expected}");
    };
    close(average_recall(photos.iter()), golden.expected.average_recall);
    close(recall_at_half(photos.iter()), golden.expected.recall_at_half);
    close(average_precision(photos.iter()), golden.expected.average_precision);
}

/// Columns of a photo of 8 x 4 pixels, `width` of them from `x` on.
fn column(x: u32, width: u32) -> Rle {
    Rle::encode(&BitMask::from_fn(8, 4, |px, _| (x..x + width).contains(&px)))
}

fn label(level: LabelLevel, rle: Rle, parent: Option<usize>) -> Label {
    Label { level, rle, parent, members: Vec::new(), source: None, approx: false, crowd: false }
}

fn predicted(level: Level, rle: Rle, score: f32) -> PredictedMask {
    PredictedMask { rle, score, level, parent: None, members: Vec::new() }
}

fn predictions(masks: Vec<PredictedMask>) -> ImagePredictions {
    let full = Prediction { image: "a/b.jpg".to_string(), entity: None, masks };
    ImagePredictions { full: Some(full), prompted: Vec::new() }
}

fn image(labels: Vec<Label>, is_complete: bool) -> LabelledImage {
    LabelledImage {
        name: "a/b.jpg".to_string(),
        drawings: vec![Drawing { labels, is_complete, relations: Vec::new() }],
    }
}

fn scores(image: &LabelledImage, predictions: &ImagePredictions) -> PhotoScores {
    PhotoScores::new(image, predictions).expect("valid masks")
}

fn recall(photo: &Outcomes) -> Option<f64> {
    average_recall([photo].into_iter()).map(|found| found.value)
}

fn precision(photo: &Outcomes) -> Option<f64> {
    average_precision([photo].into_iter()).map(|found| found.value)
}

fn share(photo: &Mean) -> Option<f64> {
    mean([photo].into_iter()).map(|found| found.value)
}

#[test]
fn each_level_is_compared_with_its_own() {
    let labels = vec![
        label(LabelLevel::Entity, column(0, 4), None),
        label(LabelLevel::Part, column(0, 2), Some(0)),
        label(LabelLevel::Entity, column(4, 4), None),
    ];
    let masks = vec![
        predicted(Level::Entity, column(0, 4), 0.9),
        predicted(Level::Entity, column(0, 2), 0.8),
        predicted(Level::Part, column(4, 4), 0.7),
    ];
    let scores = scores(&image(labels, false), &predictions(masks));
    assert_eq!(recall(&scores.entity), Some(0.5));
    assert_eq!(recall(&scores.entity_any), Some(1.0));
    assert_eq!(recall(&scores.part), Some(0.0));
    assert_eq!(recall(&scores.part_any), Some(1.0));
    assert_eq!(recall(&scores.region_any), None);
    assert_eq!(precision(&scores.entity_complete), None, "the photo is not completely labelled");
}

#[test]
fn approximate_masks_and_crowds_are_not_scored() {
    let labels = vec![
        Label { approx: true, ..label(LabelLevel::Entity, column(0, 2), None) },
        Label { crowd: true, ..label(LabelLevel::Region, column(2, 4), None) },
        label(LabelLevel::Entity, column(6, 2), None),
    ];
    // Three masks lie in what is not scored, the next one is right, and the last one is wrong.
    let masks = vec![
        predicted(Level::Entity, column(0, 2), 0.9),
        predicted(Level::Entity, column(2, 2), 0.8),
        predicted(Level::Entity, column(4, 2), 0.7),
        predicted(Level::Entity, column(6, 2), 0.6),
        predicted(Level::Entity, column(0, 8), 0.5),
    ];
    let scores = scores(&image(labels, true), &predictions(masks));
    assert_eq!(scores.entity.targets(), 1);
    assert_eq!(scores.region_any.targets(), 0);
    assert_eq!(recall(&scores.entity), Some(1.0));
    let precision = precision(&scores.entity_complete).expect("a target");
    assert!((precision - 1.0).abs() < 1e-12, "{precision}");
}

#[test]
fn parts_found_from_a_prompt_count_against_its_own_parts() {
    let labels = vec![
        label(LabelLevel::Entity, column(0, 4), None),
        label(LabelLevel::Entity, column(4, 4), None),
        label(LabelLevel::Part, column(0, 1), Some(0)),
        label(LabelLevel::Part, column(4, 1), Some(1)),
    ];
    let mut found = predictions(Vec::new());
    let masks =
        vec![predicted(Level::Part, column(0, 1), 0.5), predicted(Level::Part, column(4, 1), 0.5)];
    found.prompted.push(Prediction { image: "a/b.jpg".to_string(), entity: Some(1), masks });
    let scores = scores(&image(labels, false), &found);
    assert_eq!(scores.part_prompted.targets(), 1);
    assert_eq!(recall(&scores.part_prompted), Some(1.0));
    assert_eq!(recall(&scores.part), Some(0.0));
}

#[test]
fn each_drawing_of_an_image_counts() {
    let drawing = |width| Drawing {
        labels: vec![label(LabelLevel::Region, column(0, width), None)],
        is_complete: false,
        relations: Vec::new(),
    };
    let image =
        LabelledImage { name: "a/b.jpg".to_string(), drawings: vec![drawing(2), drawing(8)] };
    let scores = scores(&image, &predictions(vec![predicted(Level::Part, column(0, 2), 0.5)]));
    assert_eq!(scores.region_any.targets(), 2);
    assert_eq!(recall(&scores.region_any), Some(0.5));
}

#[test]
fn predictions_of_another_size_are_refused() {
    let image = image(vec![label(LabelLevel::Entity, column(0, 2), None)], false);
    let wrong = predicted(Level::Entity, Rle::encode(&BitMask::full(4, 8)), 0.5);
    assert!(PhotoScores::new(&image, &predictions(vec![wrong])).is_err());
}

#[test]
fn parts_count_as_wrong_only_where_people_drew_parts() {
    let labels = vec![
        label(LabelLevel::Entity, column(0, 4), None),
        label(LabelLevel::Part, column(0, 2), Some(0)),
    ];
    // The first mask is outside the entity whose parts are drawn, the second is right, and the
    // third is wrong.
    let masks = vec![
        predicted(Level::Part, column(4, 4), 0.9),
        predicted(Level::Part, column(0, 2), 0.8),
        predicted(Level::Part, column(2, 1), 0.7),
    ];
    let precision_of = |masks| {
        let scores = scores(&image(labels.clone(), false), &predictions(masks));
        precision(&scores.part).expect("a target")
    };
    assert!((precision_of(masks.clone()) - 1.0).abs() < 1e-12);
    let wrong_first = vec![PredictedMask { score: 0.95, ..masks[2].clone() }, masks[1].clone()];
    assert!((precision_of(wrong_first) - 0.5).abs() < 1e-12);
}

#[test]
fn links_are_found_where_both_ends_are_and_belong_together() {
    let labels = vec![
        label(LabelLevel::Entity, column(0, 4), None),
        label(LabelLevel::Entity, column(4, 2), None),
        label(LabelLevel::Part, column(0, 2), Some(0)),
        label(LabelLevel::Part, column(2, 2), Some(0)),
    ];
    let masks = vec![
        predicted(Level::Entity, column(0, 4), 0.9),
        predicted(Level::Entity, column(6, 2), 0.8),
        PredictedMask { parent: Some(0), ..predicted(Level::Part, column(0, 2), 0.7) },
        PredictedMask { parent: Some(1), ..predicted(Level::Part, column(2, 2), 0.6) },
        PredictedMask { members: vec![0, 1], ..predicted(Level::Relation, column(0, 6), 0.5) },
    ];
    let mut image = image(labels, false);
    image.drawings[0].relations = vec![Relation { members: (0, 1), is_named: false }];
    let by_rule = scores(&image, &predictions(masks.clone()));
    assert_eq!(share(&by_rule.entity_part), Some(0.5), "the other part has the wrong parent");
    assert_eq!(recall(&by_rule.relation), Some(1.0));
    assert_eq!(share(&by_rule.relation_entity), Some(0.5), "the second entity was not found");
    assert_eq!(share(&by_rule.named_relation_entity), None);
    image.drawings[0].relations[0].is_named = true;
    let named = scores(&image, &predictions(masks));
    assert_eq!(share(&named.named_relation_entity), Some(0.5));
}
