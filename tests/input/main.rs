//! Tests what people and programs get wrong: bad photos, bad prompts, damaged model files, and
//! random ones from seeds. The answer is a right result or an error with a code, never a panic, and
//! it never takes more memory than a stated limit.
#![cfg(not(target_family = "wasm"))]

mod candidates;
mod families;
mod fuzz;
mod make;
mod memory;
mod model_file;
mod photos;
mod promises;
mod prompts;
mod random;
mod scenes;
mod small_model;
#[path = "../weights/mod.rs"]
mod weights;
