//! Compares SAM 2's encoder and decoder with onnxruntime (at 1024) and with PyTorch (at 256); see
//! `tests/golden/README.md`.

use crate::common::{self, Golden, everywhere};
use crate::parity::{compare_decoder, compare_map, decode_all};
#[cfg(not(target_family = "wasm"))]
use aims_web::model::Embedding;
use aims_web::model::{ImageFeatures, InputSize, Sam};
use aims_web::{DeviceKind, Progress};

/// The largest relative error of float32 activations.
#[cfg(not(target_family = "wasm"))]
const TOLERANCE: f32 = 1e-3;
/// The largest relative errors of the encoder's maps and of what the decoder computes, with the
/// shipped 4-bit weights: what quantisation changes at so small an input. The predicted IoUs of
/// small masks differ most.
const SHIPPED_TOLERANCES: [f32; 2] = [0.2, 0.8];

fn golden_256() -> Golden {
    Golden::read(include_bytes!("../golden/sam2_256.safetensors"))
}

async fn encode(sam: &Sam, long_side: usize, input: InputSize) -> ImageFeatures {
    let (rgb, width, height) = common::photo(long_side);
    sam.encode(&rgb, width, height, input, &Progress::none()).await.expect("nothing aborts")
}

async fn compare_encoder(features: &ImageFeatures, golden: &Golden, prefix: &str, tolerance: f32) {
    for (name, tensor) in
        [("s0", &features.stride4), ("s1", &features.stride8), ("embedding", &features.embedding)]
    {
        compare_map(golden, &format!("{prefix}{name}"), tensor, tolerance).await;
    }
}

#[cfg(not(target_family = "wasm"))]
/// An embedding made of the golden features, so that the decoder is compared without the encoder.
fn golden_embedding(sam: &Sam, golden: &Golden) -> Embedding {
    let map = |name: &str| {
        let (shape, values) = golden.get(name);
        let shape: [usize; 4] = shape.try_into().expect("a map");
        aims_web::ops::tensor(values.to_vec(), shape, sam.device())
    };
    let (stride4, stride8, embedding) = (map("s0"), map("s1"), map("embedding"));
    // The decoder does not read the trunk's last map.
    let deepest = embedding.clone();
    sam.embed(&ImageFeatures { stride4, stride8, deepest, embedding, efficient: None })
}

#[cfg(not(target_family = "wasm"))]
/// Compares the encoder on a padded square, and the decoder on golden features.
async fn square_at_256(kind: DeviceKind, model: &[u8], tolerance: f32) {
    let sam = common::load(model, &common::device(kind).await);
    let golden = golden_256();
    let features = encode(&sam, 256, InputSize::square(256)).await;
    compare_encoder(&features, &golden, "", tolerance).await;
    compare_map(&golden, "stage3", &features.deepest, tolerance).await;
    let decoded = decode_all(&sam, &golden_embedding(&sam, &golden), 256).await;
    compare_decoder(&decoded, &golden, "", 256, tolerance);
}

/// Compares both on an input of the photo's shape.
async fn wide_at_256(kind: DeviceKind, model: &[u8], [of_maps, of_decoder]: [f32; 2]) {
    let sam = common::load(model, &common::device(kind).await);
    let golden = golden_256();
    let features = encode(&sam, 256, InputSize { width: 256, height: 192 }).await;
    compare_encoder(&features, &golden, "wide.", of_maps).await;
    let decoded = decode_all(&sam, &sam.embed(&features), 256).await;
    compare_decoder(&decoded, &golden, "wide.", 256, of_decoder);
}

everywhere!(
    shipped_sam2_on_cpu,
    wide_at_256(DeviceKind::Cpu, common::SHIPPED_BASE, SHIPPED_TOLERANCES)
);
everywhere!(
    shipped_sam2_on_gpu,
    wide_at_256(DeviceKind::Gpu, common::SHIPPED_BASE, SHIPPED_TOLERANCES)
);

#[cfg(not(target_family = "wasm"))]
mod float32 {
    use super::*;
    use aims_web_cli::convert::Precision;

    #[test]
    fn sam2_on_cpu_at_256() {
        let model = common::base_model(Precision::Float32);
        pollster::block_on(square_at_256(DeviceKind::Cpu, &model, TOLERANCE));
        pollster::block_on(wide_at_256(DeviceKind::Cpu, &model, [TOLERANCE; 2]));
    }

    #[test]
    fn sam2_on_gpu_at_256() {
        let model = common::base_model(Precision::Float32);
        pollster::block_on(square_at_256(DeviceKind::Gpu, &model, TOLERANCE));
        pollster::block_on(wide_at_256(DeviceKind::Gpu, &model, [TOLERANCE; 2]));
    }
}

/// At full size the CPU takes seconds natively, but minutes in the browser module of the tests,
/// which is built quickly.
#[cfg(not(target_family = "wasm"))]
mod at_full_size {
    use super::*;
    use crate::parity::mask_ious;
    use aims_web::ops::Bits;
    use aims_web_cli::convert::Precision;

    fn golden_1024() -> Golden {
        Golden::read(include_bytes!("../golden/sam2_1024.safetensors"))
    }

    /// The expected values come from onnxruntime, with the files that the weights were taken from.
    #[test]
    fn sam2_on_cpu_at_1024() {
        pollster::block_on(async {
            let sam = common::load(
                &common::base_model(Precision::Float32),
                &common::device(DeviceKind::Cpu).await,
            );
            let golden = golden_1024();
            let features = encode(&sam, 1024, InputSize::square(1024)).await;
            compare_encoder(&features, &golden, "", TOLERANCE).await;
            let decoded = decode_all(&sam, &sam.embed(&features), 1024).await;
            compare_decoder(&decoded, &golden, "", 1024, TOLERANCE);
        });
    }

    /// Checks that every mask has at least this IoU with onnxruntime's.
    fn masks_are_near(model: &[u8], lowest: f32) {
        pollster::block_on(async {
            let sam = common::load(model, &common::device(DeviceKind::Cpu).await);
            let features = encode(&sam, 1024, InputSize::square(1024)).await;
            let decoded = decode_all(&sam, &sam.embed(&features), 1024).await;
            let ious = mask_ious(&decoded, &golden_1024(), 1024);
            ious.iter().for_each(|(name, iou)| println!("{name}: IoU {iou:.4}"));
            assert!(ious.iter().all(|(_, iou)| *iou >= lowest), "an IoU is below {lowest}");
        });
    }

    /// The 4-bit weights were rounded together for some photos.
    #[test]
    fn sam2_masks_of_the_shipped_file_on_cpu_at_1024() {
        masks_are_near(common::SHIPPED_BASE, 0.85);
    }

    /// The weights were rounded one by one.
    #[test]
    fn sam2_masks_of_8_bit_weights_on_cpu_at_1024() {
        masks_are_near(&common::base_model(Precision::Quantised(Bits::Eight)), 0.98);
    }
}
