//! The CPU twins, on plain slices. They are what the GPU kernels are tested against, and the fallback device.

mod activation;
mod attention;
mod depthwise;
mod lanes;
mod layer_norm;
mod layout;
mod matmul;
mod max_pool;
#[cfg(not(target_family = "wasm"))]
mod native;
#[cfg(any(target_family = "wasm", test))]
mod panels;
mod parallel;
mod places;

#[cfg(not(target_family = "wasm"))]
use native::Factor;
#[cfg(target_family = "wasm")]
use panels::Factor;

pub use attention::attention;
pub use depthwise::depthwise;
pub use layer_norm::layer_norm;
pub use layout::{add, place, windows};
pub use matmul::{Operand, matmul};
pub use max_pool::max_pool;
pub use places::{choose, codes, cover};
