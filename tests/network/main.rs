//! Tests of the operations and the network, on CPU and GPU, natively and in a browser. They are one
//! program, because linking each program takes long.

mod aims;
mod common;
mod edges;
mod efficient_net;
mod generated;
mod matting;
mod ops;
mod parity;
mod poison;
mod sam2;
mod scene;
mod semantic;
#[cfg(target_family = "wasm")]
mod web;
#[cfg(not(target_family = "wasm"))]
#[path = "../weights/mod.rs"]
mod weights;

#[cfg(target_family = "wasm")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_dedicated_worker);
