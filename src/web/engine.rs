//! A loaded network and encoded photos as JavaScript objects.

use std::rc::Rc;

use js_sys::{Function, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::to_js;
use crate::error::{Error, Result};
use crate::photo::{Photo, decode, from_rgba};
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
    /// Called with the fraction done (0 to 1); yields to the event loop and resolves to `false` to cancel.
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
    /// Opens the device (`webgpu` or `cpu`), checks that it computes, and loads the model file; `checked`: it is known to be undamaged.
    /// `precision` is `f32` or `f16`, which a GPU without 16-bit floats does not heed.
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

    /// `{device, name, software, precision}`.
    pub fn adapter(&self) -> Result<JsValue, JsValue> {
        Ok(to_js(self.segmenter.adapter())?)
    }

    /// What a GPU holds now, `{inUse, reserved}` in bytes; nothing on the CPU.
    #[wasm_bindgen(js_name = gpuMemory)]
    pub fn gpu_memory(&self) -> Result<JsValue, JsValue> {
        Ok(to_js(&self.segmenter.memory())?)
    }

    /// Decodes an image file and encodes it.
    #[wasm_bindgen(js_name = setImageBytes)]
    pub async fn set_image_bytes(
        &self,
        bytes: Vec<u8>,
        progress: Checkpoint,
    ) -> Result<EncodedImage, JsValue> {
        let photo = decode(&bytes)?;
        drop(bytes);
        self.encode(photo, progress).await
    }

    /// Encodes RGBA pixels as a canvas has them.
    #[wasm_bindgen(js_name = setImageRgba)]
    pub async fn set_image_rgba(
        &self,
        rgba: Vec<u8>,
        width: u32,
        height: u32,
        progress: Checkpoint,
    ) -> Result<EncodedImage, JsValue> {
        let photo = from_rgba(&rgba, width, height)?;
        drop(rgba);
        self.encode(photo, progress).await
    }

    async fn encode(&self, photo: Photo, progress: Checkpoint) -> Result<EncodedImage, JsValue> {
        let progress = callback(&progress);
        // Who wanted nothing but to have the file checked ends it here.
        progress.checkpoint(0.0).await?;
        let encoded = self.segmenter.encode(photo, &progress).await?;
        Ok(EncodedImage { segmenter: self.segmenter.clone(), encoded })
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
    #[wasm_bindgen(getter)]
    pub fn width(&self) -> u32 {
        self.encoded.width
    }

    #[wasm_bindgen(getter)]
    pub fn height(&self) -> u32 {
        self.encoded.height
    }

    /// Answers `{levels?, prompt?, grid?}` with a scene.
    pub async fn segment(
        &self,
        request: JsValue,
        progress: Checkpoint,
    ) -> Result<JsValue, JsValue> {
        let request = self::request(request)?;
        let scene = self.segmenter.segment(&self.encoded, &request, &callback(&progress)).await?;
        Ok(to_js(&scene)?)
    }

    /// Answers `{points?, box?, previous?}` with all masks that can be meant; logits are bytes of floats, here and there.
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

/// Errors of the prompt are told from those of the options beside it.
fn request(request: JsValue) -> Result<Request> {
    if let Ok(prompt) = Reflect::get(&request, &"prompt".into())
        && !prompt.is_undefined()
    {
        serde_wasm_bindgen::from_value::<Prompt>(prompt)
            .map_err(|error| Error::InvalidPrompt(error.to_string()))?;
    }
    serde_wasm_bindgen::from_value(request).map_err(|error| Error::InvalidOption(error.to_string()))
}

/// A caller that throws, or answers with anything but `true`, wants no more.
fn callback(checkpoint: &Checkpoint) -> Progress<'_> {
    Progress::new(async |fraction| {
        let Ok(answer) = checkpoint.call1(&JsValue::UNDEFINED, &fraction.into()) else {
            return false;
        };
        matches!(JsFuture::from(Promise::resolve(&answer)).await, Ok(answer) if answer.is_truthy())
    })
}
