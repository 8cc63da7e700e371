//! Tests with seeded random input. `random.rs` says how to repeat a failure and how to run longer.

mod masks;
mod model;
mod photos;
mod requests;
