//! Compares the box head, and the boxes that SAM is asked about, with PyTorch; see
//! `tests/golden/make_boxes.py`.

use crate::common::{self, Golden, everywhere, relative_errors};
use crate::generated::{generated, generated_model};
use aims_web::DeviceKind;
use aims_web::candidates::{BOX_LEVELS, PromptBox};
use aims_web::model::{BoxHead, BoxesConfig, Description, ImageFeatures, Weights};
use aims_web::ops;

const GOLDEN: &[u8] = include_bytes!("../golden/boxes.safetensors");
const TOLERANCE: f32 = 1e-4;
const HEIGHT: usize = 128;
const WIDTH: usize = 256;
/// The columns and rows of the box head's cells that show the photo.
const SHOWN: (f32, f32) = (32.0, 13.5);
const MOST: usize = 24;

fn family() -> Description {
    let family: Description =
        serde_json::from_str(include_str!("../../models/aims-base.json")).expect("a description");
    let boxes = BoxesConfig { width: 128, blocks: 3, count: MOST };
    Description { boxes: Some(boxes), ..family }
}

fn compare(name: &str, ours: &[f32], golden: &Golden) {
    let (norm, largest) = relative_errors(ours, golden.get(name).1);
    println!("{name}: relative error {norm:.2e}, largest {largest:.2e}");
    assert!(norm < TOLERANCE && largest < TOLERANCE, "{name}: {norm} {largest}");
}

async fn boxes(kind: DeviceKind) {
    let device = common::device(kind).await;
    let model = generated_model(GOLDEN, &family());
    let weights = Weights::new(&model, &device).expect("a valid file");
    let head = BoxHead::load(&weights, "boxes").expect("complete").expect("the description has it");
    let map = |name: &str, stride: usize, channels: usize| {
        let shape = [1, HEIGHT / stride, WIDTH / stride, channels];
        ops::tensor(generated(name, &shape), shape, &device)
    };
    let features = ImageFeatures {
        stride4: map("stride4", 4, 32),
        stride8: map("stride8", 8, 64),
        deepest: map("deepest", 32, 768),
        embedding: map("embedding", 16, 256),
    };
    let output = head.forward(&features).await.expect("the device computes");
    let golden = Golden::read(GOLDEN);
    let quality: Vec<f32> = output.cells.iter().map(|cell| cell.quality).collect();
    compare("quality", &quality, &golden);
    let corners: Vec<f32> = output.cells.iter().flat_map(|cell| cell.corners).collect();
    compare("corners", &corners, &golden);

    let asked = output.prompts(&BOX_LEVELS, SHOWN, MOST, |_, _| true);
    let quality: Vec<f32> = asked.iter().map(|asked| asked.found.quality).collect();
    compare("asked.quality", &quality, &golden);
    let corners: Vec<f32> = asked.iter().flat_map(|asked| asked.found.corners).collect();
    compare("asked.corners", &corners, &golden);
    let number = |asked: &PromptBox| BOX_LEVELS.iter().position(|&level| level == asked.level);
    let levels: Vec<_> = asked.iter().map(|asked| number(asked).map(|at| at as f32)).collect();
    let expected: Vec<_> = golden.get("asked.level").1.iter().copied().map(Some).collect();
    assert_eq!(levels, expected);
}

everywhere!(box_head_on_cpu, boxes(DeviceKind::Cpu));
everywhere!(box_head_on_gpu, boxes(DeviceKind::Gpu));
