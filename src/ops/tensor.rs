//! Tensors from values, and values from tensors.
//!
//! These functions replace burn's own operations. Those would pull in burn's kernel compiler, and
//! on a GPU they would not run in order with the kernels of this folder.

use burn::tensor::{Device, Element, Int, Tensor, TensorData};
use bytemuck::NoUninit;

use super::backend::{Primitive, bits, gpu_of};
use super::gpu::Queue;
use crate::error::{Error, Result};

/// A tensor of `values`, which are in row-major order.
pub fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D], device: &Device) -> Tensor<D> {
    on_device(values, device).shaped(shape)
}

/// A tensor of packed weights, given as 32-bit integers in row-major order.
pub(super) fn packed<const D: usize>(
    values: Vec<i32>,
    shape: [usize; D],
    device: &Device,
) -> Tensor<D, Int> {
    on_device(values, device).shaped_ints(shape)
}

fn on_device<T: Element + NoUninit>(values: Vec<T>, device: &Device) -> Primitive {
    match gpu_of(device) {
        Some(device) => Primitive::Gpu(Queue::of(device).upload(
            device,
            bytemuck::cast_slice(&values),
            T::dtype(),
        )),
        None => {
            let length = values.len();
            Primitive::of_values(TensorData::new(values, [length]))
        }
    }
}

/// A tensor's values, in row-major order.
///
/// # Errors
/// [`Error::DeviceLost`] if the device failed on the way.
pub async fn read<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>> {
    let mut all = read_all(vec![flattened(tensor)]).await?;
    Ok(all.pop().expect("each tensor that is read has values"))
}

/// The values of several tensors of one device, in one read-back, because on a GPU each read-back
/// takes a wait.
///
/// # Errors
/// [`Error::DeviceLost`] if the device failed on the way.
pub async fn read_all(tensors: Vec<Tensor<1>>) -> Result<Vec<Vec<f32>>> {
    let mut values = Vec::new();
    let mut on_gpu = Vec::new();
    for tensor in tensors {
        match Primitive::from(tensor) {
            Primitive::Gpu(tensor) => on_gpu.push(tensor),
            Primitive::Cpu(tensor) => values.push(bits(&tensor).to_vec()),
        }
    }
    if let Some(first) = on_gpu.first() {
        values = Queue::of(&first.device).read(&on_gpu).await.map_err(Error::DeviceLost)?;
    }
    Ok(values)
}

/// A tensor's values if they are available without a wait, which is so on the CPU. `None` on a GPU.
pub fn ready<const D: usize>(tensor: &Tensor<D>) -> Option<Vec<f32>> {
    match Primitive::from(tensor.clone()) {
        Primitive::Cpu(tensor) => Some(bits(&tensor).to_vec()),
        Primitive::Gpu(_) => None,
    }
}

/// The tensor with a single axis, with the same values in the same order.
pub fn flattened<const D: usize>(tensor: Tensor<D>) -> Tensor<1> {
    let length = tensor.dims().iter().product();
    reshape(tensor, [length])
}

/// The tensor in another shape, with the same values in the same order.
///
/// # Panics
/// If the number of values is not the same.
pub fn reshape<const D: usize, const E: usize>(x: Tensor<D>, shape: [usize; E]) -> Tensor<E> {
    assert_eq!(
        x.dims().iter().product::<usize>(),
        shape.iter().product::<usize>(),
        "both shapes must have the same number of values"
    );
    Primitive::from(x).shaped(shape)
}
