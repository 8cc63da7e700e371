//! Weights and inputs that are generated from their names alone, here and in
//! `tests/golden/make_aims.py`.

use std::collections::HashMap;

use aims_web::model::{Description, FORMAT_VERSION, MANIFEST_KEY, Manifest, data_sha256};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};

/// Numbers that depend only on the name and the shape. `make_aims.py` generates the same ones.
pub fn generated(name: &str, shape: &[usize]) -> Vec<f32> {
    let fnv = |seed: u32, byte: u8| (seed ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    let seed = name.bytes().fold(0x811C_9DC5, fnv);
    let number = |i: u32| {
        let mut h = i.wrapping_mul(2_654_435_761).wrapping_add(seed);
        for _ in 0..2 {
            h = (h ^ (h >> 16)).wrapping_mul(0x045D_9F3B);
        }
        h ^= h >> 16;
        (h >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    let scaled = |value: f32| match shape {
        [_] => value * 0.125 + f32::from(u8::from(name.ends_with("weight"))),
        [_, inputs] => value * 1.5 / (*inputs as f32).sqrt(),
        _ => value,
    };
    (0..shape.iter().product::<usize>() as u32).map(|i| scaled(number(i))).collect()
}

/// A model file of generated weights, with the shapes that the golden file lists.
pub fn generated_model(golden: &[u8], family: &Description) -> Vec<u8> {
    let (_, header) = SafeTensors::read_metadata(golden).expect("a valid file");
    let shapes = &header.metadata().as_ref().expect("has metadata")["shapes"];
    let shapes: HashMap<String, Vec<usize>> = serde_json::from_str(shapes).expect("shapes by name");
    let tensors = shapes.into_iter().map(|(name, shape)| {
        let bytes = bytemuck::pod_collect_to_vec::<f32, u8>(&generated(&name, &shape));
        (name, shape, bytes)
    });
    let tensors: Vec<_> = tensors.collect();
    let views = tensors.iter().map(|(name, shape, bytes)| {
        let view = TensorView::new(Dtype::F32, shape.clone(), bytes).expect("as many bytes");
        (name.clone(), view)
    });
    model_of(views.collect(), family)
}

/// A model file of these tensors.
pub fn model_of(tensors: Vec<(String, TensorView)>, family: &Description) -> Vec<u8> {
    let file = |data_sha256: String| {
        let manifest = Manifest {
            format: FORMAT_VERSION,
            description: family.clone(),
            precision: "float32".to_string(),
            data_sha256,
        };
        let manifest = serde_json::to_string(&manifest).expect("plain data");
        let metadata = HashMap::from([(MANIFEST_KEY.to_string(), manifest)]);
        safetensors::serialize(tensors.clone(), Some(metadata)).expect("valid tensors")
    };
    let draft = file(String::new());
    let (header, _) = SafeTensors::read_metadata(&draft).expect("a valid file");
    file(data_sha256(&draft[8 + header..]))
}
