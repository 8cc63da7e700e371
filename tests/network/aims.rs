//! The AIMS head against its PyTorch twin, with random weights: see `tests/golden/make_aims.py`.

use crate::common::{self, Golden, everywhere, floats, relative_errors};
use aims_web::mask::{BitMask, Rle};
use aims_web::model::{Aims, AimsConfig, ImageFeatures, Weights};
use aims_web::photo::decode;
use aims_web::segmenter::Mode;
use aims_web::{DeviceKind, Progress, Prompt, Request, Segmenter};
use burn::tensor::{Device, Tensor, TensorData};

const FILE: &[u8] = include_bytes!("../golden/aims_random.safetensors");
const TOLERANCE: f32 = 1e-4;
const CONFIG: AimsConfig =
    AimsConfig { width: 32, heads: 2, mask_dim: 16, queries: [12, 9, 5], ..AimsConfig::TINY };

fn input(golden: &Golden, name: &str, device: &Device) -> Tensor<4> {
    let (shape, values) = golden.get(&format!("input.{name}"));
    let shape: [usize; 4] = shape.try_into().expect("four axes");
    Tensor::from_data(TensorData::new(values.to_vec(), shape), device)
}

async fn parity(kind: DeviceKind) {
    let device = common::device(kind).await;
    let golden = Golden::read(FILE);
    let aims =
        Aims::load(&Weights::new(FILE, &device).expect("a valid file"), "aims", CONFIG).expect("complete");
    let features = ImageFeatures {
        stride4: input(&golden, "stride4", &device),
        stride8: input(&golden, "stride8", &device),
        stride16: input(&golden, "stride16", &device),
        embedding: input(&golden, "embedding", &device),
    };
    for (case, prompt) in [("full", None), ("prompted", Some(input(&golden, "prompt", &device)))] {
        let output = aims.forward(&features, prompt, &Progress::none()).await.expect("the device computes");
        let mut results = vec![
            ("entity_part".to_string(), floats(output.entity_part).await),
            ("relation_entity".to_string(), floats(output.relation_entity).await),
        ];
        for (name, level) in ["part", "entity", "relation"].into_iter().zip(output.levels) {
            results.push((format!("{name}.logits"), floats(level.logits).await));
            results.push((format!("{name}.score"), floats(level.score).await));
            results.push((format!("{name}.quality"), floats(level.quality).await));
        }
        for (name, ours) in results {
            let name = format!("{case}.{name}");
            let (norm, largest) = relative_errors(&ours, golden.get(&name).1);
            println!("{name}: relative error {norm:.2e}, largest {largest:.2e}");
            assert!(norm < TOLERANCE && largest < TOLERANCE, "{name}: {norm} {largest}");
        }
    }
}

everywhere!(aims_head_on_cpu, parity(DeviceKind::Cpu));
everywhere!(aims_head_on_gpu, parity(DeviceKind::Gpu));

everywhere!(
    /// With the shipped model; also when the mask is that of a photo that does not fill the input.
    full_image_prompt_is_no_prompt,
    async {
        let segmenter = Segmenter::new(DeviceKind::Cpu, common::SHIPPED_MODEL, 256).await.expect("a valid model");
        let photo = decode(include_bytes!("../data/photo.png")).expect("a valid photo");
        let full = Rle::encode(&BitMask::full(photo.width, photo.height));
        let encoded = segmenter.encode(photo, &Progress::none()).await.expect("the device computes");
        let ask = async |prompt| {
            let request = Request { prompt, mode: Mode::Fast, min_score: 0.05, ..Request::default() };
            segmenter.segment(&encoded, &request, &Progress::none()).await.expect("the device computes")
        };
        let alone = ask(Prompt::Full).await;
        assert!(alone.masks.len() > 2, "{} masks", alone.masks.len());
        assert_eq!(alone, ask(Prompt::Mask { mask: full }).await);
    }
);
