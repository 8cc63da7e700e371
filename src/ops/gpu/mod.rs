//! How work gets to a GPU: pipelines, the queue of kernels, and memory.

mod pipeline;
mod queue;
#[cfg(not(target_family = "wasm"))]
mod timer;

use burn::tensor::Shape;
use burn_cubecl::CubeDevice;
use burn_cubecl::cubecl::MemoryScope;
use burn_cubecl::tensor::CubeTensor;

pub use queue::Counters;
pub(super) use queue::Queue;

/// A GPU's memory for tensors, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Memory {
    /// The memory of tensors that exist now.
    pub in_use: u64,
    /// The same, and that of buffers which are kept for the next tensors.
    pub reserved: u64,
}

/// How much of a GPU's memory is taken now.
pub(super) fn memory(device: &CubeDevice) -> Memory {
    let usage = device.client().memory_report(MemoryScope::Device).usage();
    Memory { in_use: usage.bytes_in_use, reserved: usage.bytes_reserved }
}

/// The tensor in another shape, with the same values. This needs no copy, because the kernels of
/// this program leave no gaps between values.
pub(super) fn reshape(x: CubeTensor, shape: Shape) -> CubeTensor {
    CubeTensor::new_contiguous(x.client, x.device, shape, x.handle, x.dtype)
}
