//! A JavaScript object for a decoded photo.

use wasm_bindgen::prelude::*;

use crate::photo::{Photo, decode, from_rgba};

/// The pixels of a photo at full size.
#[wasm_bindgen]
pub struct PhotoPixels {
    photo: Photo,
}

#[wasm_bindgen]
impl PhotoPixels {
    /// Decodes an image file.
    pub fn decode(bytes: Vec<u8>) -> Result<PhotoPixels, JsValue> {
        Ok(Self { photo: decode(&bytes)? })
    }

    /// Takes a photo that is given as RGBA pixels, as a canvas has them.
    #[wasm_bindgen(js_name = fromRgba)]
    pub fn from_rgba(rgba: Vec<u8>, width: u32, height: u32) -> Result<PhotoPixels, JsValue> {
        Ok(Self { photo: from_rgba(&rgba, width, height)? })
    }

    /// The width of the photo, in pixels.
    #[wasm_bindgen(getter)]
    pub fn width(&self) -> u32 {
        self.photo.width
    }

    /// The height of the photo, in pixels.
    #[wasm_bindgen(getter)]
    pub fn height(&self) -> u32 {
        self.photo.height
    }
}

impl PhotoPixels {
    /// The photo itself.
    pub(super) fn photo(&self) -> &Photo {
        &self.photo
    }
}

impl From<PhotoPixels> for Photo {
    fn from(pixels: PhotoPixels) -> Self {
        pixels.photo
    }
}
