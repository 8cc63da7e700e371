//! Devices: their state, what was asked of them, and waiting for them. The CPU is always ready, and
//! there is nothing to report about it.

use burn::tensor::Device;

use super::backend::gpu_of;
use super::gpu::{self, Counters, Memory, Queue};
use super::registry::{Entry, ahead};
use super::shader::Network;
use crate::error::{Error, Result};

/// Whether nothing has gone wrong on a device so far. After a failure, nothing computed on it can
/// be trusted.
pub fn is_sound(device: &Device) -> bool {
    gpu_of(device).is_none_or(|device| Queue::of(device).check().is_ok())
}

/// Sets whether a GPU multiplies 16-bit floats from now on, and returns whether it does. It does so
/// only if the device has them; the CPU never does. They are less exact (about three digits), and
/// on much hardware faster.
pub fn use_f16(device: &Device, f16: bool) -> bool {
    gpu_of(device).is_some_and(|device| Queue::of(device).use_f16(f16))
}

/// About how many bytes the intermediate results of a piece of work may take, if the work can be
/// done in parts. A GPU works best with few and large kernels. In a browser, memory that the CPU
/// has taken is never given back.
pub fn working_bytes(device: &Device) -> usize {
    if gpu_of(device).is_some() { 48 << 20 } else { 32 << 20 }
}

/// Makes a GPU compute nothing from now on: kernels are recorded, with the memory that they need,
/// but do not run. This cannot be undone, and results mean nothing.
pub(crate) fn plan_only(device: &Device) {
    if let Some(device) = gpu_of(device) {
        Queue::of(device).plan_only();
    }
}

/// Compiles the kernels of these operations that a network runs on a GPU, all at the same time.
/// Those that the device already has are left out.
///
/// # Errors
/// [`Error::NoGpu`] if the device rejects one of the shaders.
pub(super) async fn compile(device: &Device, operations: &[Entry], network: Network) -> Result<()> {
    let Some(device) = gpu_of(device) else { return Ok(()) };
    let queue = Queue::of(device);
    let network = Network { f16: queue.f16(), ..network };
    queue.prepare(ahead(operations, &network)).await.map_err(Error::NoGpu)
}

/// How much of a GPU's memory tensors take now; zeros on the CPU.
pub fn memory(device: &Device) -> Memory {
    gpu_of(device).map(gpu::memory).unwrap_or_default()
}

/// What a GPU was asked to do so far; zeros on the CPU.
pub fn counters(device: &Device) -> Counters {
    gpu_of(device).map(|device| Queue::of(device).counters()).unwrap_or_default()
}

/// Sends what is recorded to a GPU, and waits until it has finished what the previous call sent.
/// Without the wait, the program would run far ahead of the GPU: it would report progress that has
/// not been made, and work could not be stopped. What was just sent keeps the GPU busy meanwhile.
///
/// # Errors
/// [`Error::DeviceLost`] if the device has failed so far.
pub async fn throttle(device: &Device) -> Result<()> {
    match gpu_of(device) {
        Some(device) => Queue::of(device).throttle().await.map_err(Error::DeviceLost),
        None => Ok(()),
    }
}

/// Waits until a GPU has finished everything that was asked of it.
///
/// # Errors
/// [`Error::DeviceLost`] if the device failed on the way.
pub async fn finish(device: &Device) -> Result<()> {
    match gpu_of(device) {
        Some(device) => Queue::of(device).finish().await.map_err(Error::DeviceLost),
        None => Ok(()),
    }
}
