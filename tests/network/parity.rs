//! Compares the network with the PyTorch code that comes with MobileSAM's weights; see
//! `tests/golden/README.md`.

use crate::common::{self, Golden, everywhere, floats, relative_errors};
use aims_web::model::{Embedding, ImageFeatures, InputSize, MaskValues, Sam};
use aims_web::ops;
use aims_web::{DeviceKind, Progress};
use burn::tensor::Tensor;

/// The largest relative error of float32 activations.
const TOLERANCE: f32 = 1e-3;

async fn encode(sam: &Sam, size: usize) -> ImageFeatures {
    let (rgb, width, height) = common::photo(size);
    sam.encode(&rgb, width, height, InputSize::square(size), &Progress::none())
        .await
        .expect("nothing aborts")
}

async fn compare_encoder(features: &ImageFeatures, size: usize) {
    let golden = Golden::encoder(size);
    for (name, tensor) in [
        ("stage0", &features.stride4),
        ("stage1", &features.stride8),
        ("stage3", &features.deepest),
        ("embedding", &features.embedding),
    ] {
        compare_map(&golden, name, tensor, TOLERANCE).await;
    }
}

/// Compares a feature map with the golden one, which has every n-th row and column, starting with
/// the first.
pub async fn compare_map(golden: &Golden, name: &str, tensor: &Tensor<4>, tolerance: f32) {
    let (shape, expected) = golden.get(name);
    let [_, height, width, channels] = tensor.dims();
    let step = if shape[1] == height { 1 } else { (height - 1) / (shape[1] - 1) };
    let all = floats(tensor.clone()).await;
    let sampled: Vec<f32> = (0..shape[1] * shape[2])
        .flat_map(|i| {
            let (y, x) = (i / shape[2] * step, i % shape[2] * step);
            all[(y * width + x) * channels..][..channels].to_vec()
        })
        .collect();
    let (norm, largest) = relative_errors(&sampled, expected);
    println!("{height} x {width} {name}: relative error {norm:.2e}, largest {largest:.2e}");
    assert!(norm < tolerance && largest < tolerance, "{name}: {norm} {largest}");
}

/// The four masks of one prompt.
pub struct Decoded {
    /// The logits, `[4, height, width]`.
    pub logits: Vec<f32>,
    /// The predicted IoUs, `[4]`.
    pub iou: Vec<f32>,
}

/// Decodes all prompts for an input whose long side is `size`.
pub async fn decode_all(sam: &Sam, embedding: &Embedding, size: usize) -> Vec<Decoded> {
    let small = Golden::decoder(256);
    let [rows, cols] = embedding.mask_size();
    let (shape, mask) = small.get("mask_input");
    // The mask is the same at both sizes, with each value repeated. A wide input takes the part
    // that it shows.
    let repeat = cols / shape[1];
    let mask: Vec<f32> =
        (0..rows * cols).map(|i| mask[i / cols / repeat * shape[1] + i % cols / repeat]).collect();
    let mut decoded = Vec::new();
    for prompt in common::prompts(size) {
        let mask =
            prompt.mask_input.then(|| ops::tensor(mask.clone(), [1, rows, cols, 1], sam.device()));
        let prediction = sam.decode(embedding, &[prompt.points()], mask);
        let MaskValues { iou, logits, .. } = prediction.read().await.expect("the device computes");
        decoded.push(Decoded { logits, iou });
    }
    decoded
}

/// Compares the logits with the golden ones, which have every n-th row and column, and the
/// predicted IoUs.
pub fn compare_decoder(
    decoded: &[Decoded],
    golden: &Golden,
    prefix: &str,
    size: usize,
    tolerance: f32,
) {
    let (shape, expected) = golden.get(&format!("{prefix}logits"));
    let (_, expected_iou) = golden.get(&format!("{prefix}ious"));
    let side = size / 4;
    let step = (side - 1) / (shape[3] - 1);
    let rows = decoded[0].logits.len() / 4 / side;
    let per_prompt = expected.len() / shape[0];
    for (i, (prompt, decoded)) in common::prompts(size).iter().zip(decoded).enumerate() {
        let sampled: Vec<f32> = (0..per_prompt)
            .map(|j| {
                let (mask, cell) = (j / (shape[2] * shape[3]), j % (shape[2] * shape[3]));
                let (y, x) = (cell / shape[3] * step, cell % shape[3] * step);
                decoded.logits[(mask * rows + y) * side + x]
            })
            .collect();
        let (norm, largest) = relative_errors(&sampled, &expected[i * per_prompt..][..per_prompt]);
        let (iou, _) = relative_errors(&decoded.iou, &expected_iou[i * 4..][..4]);
        println!("{size} {}: logits {norm:.2e}, largest {largest:.2e}, IoU {iou:.2e}", prompt.name);
        assert!(norm < tolerance && largest < tolerance && iou < tolerance, "{}", prompt.name);
    }
}

