//! Compares the semantic head, and the segments of its classes, with PyTorch and SciPy; see
//! `tests/golden/make_semantic.py`.

use crate::common::{self, Golden, compare, everywhere};
use crate::generated::{generated, generated_model};
use aims_web::DeviceKind;
use aims_web::candidates::Kind;
use aims_web::model::{
    Description, EfficientMaps, ImageFeatures, SemanticConfig, SemanticHead, Weights,
};
use aims_web::ops;

const GOLDEN: &[u8] = include_bytes!("../golden/semantic.safetensors");
const TOLERANCE: f32 = 1e-4;
const HEIGHT: usize = 128;
const WIDTH: usize = 256;
/// The columns and rows of cells that show the photo.
const SHOWN: (u32, u32) = (64, 27);

/// `aims-base` with a semantic head of seven classes.
pub fn family() -> Description {
    let family: Description =
        serde_json::from_str(include_str!("../../models/aims-base.json")).expect("a description");
    let names = |names: &[&str]| names.iter().map(ToString::to_string).collect();
    let semantic = SemanticConfig {
        width: 128,
        fine: 64,
        blocks: [2, 2, 1],
        refined: 24,
        parts: names(&["none", "nose", "ear", "eye"]),
        unions: vec![names(&["nose", "eye"])],
        entities: names(&["other", "sky", "road"]),
    };
    Description { semantic: Some(semantic), ..family }
}

async fn semantic(kind: DeviceKind) {
    let device = common::device(kind).await;
    let model = generated_model(GOLDEN, &family());
    let weights = Weights::new(&model, &device).expect("a valid file");
    let head =
        SemanticHead::load(&weights, "semantic").expect("complete").expect("it is described");
    let map = |name: &str, stride: usize, channels: usize| {
        let shape = [1, HEIGHT / stride, WIDTH / stride, channels];
        ops::tensor(generated(name, &shape), shape, &device)
    };
    let features = ImageFeatures {
        stride4: map("stride4", 4, 32),
        stride8: map("stride8", 8, 64),
        deepest: map("deepest", 32, 768),
        embedding: map("embedding", 16, 256),
        efficient: Some(EfficientMaps {
            stride16: map("efficient16", 16, 120),
            stride32: map("efficient32", 32, 352),
        }),
    };
    let maps = head.forward(&features).await.expect("the device computes");
    let golden = Golden::read(GOLDEN);
    compare("probabilities", &maps.values, &golden, TOLERANCE);

    let found = maps.segments(&head.config().named(), SHOWN);
    let of = |value: fn(&aims_web::candidates::Found) -> f32| -> Vec<f32> {
        found.iter().map(|segment| value(&segment.found)).collect()
    };
    assert_eq!(of(|found| found.cells.area() as f32), golden.get("area").1);
    assert_eq!(of(|found| f32::from(u8::from(found.kind != Kind::Part))), golden.get("level").1);
    compare("score", &of(|found| found.score), &golden, TOLERANCE);
    compare("stability", &of(|found| found.stability), &golden, TOLERANCE);
}

everywhere!(semantic_head_on_cpu, semantic(DeviceKind::Cpu));
everywhere!(semantic_head_on_gpu, semantic(DeviceKind::Gpu));
