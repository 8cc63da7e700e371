//! The browser's side: what the worker calls. Values cross as plain objects, masks as run-length codes.

mod engine;
mod start;

pub use start::call_constructors;

use serde::Serialize;
use wasm_bindgen::prelude::*;

use crate::error::Error;

/// A failure as JavaScript gets it.
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

/// Plain objects and arrays, `null` for what is absent, bytes as `Uint8Array`: they survive `postMessage` and spreading.
fn to_js(value: &impl Serialize) -> Result<JsValue, Error> {
    value
        .serialize(
            &serde_wasm_bindgen::Serializer::json_compatible().serialize_bytes_as_arrays(false),
        )
        .map_err(|error| Error::Internal(error.to_string()))
}
