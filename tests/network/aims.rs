//! Compares the AIMS head with its PyTorch twin, with generated weights and with the shipped ones;
//! see `tests/golden/make_aims.py`.

use std::rc::Rc;

use crate::common::{self, Golden, everywhere, relative_errors};
use crate::generated::{generated, generated_model};
use aims_web::levels::Level;
use aims_web::mask::{BitMask, Rle};
use aims_web::model::{
    Aims, Description, ImageFeatures, InputSize, MaskDecoder, PromptEncoder, Sam, Weights,
};
use aims_web::ops;
use aims_web::photo::decode;
use aims_web::segmenter::Mode;
use aims_web::{DeviceKind, Progress, Prompt, Request, Segmenter};
use burn::tensor::{Device, Tensor};

const RANDOM: &[u8] = include_bytes!("../golden/aims_random.safetensors");
const RANDOM_BASE: &[u8] = include_bytes!("../golden/aims_random_base.safetensors");
const SHIPPED: &[u8] = include_bytes!("../golden/aims_shipped.safetensors");
const TOLERANCE: f32 = 1e-4;
const MANY_ROUNDS: usize = 8;

fn tiny() -> Description {
    serde_json::from_str(include_str!("../../models/aims-tiny.json")).expect("a description")
}

fn base() -> Description {
    serde_json::from_str(include_str!("../../models/aims-base.json")).expect("a description")
}

fn load(weights: &Weights) -> Aims {
    let points = Rc::new(PromptEncoder::load(weights, "prompt_encoder").expect("complete"));
    let decoder = &weights.manifest().description.decoder;
    let sam = Rc::new(MaskDecoder::load(weights, "mask_decoder", decoder).expect("complete"));
    Aims::load(weights, "aims", points, sam).expect("complete").expect("the description has levels")
}

fn input(
    name: &str,
    size: InputSize,
    stride: usize,
    channels: usize,
    device: &Device,
) -> Tensor<4> {
    let [rows, cols] = size.cells(stride);
    let shape = [1, rows, cols, channels];
    ops::tensor(generated(&format!("input.{name}"), &shape), shape, device)
}

/// Compares everything that the head computes; of the logits, only every `step`-th one.
async fn compare(
    aims: &Aims,
    features: &ImageFeatures,
    prompt: Option<&[f32]>,
    golden: &Golden,
    case: &str,
    step: usize,
) {
    let rounds = aims.config().rounds;
    let output = aims
        .forward(
            features,
            prompt,
            &[Level::Part, Level::Entity, Level::Relation],
            rounds,
            &Progress::none(),
        )
        .await
        .expect("the device computes");
    let mut results = Vec::new();
    // The side decoder, which runs next to SAM's, gives no links.
    if output.nested.score.is_empty() {
        results.push(("entity_part".to_string(), output.entity_part));
        results.push(("relation_entity".to_string(), output.relation_entity));
    }
    let levels = output.levels.into_iter().chain([output.nested]);
    for (name, level) in ["part", "entity", "relation", "nested"].into_iter().zip(levels) {
        if level.score.is_empty() {
            continue;
        }
        let logits = level.masks.concat().into_iter().step_by(step).collect();
        results.push((format!("{name}.logits"), logits));
        results.push((format!("{name}.score"), level.score));
        results.push((format!("{name}.quality"), level.predicted_iou));
    }
    for (name, ours) in results {
        let name = format!("{case}.{name}");
        let (norm, largest) = relative_errors(&ours, golden.get(&name).1);
        println!("{name}: relative error {norm:.2e}, largest {largest:.2e}");
        assert!(norm < TOLERANCE && largest < TOLERANCE, "{name}: {norm} {largest}");
    }
}

fn features(family: &Description, size: InputSize, device: &Device) -> ImageFeatures {
    let [stride4, stride8, deepest] = ImageFeatures::channels(family);
    ImageFeatures {
        stride4: input("stride4", size, 4, stride4, device),
        stride8: input("stride8", size, 8, stride8, device),
        deepest: input("deepest", size, ImageFeatures::deepest_stride(family), deepest, device),
        embedding: input("embedding", size, 16, family.decoder.channels, device),
        efficient: None,
    }
}

async fn generated_weights(kind: DeviceKind, family: Description, size: InputSize, golden: &[u8]) {
    let device = common::device(kind).await;
    let model = generated_model(golden, &family);
    let golden = Golden::read(golden);
    let weights = Weights::new(&model, &device).expect("a valid file");
    let aims = load(&weights);
    let features = features(&family, size, &device);
    let InputSize { width, height } = size;
    let inside = |i: usize| (10..41).contains(&(i / width)) && (5..50).contains(&(i % width));
    let prompt: Vec<f32> = (0..width * height).map(|i| f32::from(u8::from(inside(i)))).collect();
    compare(&aims, &features, None, &golden, "full", 1).await;
    compare(&aims, &features, Some(&prompt), &golden, "prompted", 1).await;
}

