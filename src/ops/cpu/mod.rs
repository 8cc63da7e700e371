//! The CPU twins, on plain slices. They are what the GPU kernels are tested against, and the fallback device.

mod activation;
mod attention;
mod depthwise;
mod layer_norm;
mod matmul;
mod parallel;

pub use attention::attention;
pub use depthwise::depthwise;
pub use layer_norm::layer_norm;
pub use matmul::{dequantise, matmul};
