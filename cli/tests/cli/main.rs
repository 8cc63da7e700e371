//! The program as it is called from a terminal: many photos, stops in between, and what it says.
#![cfg(not(target_family = "wasm"))]

mod program;
mod results;
mod resume;
mod selection;
