//! JavaScript objects for a loaded network and for encoded photos.

use std::rc::Rc;

use js_sys::{Function, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::photo::PhotoPixels;
use super::to_js;
use crate::error::{Error, Result};
use crate::progress::Progress;
use crate::segmenter::{
    Compute, DeviceKind, EncodedPhoto, PointPrompt, Precision, Prompt, Request, Segmenter,
};

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
export type Checkpoint = (fraction: number) => Promise<boolean>;
"#;

#[wasm_bindgen]
extern "C" {
    /// Is called with the fraction of the work that is done (0 to 1). It gives the event loop a
    /// turn and resolves to `false` to cancel the work.
    #[wasm_bindgen(extends = Function, typescript_type = "Checkpoint")]
    pub type Checkpoint;
}

/// A network on a device.
#[wasm_bindgen]
pub struct Engine {
    segmenter: Rc<Segmenter>,
}

#[wasm_bindgen]
impl Engine {
    /// Opens the device (`webgpu` or `cpu`), makes sure that it computes, and loads the model file.
    /// `checked` says that the file is known to be undamaged. `precision` is `f32` or `f16`; a GPU
    /// without 16-bit floats uses `f32` for both.
    pub async fn create(
        device: String,
        model: Vec<u8>,
        checked: bool,
        input_size: Option<u32>,
        precision: String,
    ) -> Result<Engine, JsValue> {
        let device = match device.as_str() {
            "webgpu" => DeviceKind::Gpu,
            "cpu" => DeviceKind::Cpu,
            other => return Err(Error::Internal(format!("there is no device '{other}'")).into()),
        };
        let precision = match precision.as_str() {
            "f32" => Precision::F32,
            "f16" => Precision::F16,
            other => return Err(Error::Internal(format!("there is no precision '{other}'")).into()),
        };
        let compute = Compute { device, precision };
        let segmenter = if checked {
            Segmenter::with_trusted_model(compute, &model, input_size).await?
        } else {
            Segmenter::new(compute, &model, input_size).await?
        };
        Ok(Engine { segmenter: Rc::new(segmenter) })
    }

    /// The device in use: `{device, name, software, precision}`.
    pub fn adapter(&self) -> Result<JsValue, JsValue> {
        Ok(to_js(self.segmenter.adapter())?)
    }

    /// How much of a GPU's memory is taken now: `{inUse, reserved}` in bytes; zeros on the CPU.
    #[wasm_bindgen(js_name = gpuMemory)]
    pub fn gpu_memory(&self) -> Result<JsValue, JsValue> {
        Ok(to_js(&self.segmenter.memory())?)
    }

    /// Encodes a photo. Its pixels are freed, whether or not the call succeeds.
    pub async fn encode(
        &self,
        photo: PhotoPixels,
        progress: Checkpoint,
    ) -> Result<EncodedImage, JsValue> {
        let encoded = self.segmenter.encode(photo.into(), &callback(&progress)).await?;
        Ok(EncodedImage { segmenter: self.segmenter.clone(), encoded })
    }
}

impl Engine {
    /// The network.
    pub(super) fn segmenter(&self) -> &Segmenter {
        &self.segmenter
    }
}

/// An encoded photo.
#[wasm_bindgen]
pub struct EncodedImage {
    segmenter: Rc<Segmenter>,
    encoded: EncodedPhoto,
}

#[wasm_bindgen]
impl EncodedImage {
    /// The width of the photo, in pixels.
    #[wasm_bindgen(getter)]
    pub fn width(&self) -> u32 {
        self.encoded.width
    }

    /// The height of the photo, in pixels.
    #[wasm_bindgen(getter)]
    pub fn height(&self) -> u32 {
        self.encoded.height
    }

    /// Answers a request `{levels?, prompt?, mode?, minScore?, maxQueries?, grid?}` with a scene.
    pub async fn segment(
        &self,
        request: JsValue,
        progress: Checkpoint,
    ) -> Result<JsValue, JsValue> {
        let request = self::request(request)?;
        let scene = self.segmenter.segment(&self.encoded, &request, &callback(&progress)).await?;
        Ok(to_js(&scene)?)
    }

    /// Answers a prompt `{points?, box?, previous?}` with all masks that it may mean. In both
    /// directions, logits are the bytes of 32-bit floats.
    pub async fn candidates(
        &self,
        prompt: JsValue,
        progress: Checkpoint,
    ) -> Result<JsValue, JsValue> {
        let prompt: PointPrompt = serde_wasm_bindgen::from_value(prompt)
            .map_err(|error| Error::InvalidPrompt(error.to_string()))?;
        callback(&progress).checkpoint(0.0).await?;
        Ok(to_js(&self.segmenter.candidates(&self.encoded, &prompt).await?)?)
    }
}

/// Reads a request. The prompt is read by itself first, so that its errors can be told from those
/// of the other options.
fn request(request: JsValue) -> Result<Request> {
    if let Ok(prompt) = Reflect::get(&request, &"prompt".into())
        && !prompt.is_undefined()
    {
        serde_wasm_bindgen::from_value::<Prompt>(prompt)
            .map_err(|error| Error::InvalidPrompt(error.to_string()))?;
    }
    serde_wasm_bindgen::from_value(request).map_err(|error| Error::InvalidOption(error.to_string()))
}

/// The progress of a call. If the callback throws, or answers with anything falsy, the work ends.
pub(super) fn callback(checkpoint: &Checkpoint) -> Progress<'_> {
    Progress::new(async |fraction| {
        let Ok(answer) = checkpoint.call1(&JsValue::UNDEFINED, &fraction.into()) else {
            return false;
        };
        matches!(JsFuture::from(Promise::resolve(&answer)).await, Ok(answer) if answer.is_truthy())
    })
}
