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

/// Opens a device and makes sure that it computes.
///
/// # Errors
/// [`Error::NoGpu`] if there is no adapter, or one that gives wrong numbers.
pub async fn open(kind: DeviceKind) -> Result<(Device, Adapter)> {
    match kind {
        DeviceKind::Cpu => {
            let name = "CPU (burn-flex)".to_string();
            Ok((Device::flex(), Adapter { device: "cpu", name, software: false, half: false }))
        }
        DeviceKind::Gpu | DeviceKind::HalfGpu => {
            let (device, mut adapter) = gpu::open().await?;
            adapter.half = ops::use_half(&device, kind == DeviceKind::HalfGpu);
            probe(&device).await?;
            Ok((device, adapter))
        }
    }
}

/// One product whose result is known: drivers exist that compute nothing and report no error.
async fn probe(device: &Device) -> Result<()> {
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

/// The runtime registers a device once a process: later users share it.
mod gpu {
    use std::sync::{Mutex, PoisonError};

    use burn::tensor::Device;
    use burn::tensor::wgpu::{MemoryConfiguration, WgpuInitError, WgpuOptions, WgpuSetup, wgpu};

    use super::{Adapter, Error, Result, ops};

    static OPENED: Mutex<Option<(Device, Adapter)>> = Mutex::new(None);

    fn options() -> WgpuOptions {
        // Pages of their own for each tensor: shaders bind inputs read-only. Many kernels in one submit.
        Device::wgpu_options().memory_config(MemoryConfiguration::ExclusivePages).tasks_max(64)
    }

    fn describe((device, setup): (Device, WgpuSetup)) -> (Device, Adapter) {
        ops::register_gpu(&device, &setup);
        let info = setup.adapter.get_info();
        let name = [info.name, info.driver].into_iter().filter(|part| !part.is_empty());
        let name = name.collect::<Vec<_>>().join(", ");
        let software = info.device_type == wgpu::DeviceType::Cpu;
        (device, Adapter { device: "webgpu", name, software, half: false })
    }

    fn failed(error: WgpuInitError) -> Error {
        Error::NoGpu(error.to_string())
    }

    #[cfg(not(target_family = "wasm"))]
    pub async fn open() -> Result<(Device, Adapter)> {
        let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(opened) = &*opened {
            return Ok(opened.clone());
        }
        let new = describe(options().init_with_setup().map_err(failed)?);
        *opened = Some(new.clone());
        Ok(new)
    }

    #[cfg(target_family = "wasm")]
    pub async fn open() -> Result<(Device, Adapter)> {
        let take = || OPENED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(opened) = &*take() {
            return Ok(opened.clone());
        }
        let new = describe(options().init_with_setup_async().await.map_err(failed)?);
        *take() = Some(new.clone());
        Ok(new)
    }
}
