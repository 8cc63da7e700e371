//! The golden tensors of `tests/golden`, and the inputs that they were made from, natively and in a
//! browser.
use std::collections::HashMap;

#[cfg(not(target_family = "wasm"))]
pub use crate::weights::{base_model, cached, family};
use aims_web::DeviceKind;
use aims_web::model::{PointLabel, PromptPoint, Sam, Weights};
use aims_web::ops;
use burn::tensor::{Device, Tensor};
use safetensors::SafeTensors;
use serde::Deserialize;

/// Defines a test that runs natively and in a browser. Its body is an `async` block.
macro_rules! everywhere {
    ($(#[$attribute:meta])* $name:ident, $body:expr) => {
        $(#[$attribute])*
        #[cfg(not(target_family = "wasm"))]
        #[test]
        fn $name() {
            pollster::block_on($body);
        }

        $(#[$attribute])*
        #[cfg(target_family = "wasm")]
        #[wasm_bindgen_test::wasm_bindgen_test]
        async fn $name() {
            aims_web::web::call_constructors();
            $body.await;
        }
    };
}
pub(crate) use everywhere;

/// The reference's weights as a float32 model file. `npm test` downloads the checkpoint.
#[cfg(not(target_family = "wasm"))]
pub fn float_model() -> Vec<u8> {
    use aims_web_cli::convert::{Precision, Sources, convert};
    let sources = Sources { weights: &checkpoint(), trained: &[], calibration: None, photos: None };
    convert(&family("aims-tiny"), sources, Precision::Float32).expect("the checkpoint converts")
}

/// The path of MobileSAM's checkpoint.
#[cfg(not(target_family = "wasm"))]
pub fn checkpoint() -> std::path::PathBuf {
    let path = std::env::var_os("MOBILE_SAM_CHECKPOINT")
        .map_or_else(|| cached("mobile_sam.pt"), std::path::PathBuf::from);
    assert!(path.exists(), "{} is missing: run `node scripts/checkpoint.mjs`", path.display());
    path
}

/// The reference's weights as a float32 model file, which is made before the build, because a
/// browser has no files.
#[cfg(target_family = "wasm")]
pub fn float_model() -> Vec<u8> {
    include_bytes!(env!(
        "AIMS_FLOAT_MODEL",
        "run `node scripts/checkpoint.mjs` and set what it prints"
    ))
    .to_vec()
}

/// The shipped model file of aims-tiny.
pub const SHIPPED_TINY: &[u8] = include_bytes!("../../models/aims-tiny-q8.safetensors");
/// The shipped model file of aims-base.
pub const SHIPPED_BASE: &[u8] = include_bytes!("../../models/aims-base-q4.safetensors");

/// Opens a device. Natively, the GPU has only WebGPU's default limits, so that everything that
/// needs more fails there.
#[cfg(not(target_family = "wasm"))]
pub async fn device(kind: DeviceKind) -> Device {
    match kind {
        DeviceKind::Cpu => Device::flex(),
        DeviceKind::Gpu => default_gpu(),
    }
}

/// Opens a device.
#[cfg(target_family = "wasm")]
pub async fn device(kind: DeviceKind) -> Device {
    aims_web::segmenter::open_device(kind).await.expect("the device opens").0
}

#[cfg(not(target_family = "wasm"))]
fn default_gpu() -> Device {
    static DEVICE: std::sync::OnceLock<Device> = std::sync::OnceLock::new();
    DEVICE
        .get_or_init(|| open_gpu(Default::default()).expect("every adapter has the defaults"))
        .clone()
}

/// A GPU that multiplies 16-bit floats, if the adapter has them.
#[cfg(not(target_family = "wasm"))]
pub fn half_gpu() -> Option<Device> {
    let device = open_gpu(burn_wgpu::wgpu::Features::SHADER_F16)?;
    assert!(ops::use_f16(&device, true), "the device was opened with them");
    Some(device)
}

/// Opens a GPU with these features and WebGPU's default limits.
#[cfg(not(target_family = "wasm"))]
fn open_gpu(required_features: burn_wgpu::wgpu::Features) -> Option<Device> {
    use burn::tensor::wgpu::WgpuSetup;
    use burn_wgpu::MemoryConfiguration;
    use burn_wgpu::wgpu::{DeviceDescriptor, Instance, Limits, RequestAdapterOptions};

    pollster::block_on(async {
        let instance = Instance::default();
        let adapter = instance.request_adapter(&RequestAdapterOptions::default()).await;
        let adapter = adapter.expect("npm test installs a software adapter");
        if !adapter.features().contains(required_features) {
            return None;
        }
        let wanted = DeviceDescriptor {
            required_features,
            required_limits: Limits::default(),
            ..DeviceDescriptor::default()
        };
        let (device, queue) =
            adapter.request_device(&wanted).await.expect("every adapter has the defaults");
        assert_eq!(device.limits().max_compute_invocations_per_workgroup, 256);
        let backend = adapter.get_info().backend;
        let setup = WgpuSetup { instance, adapter, device, queue, backend };
        let options = Device::wgpu_options().setup(setup.clone());
        let device = options
            .memory_config(MemoryConfiguration::ExclusivePages)
            .init()
            .expect("it can be used");
        ops::register_gpu(&device, &setup, None);
        Some(device)
    })
}

/// The network of a model file.
pub fn load(model: &[u8], device: &Device) -> Sam {
    let weights = Weights::new(model, device).expect("a valid model file");
    Sam::load(&weights).expect("a complete model file")
}

/// Golden tensors as floats. Each byte of `masks` is one float.
pub struct Golden(HashMap<String, (Vec<usize>, Vec<f32>)>);

impl Golden {
    /// The encoder's tensors for an input of this size.
    pub fn encoder(size: usize) -> Self {
        Self::read(match size {
            256 => include_bytes!("../golden/encoder_256.safetensors"),
            _ => include_bytes!("../golden/encoder_1024.safetensors"),
        })
    }

    /// The decoder's tensors for an input of this size.
    pub fn decoder(size: usize) -> Self {
        Self::read(match size {
            256 => include_bytes!("../golden/decoder_256.safetensors"),
            _ => include_bytes!("../golden/decoder_1024.safetensors"),
        })
    }

    /// Reads a golden file.
    pub fn read(bytes: &[u8]) -> Self {
        let file = SafeTensors::deserialize(bytes).expect("golden files are valid");
        Self(
            file.iter()
                .map(|(name, view)| {
                    let values = match view.dtype() {
                        safetensors::Dtype::U8 => {
                            view.data().iter().map(|&byte| f32::from(byte)).collect()
                        }
                        safetensors::Dtype::F16 => {
                            let halves: Vec<half::f16> = bytemuck::pod_collect_to_vec(view.data());
                            halves.into_iter().map(half::f16::to_f32).collect()
                        }
                        _ => bytemuck::pod_collect_to_vec(view.data()),
                    };
                    (name.to_string(), (view.shape().to_vec(), values))
                })
                .collect(),
        )
    }

    /// The shape and the values of a tensor.
    pub fn get(&self, name: &str) -> (&[usize], &[f32]) {
        let (shape, values) = &self.0[name];
        (shape, values)
    }
}

/// The photo with a long side of 256 or 1024 pixels, without a resampler: RGB, width, height.
pub fn photo(size: usize) -> (Vec<u8>, usize, usize) {
    let image = image::load_from_memory(include_bytes!("../data/photo.png"));
    let image = image.expect("the photo is valid").into_rgb8();
    let (width, height) = (image.width() as usize, image.height() as usize);
    assert_eq!(width.max(height), 512);
    let at = |i: usize| i * 512 / size;
    let (width, height) = (width * size / 512, height * size / 512);
    let mut rgb = Vec::with_capacity(width * height * 3);
    for y in 0..height {
        for x in 0..width {
            rgb.extend(image.get_pixel(at(x) as u32, at(y) as u32).0);
        }
    }
    (rgb, width, height)
}

/// A prompt of `tests/golden/prompts.json`.
#[derive(Deserialize)]
pub struct GoldenPrompt {
    /// The name of the prompt.
    pub name: String,
    coords: Vec<[f32; 2]>,
    labels: Vec<i32>,
    /// Whether the decoder also gets the golden mask prompt.
    pub mask_input: bool,
}

impl GoldenPrompt {
    /// The points and corners of boxes, without padding.
    pub fn points(&self) -> Vec<PromptPoint> {
        let label = |code| match code {
            0 => PointLabel::Background,
            1 => PointLabel::Foreground,
            2 => PointLabel::BoxTopLeft,
            _ => PointLabel::BoxBottomRight,
        };
        // The network pads prompts itself.
        let points = self.coords.iter().zip(&self.labels).filter(|(_, code)| **code >= 0);
        points.map(|(&[x, y], &code)| PromptPoint { x, y, label: label(code) }).collect()
    }
}

/// The golden prompts for an input of this size.
pub fn prompts(size: usize) -> Vec<GoldenPrompt> {
    let text = include_str!("../golden/prompts.json");
    let mut by_size: HashMap<String, Vec<GoldenPrompt>> =
        serde_json::from_str(text).expect("valid prompts");
    by_size.remove(&size.to_string()).expect("prompts for this size")
}

/// The values of a tensor.
pub async fn floats<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    ops::read(tensor).await.expect("the device computes")
}

/// Checks that values differ from the golden ones of this name by less than `tolerance`.
pub fn compare(name: &str, ours: &[f32], golden: &Golden, tolerance: f32) {
    let (norm, largest) = relative_errors(ours, golden.get(name).1);
    println!("{name}: relative error {norm:.2e}, largest {largest:.2e}");
    assert!(norm < tolerance && largest < tolerance, "{name}: {norm} {largest}");
}

/// The relative error ‖a - b‖ / ‖b‖, and the largest difference divided by the largest value.
pub fn relative_errors(ours: &[f32], theirs: &[f32]) -> (f32, f32) {
    assert_eq!(ours.len(), theirs.len());
    let norm = |values: &mut dyn Iterator<Item = f32>| {
        values.map(|v| f64::from(v).powi(2)).sum::<f64>().sqrt()
    };
    let largest =
        |values: &mut dyn Iterator<Item = f32>| values.fold(0.0_f32, |max, v| max.max(v.abs()));
    let differences = || ours.iter().zip(theirs).map(|(a, b)| a - b);
    assert!(ours.iter().all(|value| value.is_finite()), "not finite");
    (
        (norm(&mut differences()) / norm(&mut theirs.iter().copied())) as f32,
        largest(&mut differences()) / largest(&mut theirs.iter().copied()),
    )
}