/// Runs more rounds than a GPU runs before anything is read back. The threshold of objectness is so
/// low that all queries count.
async fn many_rounds(kind: DeviceKind) {
    let device = common::device(kind).await;
    let mut family = base();
    let levels = family.levels.as_mut().expect("it has levels");
    levels.thresholds.min_objectness = f32::MIN;
    levels.rounds = MANY_ROUNDS;
    let model = generated_model(RANDOM_BASE, &family);
    let weights = Weights::new(&model, &device).expect("a valid file");
    let features = features(&family, InputSize { width: 256, height: 128 }, &device);
    compare(&load(&weights), &features, None, &Golden::read(RANDOM_BASE), "many", 61).await;
}

async fn shipped_weights(kind: DeviceKind) {
    let device = common::device(kind).await;
    let weights = Weights::new(common::SHIPPED_TINY, &device).expect("a valid file");
    ops::prepare(&device, &weights.bits(), &tiny().head_channels(), tiny().pools())
        .await
        .expect("the shaders are valid");
    let sam = Sam::load(&weights).expect("complete");
    let aims = load(&weights);
    let (rgb, width, height) = common::photo(256);
    let start = ops::counters(&device);
    let features = sam
        .encode(&rgb, width, height, InputSize::square(256), &Progress::none())
        .await
        .expect("nothing aborts");
    let encoded = ops::counters(&device);
    compare(&aims, &features, None, &Golden::read(SHIPPED), "full", 101).await;
    let all = ops::counters(&device);
    // Natively, other tests use the device at the same time.
    if cfg!(target_family = "wasm") {
        assert_eq!(all.late_pipelines, start.late_pipelines, "a shader was not compiled ahead");
        assert!(encoded.submissions - start.submissions <= 20, "{start:?} {encoded:?}");
        assert!(all.submissions - encoded.submissions <= 20, "{encoded:?} {all:?}");
        assert_eq!(encoded.reads, start.reads, "the features stay on the device");
        let reads = if kind == DeviceKind::Gpu { 1 } else { 0 };
        assert_eq!(all.reads, encoded.reads + reads, "one read-back for three levels");
    }
}

const SQUARE: InputSize = InputSize { width: 64, height: 64 };
const WIDE: InputSize = InputSize { width: 128, height: 64 };

everywhere!(aims_head_on_cpu, generated_weights(DeviceKind::Cpu, tiny(), SQUARE, RANDOM));
everywhere!(aims_head_on_gpu, generated_weights(DeviceKind::Gpu, tiny(), SQUARE, RANDOM));
everywhere!(base_aims_head_on_cpu, generated_weights(DeviceKind::Cpu, base(), WIDE, RANDOM_BASE));
everywhere!(base_aims_head_on_gpu, generated_weights(DeviceKind::Gpu, base(), WIDE, RANDOM_BASE));
everywhere!(many_rounds_on_cpu, many_rounds(DeviceKind::Cpu));
everywhere!(many_rounds_on_gpu, many_rounds(DeviceKind::Gpu));
everywhere!(shipped_aims_head_on_cpu, shipped_weights(DeviceKind::Cpu));
everywhere!(shipped_aims_head_on_gpu, shipped_weights(DeviceKind::Gpu));

everywhere!(
    /// A prompt of the full image gives the same scene as no prompt, with the shipped model and a
    /// photo that does not fill the input.
    full_image_prompt_is_no_prompt,
    async {
        let segmenter = Segmenter::new(DeviceKind::Cpu, common::SHIPPED_TINY, Some(256)).await.expect("a valid model");
        let photo = decode(include_bytes!("../data/photo.png")).expect("a valid photo");
        let full = Rle::encode(&BitMask::full(photo.width, photo.height));
        let encoded = segmenter.encode(photo, &Progress::none()).await.expect("the device computes");
        let ask = async |prompt| {
            let request = Request { prompt, mode: Some(Mode::Learned), min_score: Some(0.05), ..Request::default() };
            segmenter.segment(&encoded, &request, &Progress::none()).await.expect("the device computes")
        };
        let alone = ask(Prompt::Full).await;
        assert!(alone.masks.len() > 2, "{} masks", alone.masks.len());
        assert_eq!(alone, ask(Prompt::Mask { mask: full }).await);
    }
);
