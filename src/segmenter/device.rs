//! Where the network runs.

use serde::Serialize;

use crate::error::{Error, Result};
use crate::ops::{self, Activation, Device, Weight};

/// What the caller wants to compute on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceKind {
    /// WebGPU in a browser; Vulkan, Metal or DirectX natively.
    Gpu,
    Cpu,
}

/// The numbers that a GPU multiplies; the CPU always takes 32 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    #[default]
    F32,
    /// Less exact (about three digits), and on much hardware faster; F32 where a GPU does not have them.
    F16,
}

/// A device and its precision. Each segmenter keeps its own, whatever others in the process have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compute {
    pub device: DeviceKind,
    pub precision: Precision,
}

impl From<DeviceKind> for Compute {
    fn from(device: DeviceKind) -> Self {
        Self { device, precision: Precision::default() }
    }
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
    /// The precision in use, `F32` where `F16` was asked for in vain.
    pub precision: Precision,
}

/// Opens a device; whether it computes is for [`probe`] to find out.
///
/// # Errors
/// [`Error::NoGpu`] if there is no adapter.
pub async fn open(compute: impl Into<Compute>) -> Result<(Device, Adapter)> {
    let Compute { device, precision } = compute.into();
    match device {
        DeviceKind::Cpu => {
            let name = "CPU (burn-flex)".to_string();
            let precision = Precision::F32;
            Ok((ops::cpu(), Adapter { device: "cpu", name, software: false, precision }))
        }
        DeviceKind::Gpu => gpu::open(precision).await,
    }
}

/// A GPU that computes nothing: kernels are recorded, with the memory that they need, and not run. Nobody else gets this device.
///
/// # Errors
/// [`Error::NoGpu`] if there is no adapter.
pub async fn open_planning() -> Result<(Device, Adapter)> {
    let (device, adapter) = gpu::open_alone().await?;
    ops::plan_only(&device);
    Ok((device, adapter))
}

/// One product whose result is known: drivers exist that compute nothing and report no error.
///
/// # Errors
/// [`Error::NoGpu`] if the device gives wrong numbers, [`Error::DeviceLost`].
pub async fn probe(device: &Device) -> Result<()> {
    // The others are measured by the CPU.
    if *device == ops::cpu() {
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
    let (ours, expected) = (product(device).await?, product(&ops::cpu()).await?);
    // Small integers: exact in floating point, of 16 bits too.
    if ours == expected {
        Ok(())
    } else {
        Err(Error::NoGpu("it computes wrong numbers".to_string()))
    }
}

/// Users of one process share what the system opened, until something goes wrong on it: the next one gets another. On it there is one of
/// burn's devices for each precision, since all kernels of such a device have the same.
mod gpu {
    use std::sync::{Mutex, MutexGuard, PoisonError};

    use super::{Adapter, Device, Precision, Result, ops};
    use crate::ops::Gpu;

    #[derive(Clone)]
    struct Opened {
        device: Device,
        adapter: Adapter,
        precision: Precision,
        gpu: Gpu,
    }

    static OPENED: Mutex<Vec<Opened>> = Mutex::new(Vec::new());

    /// Those on which nothing has gone wrong.
    fn opened() -> MutexGuard<'static, Vec<Opened>> {
        let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
        opened.retain(|opened| ops::is_sound(&opened.device));
        opened
    }

    pub async fn open(precision: Precision) -> Result<(Device, Adapter)> {
        let same = opened().iter().find(|opened| opened.precision == precision).cloned();
        let new = match same {
            Some(same) => return Ok((same.device, same.adapter)),
            None => open_new(precision).await?,
        };
        opened().push(new.clone());
        Ok((new.device, new.adapter))
    }

    /// One that nobody else gets.
    pub async fn open_alone() -> Result<(Device, Adapter)> {
        let new = open_new(Precision::F32).await?;
        Ok((new.device, new.adapter))
    }

    /// On what is open already, if there is something.
    async fn open_new(precision: Precision) -> Result<Opened> {
        let beside = opened().first().cloned();
        let gpu = match &beside {
            Some(opened) => opened.gpu.clone(),
            None => Gpu::acquire().await?,
        };
        let device = gpu.open(beside.as_ref().map(|opened| &opened.device))?;
        let is_f16 = ops::use_f16(&device, precision == Precision::F16);
        let used = if is_f16 { Precision::F16 } else { Precision::F32 };
        let (name, software) = (gpu.name(), gpu.is_software());
        let adapter = Adapter { device: "webgpu", name, software, precision: used };
        Ok(Opened { device, adapter, precision, gpu })
    }
}
