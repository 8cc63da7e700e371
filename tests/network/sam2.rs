//! SAM 2's encoder and decoder against onnxruntime (at 1024) and PyTorch (at 256): see `tests/golden/README.md`.

use crate::common::{self, Golden, everywhere};
use crate::parity::{compare_decoder, compare_map, decode_all};
use aims_web::model::{Embedding, ImageFeatures, InputSize, Sam};
use aims_web::{DeviceKind, Progress};

/// Largest relative error of float32 activations.
const TOLERANCE: f32 = 1e-3;

fn golden_256() -> Golden {
    Golden::read(include_bytes!("../golden/sam2_256.safetensors"))
}

async fn encode(sam: &Sam, long_side: usize, input: InputSize) -> ImageFeatures {
    let (rgb, width, height) = common::photo(long_side);
    sam.encode(&rgb, width, height, input, &Progress::none()).await.expect("nothing aborts")
}

async fn compare_encoder(features: &ImageFeatures, golden: &Golden, prefix: &str) {
    for (name, tensor) in
        [("s0", &features.stride4), ("s1", &features.stride8), ("embedding", &features.embedding)]
    {
        compare_map(golden, &format!("{prefix}{name}"), tensor, TOLERANCE).await;
    }
}

/// An encoded image of the golden file's own features: the decoder is compared without the encoder.
fn golden_embedding(sam: &Sam, golden: &Golden) -> Embedding {
    let map = |name: &str| {
        let (shape, values) = golden.get(name);
        let shape: [usize; 4] = shape.try_into().expect("a map");
        aims_web::ops::tensor(values.to_vec(), shape, sam.device())
    };
    let (stride4, stride8, embedding) = (map("s0"), map("s1"), map("embedding"));
    // The decoder does not read the trunk's own map.
    let stride16 = embedding.clone();
    sam.embed(&ImageFeatures { stride4, stride8, stride16, embedding })
}

/// The encoder on a padded square, the decoder on golden features, and both on an input of the photo's shape.
async fn parity_at_256(kind: DeviceKind) {
    let sam = common::load(&common::base_float_model(), &common::device(kind).await);
    let golden = golden_256();
    let features = encode(&sam, 256, InputSize::square(256)).await;
    // The golden maps are rounded to 16 bits.
    compare_encoder(&features, &golden, "").await;
    compare_map(&golden, "stage2", &features.stride16, TOLERANCE).await;
    let decoded = decode_all(&sam, &golden_embedding(&sam, &golden), 256).await;
    compare_decoder(&decoded, &golden, "", 256, TOLERANCE);

    let wide = encode(&sam, 256, InputSize { width: 256, height: 192 }).await;
    compare_encoder(&wide, &golden, "wide.").await;
    let decoded = decode_all(&sam, &sam.embed(&wide), 256).await;
    compare_decoder(&decoded, &golden, "wide.", 256, TOLERANCE);
}

everywhere!(sam2_on_cpu_at_256, parity_at_256(DeviceKind::Cpu));
everywhere!(sam2_on_gpu_at_256, parity_at_256(DeviceKind::Gpu));

/// At full size the CPU takes seconds natively, but minutes in the quickly built browser module of the tests.
#[cfg(not(target_family = "wasm"))]
mod at_full_size {
    use super::*;
    use crate::parity::mask_ious;
    use aims_web::convert::Precision;
    use aims_web::ops::Bits;

    fn golden_1024() -> Golden {
        Golden::read(include_bytes!("../golden/sam2_1024.safetensors"))
    }

    /// onnxruntime, with the files that the weights were taken out of.
    #[test]
    fn sam2_on_cpu_at_1024() {
        pollster::block_on(async {
            let sam = common::load(&common::base_float_model(), &common::device(DeviceKind::Cpu).await);
            let golden = golden_1024();
            let features = encode(&sam, 1024, InputSize::square(1024)).await;
            compare_encoder(&features, &golden, "").await;
            let decoded = decode_all(&sam, &sam.embed(&features), 1024).await;
            compare_decoder(&decoded, &golden, "", 1024, TOLERANCE);
        });
    }

    /// Of fewer bits come nearly the same masks.
    #[test]
    fn quantised_sam2_masks_on_cpu_at_1024() {
        for (bits, lowest) in [(Bits::Eight, 0.98), (Bits::Four, 0.83)] {
            pollster::block_on(async {
                let model = common::base_model(Precision::Quantised(bits));
                let sam = common::load(&model, &common::device(DeviceKind::Cpu).await);
                let features = encode(&sam, 1024, InputSize::square(1024)).await;
                let decoded = decode_all(&sam, &sam.embed(&features), 1024).await;
                let ious = mask_ious(&decoded, &golden_1024(), 1024);
                ious.iter().for_each(|(name, iou)| println!("{bits:?} {name}: IoU {iou:.4}"));
                assert!(ious.iter().all(|(_, iou)| *iou >= lowest), "{bits:?}");
            });
        }
    }
}
