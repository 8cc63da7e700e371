//! The way to a GPU: pipelines, the queue of kernels, memory.

mod pipeline;
mod queue;
#[cfg(not(target_family = "wasm"))]
mod timer;

use burn::tensor::Shape;
use burn_cubecl::CubeDevice;
use burn_cubecl::cubecl::MemoryScope;
use burn_cubecl::tensor::CubeTensor;

pub use queue::{Counters, Queue};

/// A GPU's memory for tensors, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Memory {
    /// Of tensors that are alive.
    pub in_use: u64,
    /// Of them, and of buffers that are kept for the next ones.
    pub reserved: u64,
}

pub fn memory(device: &CubeDevice) -> Memory {
    let usage = device.client().memory_report(MemoryScope::Device).usage();
    Memory { in_use: usage.bytes_in_use, reserved: usage.bytes_reserved }
}

/// The same values in another shape; own kernels leave no gaps.
pub fn reshape(x: CubeTensor, shape: Shape) -> CubeTensor {
    CubeTensor::new_contiguous(x.client, x.device, shape, x.handle, x.dtype)
}
