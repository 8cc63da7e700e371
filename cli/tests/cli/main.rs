//! Runs the program as a terminal would: many photos, stops in between, and what it prints.
#![cfg(not(target_family = "wasm"))]

mod cutout;
mod program;
mod results;
mod resume;
mod selection;