#[cfg(not(target_family = "wasm"))]
/// The IoU of the best mask of each prompt with the reference's. The reference's predicted IoU says
/// which mask is best.
pub fn mask_ious(decoded: &[Decoded], golden: &Golden, size: usize) -> Vec<(String, f32)> {
    let (_, masks) = golden.get("masks");
    let (_, iou) = golden.get("ious");
    let length = (size / 4) * (size / 4);
    let prompts = common::prompts(size);
    let each = prompts.iter().zip(decoded).enumerate();
    each.map(|(i, (prompt, decoded))| {
        let best =
            (0..4).max_by(|&a, &b| iou[i * 4 + a].total_cmp(&iou[i * 4 + b])).expect("four masks");
        let bits = &masks[(i * 4 + best) * length / 8..][..length / 8];
        let (mut both, mut either) = (0, 0);
        for (cell, logit) in decoded.logits[best * length..][..length].iter().enumerate() {
            let theirs = (bits[cell / 8] as u8) >> (7 - cell % 8) & 1 == 1;
            let ours = *logit > 0.0;
            both += u32::from(ours && theirs);
            either += u32::from(ours || theirs);
        }
        (prompt.name.clone(), both as f32 / either as f32)
    })
    .collect()
}

async fn float_parity(kind: DeviceKind, size: usize) {
    let sam = common::load(&common::float_model(), &common::device(kind).await);
    let features = encode(&sam, size).await;
    compare_encoder(&features, size).await;
    let decoded = decode_all(&sam, &sam.embed(&features), size).await;
    compare_decoder(&decoded, &Golden::decoder(size), "", size, TOLERANCE);
}

everywhere!(float32_on_cpu_at_256, float_parity(DeviceKind::Cpu, 256));
everywhere!(float32_on_gpu_at_256, float_parity(DeviceKind::Gpu, 256));

everywhere!(
    /// The GPU computes the same from 8-bit weights as the CPU.
    eight_bit_gpu_agrees_with_cpu_at_256,
    async {
        let mut both = Vec::new();
        for kind in [DeviceKind::Gpu, DeviceKind::Cpu] {
            let sam = common::load(common::SHIPPED_TINY, &common::device(kind).await);
            let features = encode(&sam, 256).await;
            let decoded = decode_all(&sam, &sam.embed(&features), 256).await;
            let logits: Vec<f32> = decoded.into_iter().flat_map(|decoded| decoded.logits).collect();
            both.push((floats(features.embedding).await, logits));
        }
        let (embedding, _) = relative_errors(&both[0].0, &both[1].0);
        let (logits, _) = relative_errors(&both[0].1, &both[1].1);
        println!("embedding {embedding:.2e}, logits {logits:.2e}");
        assert!(embedding < TOLERANCE && logits < TOLERANCE);
    }
);

/// At full size the CPU takes seconds natively, but minutes in the browser module of the tests,
/// which is built quickly.
#[cfg(not(target_family = "wasm"))]
mod at_full_size {
    use super::*;
    use aims_web::ops::Bits;
    use aims_web_cli::convert::{Precision, Sources, convert};
    use safetensors::tensor::TensorView;
    use safetensors::{Dtype, SafeTensors};

    #[test]
    fn float32_on_cpu_at_1024() {
        pollster::block_on(float_parity(DeviceKind::Cpu, 1024));
    }

    /// Ten prompts on the shipped file, at the input size 1024.
    #[test]
    fn eight_bit_masks_on_cpu() {
        let decoded = pollster::block_on(async {
            let sam = common::load(common::SHIPPED_TINY, &common::device(DeviceKind::Cpu).await);
            let features = encode(&sam, 1024).await;
            decode_all(&sam, &sam.embed(&features), 1024).await
        });
        for (name, iou) in mask_ious(&decoded, &Golden::decoder(1024), 1024) {
            println!("{name}: IoU {iou:.4}");
            assert!(iou >= 0.98, "{name}: {iou}");
        }
    }

