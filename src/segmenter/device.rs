//! Where the network runs.

use burn::tensor::Device;
use serde::Serialize;

use crate::error::{Error, Result};
use crate::ops::{self, Activation, Weight};

/// What the caller wants to compute on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceKind {
    /// WebGPU in a browser; Vulkan, Metal or DirectX natively.
    Gpu,
    /// The same with products of 16-bit floats, if the device has them.
    HalfGpu,
    Cpu,
}

/// What the network runs on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Adapter {
    /// `webgpu` or `cpu`.
    pub device: &'static str,
    /// As the driver names it; empty where a browser does not pass that on.
    pub name: String,
    /// Whether a "GPU" is in truth computed by the CPU.
    pub software: bool,
    /// Whether products are of 16-bit floats.
    pub half: bool,
}

/// Opens a device; whether it computes is for [`probe`] to find out.
///
/// # Errors
/// [`Error::NoGpu`] if there is no adapter.
pub async fn open(kind: DeviceKind) -> Result<(Device, Adapter)> {
    match kind {
        DeviceKind::Cpu => {
            let name = "CPU (burn-flex)".to_string();
            Ok((Device::flex(), Adapter { device: "cpu", name, software: false, half: false }))
        }
        DeviceKind::Gpu | DeviceKind::HalfGpu => {
            let (device, mut adapter) = gpu::open().await?;
            adapter.half = ops::use_half(&device, kind == DeviceKind::HalfGpu);
            Ok((device, adapter))
        }
    }
}

/// One product whose result is known: drivers exist that compute nothing and report no error.
///
/// # Errors
/// [`Error::NoGpu`] if the device gives wrong numbers, [`Error::DeviceLost`].
pub async fn probe(device: &Device) -> Result<()> {
    // The others are measured by the CPU.
    if *device == Device::flex() {
        return Ok(());
    }
    const SIZE: usize = 96;
    let data: Vec<f32> = (0..SIZE * SIZE).map(|i| ((i * 7919) % 13) as f32 - 6.0).collect();
    let matrix = |device: &Device| ops::tensor(data.clone(), [SIZE, SIZE], device);
    let product = async |device: &Device| {
        let bias = ops::tensor(vec![0.0; SIZE], [SIZE], device);
        let weight = Weight::F32(matrix(device));
        let out = ops::linear(matrix(device), &weight, &bias, Activation::None);
        ops::read(out).await
    };
    let (ours, expected) = (product(device).await?, product(&Device::flex()).await?);
    // Small integers: exact in floating point, of 16 bits too.
    if ours == expected { Ok(()) } else { Err(Error::NoGpu("it computes wrong numbers".to_string())) }
}

/// Users of one process share a device, until something goes wrong on it: the next one gets another.
mod gpu {
    use std::sync::{Mutex, MutexGuard, PoisonError};

    use burn::tensor::Device;
    use burn::tensor::wgpu::{MemoryConfiguration, WgpuSetup, wgpu};

    use super::{Adapter, Error, Result, ops};

    static OPENED: Mutex<Option<(Device, Adapter)>> = Mutex::new(None);

    fn opened() -> MutexGuard<'static, Option<(Device, Adapter)>> {
        OPENED.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub async fn open() -> Result<(Device, Adapter)> {
        let sound = opened().clone().filter(|(device, _)| ops::is_sound(device));
        if let Some(sound) = sound {
            return Ok(sound);
        }
        let setup = acquire().await?;
        // Pages of their own for each tensor: shaders bind inputs read-only.
        let options = Device::wgpu_options().setup(setup.clone());
        let device = options.memory_config(MemoryConfiguration::ExclusivePages).init();
        let device = device.map_err(|error| Error::NoGpu(error.to_string()))?;
        ops::register_gpu(&device, &setup);
        let new = (device, describe(&setup.adapter));
        *opened() = Some(new.clone());
        Ok(new)
    }

    async fn acquire() -> Result<WgpuSetup> {
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
        Ok(WgpuSetup { instance, adapter, device, queue, backend })
    }

    fn describe(adapter: &wgpu::Adapter) -> Adapter {
        let info = adapter.get_info();
        let name = [info.name, info.driver].into_iter().filter(|part| !part.is_empty());
        let name = name.collect::<Vec<_>>().join(", ");
        let software = info.device_type == wgpu::DeviceType::Cpu;
        Adapter { device: "webgpu", name, software, half: false }
    }
}
