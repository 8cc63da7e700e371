//! The interface to JavaScript, which the worker calls. Values cross it as plain objects, and masks
//! as run-length encodings.

mod edges;
mod engine;
mod photo;
mod start;

pub use start::call_constructors;

use serde::Serialize;
use wasm_bindgen::prelude::*;

use crate::error::Error;

/// A failure in the form that JavaScript gets.
#[derive(Serialize)]
struct Failure<'a> {
    code: &'a str,
    message: String,
}

impl From<Error> for JsValue {
    fn from(error: Error) -> Self {
        let failure = Failure { code: error.code(), message: error.to_string() };
        to_js(&failure).unwrap_or_else(|_| JsValue::from_str(&error.to_string()))
    }
}

/// A value as plain objects and arrays, with `null` for what is absent and `Uint8Array` for bytes.
/// Such values survive `postMessage` and spreading.
fn to_js(value: &impl Serialize) -> Result<JsValue, Error> {
    value
        .serialize(
            &serde_wasm_bindgen::Serializer::json_compatible().serialize_bytes_as_arrays(false),
        )
        .map_err(|error| Error::Internal(error.to_string()))
}