    /// 16-bit floats give nearly the same masks, if the adapter has them.
    #[test]
    fn half_precision_masks_on_gpu_at_256() {
        let Some(device) = common::half_gpu() else {
            return println!("skipped: the adapter has no 16-bit floats");
        };
        pollster::block_on(async {
            let sam = common::load(common::SHIPPED_TINY, &device);
            let features = encode(&sam, 256).await;
            let halves = decode_all(&sam, &sam.embed(&features), 256).await;
            for (name, iou) in mask_ious(&halves, &Golden::decoder(256), 256) {
                println!("{name}: IoU {iou:.4}");
                assert!(iou >= 0.95, "{name}: {iou}");
            }
        });
    }

    /// The committed files are what the converter makes of the checkpoint and the trained weights.
    #[test]
    fn shipped_models_are_reproducible() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let trained = ["trained", "scene"]
            .map(|kind| root.join(format!("training/weights/aims-tiny-{kind}.safetensors")));
        let calibration = root.join("training/weights/aims-tiny-calibration.safetensors");
        for (bits, name) in [(Bits::Eight, "aims-tiny-q8"), (Bits::Four, "aims-tiny-q4")] {
            let sources = Sources {
                weights: &common::checkpoint(),
                trained: &trained,
                calibration: Some(&calibration),
                photos: None,
            };
            let made = convert(&common::family("aims-tiny"), sources, Precision::Quantised(bits));
            let shipped =
                std::fs::read(root.join(format!("models/{name}.safetensors"))).expect("committed");
            assert!(
                made.expect("the weights convert") == shipped,
                "{name}: run `npm run models` and commit the result"
            );
        }
    }

    /// The file of aims-base has the weights of its sources. Rounding for photos takes minutes, so
    /// weights are rounded one by one here. Packed weights then differ, and all others are the
    /// same.
    #[test]
    fn the_shipped_base_model_is_made_of_its_sources() {
        let trained = ["efficient-net", "trained", "semantic", "scene"]
            .map(|kind| format!("aims-base-{kind}.safetensors"));
        let made = crate::weights::base_model_with(
            &trained.each_ref().map(String::as_str),
            Precision::Quantised(Bits::Four),
        );
        let files = [&made, common::SHIPPED_BASE]
            .map(|file| SafeTensors::deserialize(file).expect("a model file"));
        let [mut ours, mut theirs] = files.each_ref().map(|file| file.names());
        ours.sort_unstable();
        theirs.sort_unstable();
        assert_eq!(ours, theirs);
        for name in ours {
            let [a, b] = files.each_ref().map(|file| file.tensor(name).expect("it is there"));
            assert_eq!((a.dtype(), a.shape()), (b.dtype(), b.shape()), "{name}");
            let scales = files.each_ref().map(|file| file.tensor(&format!("{name}.scales")));
            if let [Ok(ours), Ok(theirs)] = scales {
                let (error, _) = relative_errors(&unpacked(&a, &ours), &unpacked(&b, &theirs));
                assert!(error < if a.dtype() == Dtype::I8 { 0.06 } else { 0.3 }, "{name}: {error}");
            } else if !name.ends_with(".scales") {
                assert!(a.data() == b.data(), "{name}: run `npm run models` and commit the result");
            }
        }
    }

    /// Unpacks weights of 8 or 4 bits as `models/README.md` describes them.
    fn unpacked(packed: &TensorView<'_>, scales: &TensorView<'_>) -> Vec<f32> {
        let values: Vec<i8> = match packed.dtype() {
            Dtype::I8 => packed.data().iter().map(|byte| byte.cast_signed()).collect(),
            _ => packed
                .data()
                .iter()
                .flat_map(|byte| [(byte << 4).cast_signed() >> 4, byte.cast_signed() >> 4])
                .collect(),
        };
        let scales: Vec<half::f16> = bytemuck::pod_collect_to_vec(scales.data());
        let groups = values.chunks(32).zip(scales);
        groups
            .flat_map(|(group, scale)| {
                group.iter().map(move |&value| f32::from(value) * scale.to_f32())
            })
            .collect()
    }
}
