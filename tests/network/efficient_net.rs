//! Compares EfficientNet with the code of its own package; see `tests/golden/make_efficient_net.py`.

use crate::common::{self, Golden, compare, everywhere, floats};
use crate::generated::{generated, model_of};
use aims_web::DeviceKind;
use aims_web::model::{Description, EfficientNet, Weights};
use aims_web::ops;
use aims_web::progress::Progress;
use safetensors::SafeTensors;

const GOLDEN: &[u8] = include_bytes!("../golden/efficient_net.safetensors");
/// The weights that ship.
const WEIGHTS: &[u8] = include_bytes!("../../training/weights/aims-base-efficient-net.safetensors");
const TOLERANCE: f32 = 1e-4;

async fn maps(kind: DeviceKind) {
    let device = common::device(kind).await;
    let family: Description =
        serde_json::from_str(include_str!("../../models/aims-base.json")).expect("a description");
    let model =
        model_of(SafeTensors::deserialize(WEIGHTS).expect("a valid file").tensors(), &family);
    let weights = Weights::new(&model, &device).expect("a valid file");
    let network =
        EfficientNet::load(&weights, "efficient_net").expect("complete").expect("it is described");
    let shape = [1, 128, 192, 3];
    let image = ops::tensor(generated("image", &shape), shape, &device);
    let maps = network.forward(image, &Progress::none()).await.expect("the device computes");
    let golden = Golden::read(GOLDEN);
    for (name, map) in [("stride16", maps.stride16), ("stride32", maps.stride32)] {
        compare(name, &floats(map).await, &golden, TOLERANCE);
    }
}

everywhere!(efficient_net_on_cpu, maps(DeviceKind::Cpu));
everywhere!(efficient_net_on_gpu, maps(DeviceKind::Gpu));
