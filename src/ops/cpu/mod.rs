//! What the CPU twins are made of, on plain slices. The twins are what the GPU kernels are tested
//! against, and what runs if there is no GPU.

mod activation;
pub(super) mod lanes;
#[cfg(not(target_family = "wasm"))]
mod native;
mod operand;
#[cfg(any(target_family = "wasm", test))]
mod panels;
mod parallel;

pub(super) use activation::activate;
pub(super) use lanes::Lanes;
#[cfg(not(target_family = "wasm"))]
pub(super) use native::Factor;
pub(super) use operand::Operand;
#[cfg(target_family = "wasm")]
pub(super) use panels::Factor;
pub(super) use parallel::for_each_chunk;
