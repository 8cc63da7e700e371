//! burn's tensors as values on a GPU or on the CPU. Everything else that is specific to burn's
//! backends is in `gpu`.

use burn::backend::{BackendTensor, DispatchDevice, DispatchTensor, DispatchTensorKind, Flex};
use burn::tensor::{DType, Device, Int, Shape, Tensor, TensorData};
use burn_cubecl::tensor::CubeTensor;
use burn_cubecl::{CubeBackend, CubeDevice};
use burn_flex::FlexTensor;

use super::gpu;

/// A tensor of floats or of packed weights, whatever its shape.
#[expect(
    clippy::large_enum_variant,
    reason = "it lives for one call, and a box would cost an allocation"
)]
pub(super) enum Primitive {
    /// A tensor on a GPU.
    Gpu(CubeTensor),
    /// A tensor on the CPU.
    Cpu(FlexTensor),
}

impl<const D: usize> From<Tensor<D>> for Primitive {
    fn from(tensor: Tensor<D>) -> Self {
        Self::of(tensor.into_dispatch())
    }
}

impl<const D: usize> From<Tensor<D, Int>> for Primitive {
    fn from(tensor: Tensor<D, Int>) -> Self {
        Self::of(tensor.into_dispatch())
    }
}

impl Primitive {
    fn of(tensor: DispatchTensor) -> Self {
        use BackendTensor::{Float, Int};
        match tensor.kind {
            DispatchTensorKind::Cube(Float(tensor) | Int(tensor)) => Self::Gpu(tensor),
            DispatchTensorKind::Flex(Float(tensor) | Int(tensor)) => Self::Cpu(contiguous(tensor)),
            _ => unreachable!("tensors are floats or integers, on the GPU or the CPU backend"),
        }
    }

    /// A tensor on the CPU that holds these values.
    pub(super) fn of_values(values: TensorData) -> Self {
        Self::Cpu(FlexTensor::from_data(values))
    }

    /// The tensor on a GPU.
    ///
    /// # Panics
    /// If it is on the CPU.
    pub(super) fn gpu(self) -> CubeTensor {
        match self {
            Self::Gpu(tensor) => tensor,
            Self::Cpu(_) => panic!("all tensors of an operation must be on one device"),
        }
    }

    /// The tensor on the CPU.
    ///
    /// # Panics
    /// If it is on a GPU.
    pub(super) fn cpu(self) -> FlexTensor {
        match self {
            Self::Cpu(tensor) => tensor,
            Self::Gpu(_) => panic!("all tensors of an operation must be on one device"),
        }
    }

    /// The tensor in this shape, with the same values in the same order.
    pub(super) fn shaped<const D: usize>(self, shape: [usize; D]) -> Tensor<D> {
        Tensor::from_dispatch(self.dispatch(
            Shape::new(shape),
            BackendTensor::Float,
            BackendTensor::Float,
        ))
    }

    /// The same as [`Self::shaped`], for packed weights.
    pub(super) fn shaped_ints<const D: usize>(self, shape: [usize; D]) -> Tensor<D, Int> {
        Tensor::from_dispatch(self.dispatch(
            Shape::new(shape),
            BackendTensor::Int,
            BackendTensor::Int,
        ))
    }

    fn dispatch(
        self,
        shape: Shape,
        on_gpu: impl FnOnce(CubeTensor) -> BackendTensor<CubeBackend>,
        on_cpu: impl FnOnce(FlexTensor) -> BackendTensor<Flex>,
    ) -> DispatchTensor {
        let kind = match self {
            Self::Gpu(tensor) => DispatchTensorKind::Cube(on_gpu(gpu::reshape(tensor, shape))),
            Self::Cpu(tensor) => DispatchTensorKind::Flex(on_cpu(tensor.reshape(shape))),
        };
        DispatchTensor { kind, autodiff: Default::default() }
    }
}

/// A tensor's values in order, as floats with the same bits. Those of packed weights make no sense
/// as floats.
pub(super) fn bits(tensor: &FlexTensor) -> &[f32] {
    let length = tensor.layout().num_elements();
    match tensor.dtype() {
        DType::I32 => bytemuck::cast_slice(&tensor.storage::<i32>()[..length]),
        _ => &tensor.storage::<f32>()[..length],
    }
}

fn contiguous(tensor: FlexTensor) -> FlexTensor {
    if tensor.is_contiguous() && tensor.layout().start_offset() == 0 {
        tensor
    } else {
        tensor.to_contiguous()
    }
}

/// The GPU behind `device`, or `None` if it is the CPU.
pub(super) fn gpu_of(device: &Device) -> Option<&CubeDevice> {
    match device.as_dispatch() {
        DispatchDevice::Cube(device) => Some(device),
        _ => None,
    }
}
