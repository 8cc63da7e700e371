//! The devices that the network runs on.

use serde::Serialize;

use crate::error::{Error, Result};
use crate::ops::{self, Activation, Device, Weight};

/// What kind of device the caller wants to compute on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceKind {
    /// WebGPU in a browser; Vulkan, Metal or DirectX natively.
    Gpu,
    /// The CPU, in Rust.
    Cpu,
}

/// The numbers that a GPU multiplies. The CPU always multiplies 32-bit floats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32-bit floats.
    #[default]
    F32,
    /// 16-bit floats. They are less exact (about three digits), and faster on much hardware. A GPU
    /// that does not have them uses `F32`.
    F16,
}

/// A device and its precision. Each segmenter has its own, independent of others in the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compute {
    /// What to compute on.
    pub device: DeviceKind,
    /// The precision of products on a GPU.
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
    /// The name that the driver gives. It is empty if the browser does not pass it on.
    pub name: String,
    /// Whether this is a "GPU" whose work is really done by the CPU.
    pub software: bool,
    /// The precision in use. It is `F32` if `F16` was asked for and the device does not have it.
    pub precision: Precision,
}

/// Opens a device. `probe` finds out whether it computes.
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

/// Opens a GPU that computes nothing: kernels are recorded, with the memory that they need, but
/// they do not run. Nobody else gets this device.
///
/// # Errors
/// [`Error::NoGpu`] if there is no adapter.
pub(super) async fn open_planning() -> Result<(Device, Adapter)> {
    let (device, adapter) = gpu::open_alone().await?;
    ops::plan_only(&device);
    Ok((device, adapter))
}

/// Computes a product whose result is known, because there are drivers that compute nothing and
/// report no error.
///
/// # Errors
/// [`Error::NoGpu`] if the device gives wrong numbers, [`Error::DeviceLost`].
pub(super) async fn probe(device: &Device) -> Result<()> {
    // Other devices are compared with the CPU.
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
    // The values are small integers, which are exact even in 16-bit floats.
    if ours == expected {
        Ok(())
    } else {
        Err(Error::NoGpu("it computes wrong numbers".to_string()))
    }
}

/// The GPUs that are open. All users in a process share what the system opened, until something
/// goes wrong on it; the next user then gets another GPU. For each precision there is a device of
/// burn on it, because all kernels of such a device have the same precision.
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

    /// The devices on which nothing has gone wrong.
    fn opened() -> MutexGuard<'static, Vec<Opened>> {
        let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
        opened.retain(|opened| ops::is_sound(&opened.device));
        opened
    }

    /// Opens a device, or shares one of this precision that is already open.
    pub(super) async fn open(precision: Precision) -> Result<(Device, Adapter)> {
        let same = opened().iter().find(|opened| opened.precision == precision).cloned();
        let new = match same {
            Some(same) => return Ok((same.device, same.adapter)),
            None => open_new(precision).await?,
        };
        opened().push(new.clone());
        Ok((new.device, new.adapter))
    }

    /// Opens a device that nobody else gets.
    pub(super) async fn open_alone() -> Result<(Device, Adapter)> {
        let new = open_new(Precision::F32).await?;
        Ok((new.device, new.adapter))
    }

    /// Opens a device on the GPU that is already open, if there is one.
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
