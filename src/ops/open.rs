//! Opening devices.

use burn::tensor::Device;
use burn::tensor::wgpu::{MemoryConfiguration, WgpuSetup, wgpu};

use super::backend::gpu_of;
use super::gpu::Queue;
use crate::error::{Error, Result};

/// The CPU, which is always available.
pub fn cpu() -> Device {
    Device::flex()
}

/// A GPU that the system has provided. Any number of devices can be opened on it.
#[derive(Clone)]
pub struct Gpu {
    setup: WgpuSetup,
}

impl Gpu {
    /// Asks the system for a GPU.
    ///
    /// # Errors
    /// [`Error::NoGpu`] if there is no adapter, or if it gives no device.
    pub async fn acquire() -> Result<Self> {
        let instance = wgpu::Instance::default();
        let wanted = wgpu::RequestAdapterOptions {
            power_preference: wgpu::PowerPreference::HighPerformance,
            ..Default::default()
        };
        let adapter = instance.request_adapter(&wanted).await;
        let adapter = adapter.map_err(|error| Error::NoGpu(error.to_string()))?;
        // Neither feature is required: timestamps are only for measuring, and 16-bit floats are
        // optional.
        let optional = wgpu::Features::TIMESTAMP_QUERY | wgpu::Features::SHADER_F16;
        let wanted = wgpu::DeviceDescriptor {
            required_features: adapter.features() & optional,
            required_limits: adapter.limits(),
            ..Default::default()
        };
        let device = adapter.request_device(&wanted).await;
        let (device, queue) = device.map_err(|error| Error::NoGpu(error.to_string()))?;
        let backend = adapter.get_info().backend;
        Ok(Self { setup: WgpuSetup { instance, adapter, device, queue, backend } })
    }

    /// Opens one of burn's devices on this GPU. If another one is already open on it, that is
    /// `beside`.
    ///
    /// # Errors
    /// [`Error::NoGpu`] if burn does not accept the GPU.
    pub fn open(&self, beside: Option<&Device>) -> Result<Device> {
        // Each tensor gets memory pages of its own, because shaders bind inputs read-only.
        let options = Device::wgpu_options().setup(self.setup.clone());
        let device = options.memory_config(MemoryConfiguration::ExclusivePages).init();
        let device = device.map_err(|error| Error::NoGpu(error.to_string()))?;
        register_gpu(&device, &self.setup, beside);
        Ok(device)
    }

    /// The name of the GPU and its driver, as the driver gives them. It is empty if a browser does
    /// not pass them on.
    pub fn name(&self) -> String {
        let info = self.setup.adapter.get_info();
        let name = [info.name, info.driver].into_iter().filter(|part| !part.is_empty());
        name.collect::<Vec<_>>().join(", ")
    }

    /// Whether the GPU is in fact emulated by the CPU.
    pub fn is_software(&self) -> bool {
        self.setup.adapter.get_info().device_type == wgpu::DeviceType::Cpu
    }
}

/// Prepares a GPU, which burn has opened on `setup`, for these operations. This must be done once,
/// before any of them runs. If burn has opened another device on the same setup, that is `beside`:
/// a failure of one of them affects both.
pub fn register_gpu(device: &Device, setup: &WgpuSetup, beside: Option<&Device>) {
    if let Some(device) = gpu_of(device) {
        Queue::register(device, setup, beside.and_then(gpu_of));
    }
}
