//! Opening devices.

use burn::tensor::Device;
use burn::tensor::wgpu::{MemoryConfiguration, WgpuSetup, wgpu};

use super::backend::gpu_of;
use super::gpu::Queue;
use crate::error::{Error, Result};

/// The CPU, which is always there.
pub fn cpu() -> Device {
    Device::flex()
}

/// A GPU that the system has given: any number of devices can be opened on it.
#[derive(Clone)]
pub struct Gpu {
    setup: WgpuSetup,
}

impl Gpu {
    /// # Errors
    /// [`Error::NoGpu`] if there is no adapter.
    pub async fn acquire() -> Result<Self> {
        let instance = wgpu::Instance::default();
        let wanted = wgpu::RequestAdapterOptions {
            power_preference: wgpu::PowerPreference::HighPerformance,
            ..Default::default()
        };
        let adapter = instance.request_adapter(&wanted).await;
        let adapter = adapter.map_err(|error| Error::NoGpu(error.to_string()))?;
        // Neither is needed: the one measures, the other is a wish.
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

    /// One of burn's devices; `beside` is another one on the same GPU, if there is one.
    ///
    /// # Errors
    /// [`Error::NoGpu`] if burn does not take it.
    pub fn open(&self, beside: Option<&Device>) -> Result<Device> {
        // Pages of their own for each tensor: shaders bind inputs read-only.
        let options = Device::wgpu_options().setup(self.setup.clone());
        let device = options.memory_config(MemoryConfiguration::ExclusivePages).init();
        let device = device.map_err(|error| Error::NoGpu(error.to_string()))?;
        register_gpu(&device, &self.setup, beside);
        Ok(device)
    }

    /// As the driver names it; empty where a browser does not pass that on.
    pub fn name(&self) -> String {
        let info = self.setup.adapter.get_info();
        let name = [info.name, info.driver].into_iter().filter(|part| !part.is_empty());
        name.collect::<Vec<_>>().join(", ")
    }

    /// Whether it is in truth computed by the CPU.
    pub fn is_software(&self) -> bool {
        self.setup.adapter.get_info().device_type == wgpu::DeviceType::Cpu
    }
}

/// Makes a GPU, which burn has opened on `setup`, ready for these operations: once, before any of them. If burn has opened another one on the
/// same setup, that is `beside`: what goes wrong on one of them concerns both.
pub fn register_gpu(device: &Device, setup: &WgpuSetup, beside: Option<&Device>) {
    if let Some(device) = gpu_of(device) {
        Queue::register(device, setup, beside.and_then(gpu_of));
    }
}
