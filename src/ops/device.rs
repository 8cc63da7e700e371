//! Devices: what state they are in, what they were asked for, and how to wait for them. The CPU always is ready and has nothing to tell.

use burn::tensor::Device;

use super::backend::gpu_of;
use super::gpu::{self, Counters, Memory, Queue};
use super::registry::{Entry, ahead};
use super::shader::Network;
use crate::error::{Error, Result};

/// Whether nothing has gone wrong on a device so far; after that, nothing computed on it counts.
pub fn is_sound(device: &Device) -> bool {
    gpu_of(device).is_none_or(|device| Queue::of(device).check().is_ok())
}

/// From now on a GPU multiplies 16-bit floats where it has them: less exact (about three digits), and on much hardware faster. Whether it
/// does so; never on the CPU.
pub fn use_f16(device: &Device, f16: bool) -> bool {
    gpu_of(device).is_some_and(|device| Queue::of(device).use_f16(f16))
}

/// About how many bytes may be there between the input and the output of a piece of work that can be done in parts. A GPU wants few and
/// large kernels; a browser's memory for the CPU never shrinks again.
pub fn working_bytes(device: &Device) -> usize {
    if gpu_of(device).is_some() { 48 << 20 } else { 16 << 20 }
}

/// From now on, for good, a GPU computes nothing: kernels are recorded, with the memory that they need, and not run; results mean nothing.
pub(crate) fn plan_only(device: &Device) {
    if let Some(device) = gpu_of(device) {
        Queue::of(device).plan_only();
    }
}

/// Compiles what a network runs of these operations on a GPU, all at the same time.
///
/// # Errors
/// [`Error::NoGpu`] if the device does not take one of the shaders.
pub async fn compile(device: &Device, operations: &[Entry], network: Network) -> Result<()> {
    let Some(device) = gpu_of(device) else { return Ok(()) };
    let queue = Queue::of(device);
    let network = Network { f16: queue.f16(), ..network };
    queue.prepare(ahead(operations, &network)).await.map_err(Error::NoGpu)
}

/// What tensors take of a GPU's memory now; nothing on the CPU.
pub fn memory(device: &Device) -> Memory {
    gpu_of(device).map(gpu::memory).unwrap_or_default()
}

/// What a GPU was asked to do so far.
pub fn counters(device: &Device) -> Counters {
    gpu_of(device).map(|device| Queue::of(device).counters()).unwrap_or_default()
}

/// Waits until a GPU is done with what was asked of it before the last call of this: it works behind the program, which else would
/// report progress that is not made and could not be stopped. What was asked of it since keeps it busy meanwhile.
///
/// # Errors
/// [`Error::DeviceLost`] if the device failed so far.
pub async fn throttle(device: &Device) -> Result<()> {
    match gpu_of(device) {
        Some(device) => Queue::of(device).throttle().await.map_err(Error::DeviceLost),
        None => Ok(()),
    }
}

/// Waits until all is done.
///
/// # Errors
/// [`Error::DeviceLost`] if the device failed on the way.
pub async fn finish(device: &Device) -> Result<()> {
    match gpu_of(device) {
        Some(device) => Queue::of(device).finish().await.map_err(Error::DeviceLost),
        None => Ok(()),
    }
}
