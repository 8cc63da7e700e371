//! Refined edges for JavaScript.

use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::*;

use super::engine::{Checkpoint, Engine, callback};
use super::photo::PhotoPixels;
use super::to_js;
use crate::edges::{RefineOptions, refine, subject_colours};
use crate::error::Error;
use crate::mask::{BBox, BitMask, Rle};

/// The options of `Engine.refine`.
#[derive(Deserialize)]
struct Options {
    radius: Option<f32>,
    hair: bool,
    #[serde(rename = "colors")]
    colours: Colours,
    zoom: bool,
}

/// Which colours soft pixels get.
#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Colours {
    /// The subject's own.
    Clean,
    /// Those of the photo.
    Photo,
}

/// What `Engine.refine` gives: a `Matte` of the package, without the photo's size.
#[derive(Serialize)]
struct Matte<'a> {
    #[serde(serialize_with = "as_bytes")]
    data: &'a [u8],
    #[serde(rename = "colors")]
    colours: Option<MatteColours<'a>>,
}

#[derive(Serialize)]
struct MatteColours<'a> {
    #[serde(rename = "box")]
    bbox: BBox,
    #[serde(serialize_with = "as_bytes")]
    data: &'a [u8],
}

fn as_bytes<S: serde::Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(bytes)
}

#[wasm_bindgen]
impl Engine {
    /// Refines the edge of a mask, given as a run-length encoding of the photo's size. The options
    /// are `{radius?, hair, colors, zoom}`. The result is `{data, colors}`: alpha of the photo's
    /// size, and `{box, data}` with RGBA pixels or `null`.
    pub async fn refine(
        &self,
        photo: &PhotoPixels,
        mask: JsValue,
        options: JsValue,
        progress: Checkpoint,
    ) -> Result<JsValue, JsValue> {
        let mut mask = pixels_of(mask)?;
        let Options { radius, hair, colours, zoom } = serde_wasm_bindgen::from_value(options)
            .map_err(|error| Error::InvalidOption(error.to_string()))?;
        let mut options = RefineOptions { radius, hair };
        options.check()?;
        let (photo, progress) = (photo.photo(), callback(&progress));
        let device = self.segmenter().edge_device();
        // The network takes most of the time, if it is asked again.
        let mut rest = progress.piece(0.0, 1.0);
        if zoom
            && let Some(found) =
                self.segmenter().zoom(photo, &mask, &progress.piece(0.0, 0.8)).await?
        {
            options.radius = radius.or(Some(found.default_radius()));
            mask = found.mask;
            rest = progress.piece(0.8, 1.0);
        }
        let alpha = refine(photo, &mask, &options, &device, &rest.piece(0.0, 0.7)).await?;
        drop(mask);
        let colours = match colours {
            Colours::Clean => subject_colours(photo, &alpha, &rest.piece(0.7, 1.0)).await?,
            Colours::Photo => None,
        };
        let matte = Matte {
            data: &alpha.values,
            colours: colours
                .as_ref()
                .map(|colours| MatteColours { bbox: colours.bbox, data: &colours.rgba }),
        };
        Ok(to_js(&matte)?)
    }
}

/// Reads a run-length encoding.
fn pixels_of(mask: JsValue) -> Result<BitMask, Error> {
    let mask: Rle = serde_wasm_bindgen::from_value(mask)
        .map_err(|error| Error::InvalidPrompt(error.to_string()))?;
    mask.decode().map_err(|error| Error::InvalidPrompt(format!("the mask: {error}")))
}
