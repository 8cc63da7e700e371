//! What the CPU twins are made of, on plain slices. The twins are what the GPU kernels are tested
//! against, and what runs if there is no GPU.

mod activation;
#[cfg(target_family = "wasm")]
mod browser;
#[cfg(any(target_feature = "relaxed-simd", test))]
mod integers;
pub(super) mod lanes;
#[cfg(not(target_family = "wasm"))]
mod native;
mod operand;
#[cfg(any(target_family = "wasm", test))]
mod panels;
mod parallel;

pub(super) use activation::activate;
#[cfg(target_family = "wasm")]
pub(super) use browser::Factor;
pub(super) use lanes::Lanes;
#[cfg(not(target_family = "wasm"))]
pub(super) use native::Factor;
pub(super) use operand::Operand;
pub(super) use parallel::for_each_chunk;
