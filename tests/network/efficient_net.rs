//! Compares EfficientNet with the code of its own package; see `tests/golden/make_efficient_net.py`.

use crate::common::{self, Golden, compare, everywhere, floats};
use crate::generated::{generated, model_of};
use aims_web::DeviceKind;
use aims_web::model::{Description, EfficientNet, Weights};
use aims_web::ops;
use aims_web::progress::Progress;
use safetensors::SafeTensors;

const GOLDEN: &[u8] = include_bytes!("../golden/efficient_net.safetensors");
/// The weights in the repository.
const WEIGHTS: &[u8] = include_bytes!("../../training/weights/aims-base-efficient-net.safetensors");
const TOLERANCE: f32 = 1e-4;

/// The maps of the image, by name.
async fn run(kind: DeviceKind, model: &[u8]) -> [(&'static str, Vec<f32>); 2] {
    let device = common::device(kind).await;
    let weights = Weights::new(model, &device).expect("a valid file");
    let network =
        EfficientNet::load(&weights, "efficient_net").expect("complete").expect("it is described");
    let shape = [1, 128, 192, 3];
    let image = ops::tensor(generated("image", &shape), shape, &device);
    let maps = network.forward(image, &Progress::none()).await.expect("the device computes");
    [("stride16", floats(maps.stride16).await), ("stride32", floats(maps.stride32).await)]
}

async fn maps(kind: DeviceKind) {
    let family: Description =
        serde_json::from_str(include_str!("../../models/aims-base.json")).expect("a description");
    let model =
        model_of(SafeTensors::deserialize(WEIGHTS).expect("a valid file").tensors(), &family);
    let golden = Golden::read(GOLDEN);
    for (name, map) in run(kind, &model).await {
        compare(name, &map, &golden, TOLERANCE);
    }
}

/// Depthwise windows stay floats, and all matrices have eight bits in a file of four.
#[cfg(not(target_family = "wasm"))]
#[test]
fn quantised_weights_give_nearly_the_same_maps() {
    use aims_web::ops::Bits;
    use aims_web_cli::convert::Precision;
    pollster::block_on(async {
        let trained = ["aims-base-efficient-net.safetensors"];
        let precision = Precision::Quantised(Bits::Four);
        let model = crate::weights::base_model_with(&trained, precision);
        let golden = Golden::read(GOLDEN);
        for (name, map) in run(DeviceKind::Cpu, &model).await {
            let (_, exact) = golden.get(name);
            let norm = |values: &mut dyn Iterator<Item = f32>| values.map(|x| x * x).sum::<f32>();
            let off = norm(&mut map.iter().zip(exact).map(|(a, b)| a - b)).sqrt();
            let share = off / norm(&mut exact.iter().copied()).sqrt();
            assert!(share < 0.06, "{name}: {share}");
        }
    });
}

everywhere!(efficient_net_on_cpu, maps(DeviceKind::Cpu));
everywhere!(efficient_net_on_gpu, maps(DeviceKind::Gpu));
