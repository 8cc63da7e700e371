//! Tensors from values, and back.
//!
//! These stand in for burn's own operations, which would bring its kernel compiler along and, on a GPU, run out of order with ours.

use burn::tensor::{Device, Element, Int, Tensor, TensorData};
use bytemuck::NoUninit;

use super::backend::{Primitive, bits, gpu_of};
use super::gpu::Queue;
use crate::error::{Error, Result};

/// A tensor of `values`, in order.
pub fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D], device: &Device) -> Tensor<D> {
    on_device(values, device).shaped(shape)
}

/// Words of packed weights.
pub fn words<const D: usize>(
    values: Vec<i32>,
    shape: [usize; D],
    device: &Device,
) -> Tensor<D, Int> {
    on_device(values, device).shaped_words(shape)
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

/// A tensor's values, in order.
///
/// # Errors
/// [`Error::DeviceLost`] if the device failed on the way.
pub async fn read<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>> {
    let mut all = read_all(vec![flattened(tensor)]).await?;
    Ok(all.pop().expect("as many as asked for"))
}

/// The values of several tensors of one device, at once: of a GPU each read-back must be waited for.
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

/// A tensor's values where nobody has to wait for them: on the CPU.
pub fn ready<const D: usize>(tensor: &Tensor<D>) -> Option<Vec<f32>> {
    match Primitive::from(tensor.clone()) {
        Primitive::Cpu(tensor) => Some(bits(&tensor).to_vec()),
        Primitive::Gpu(_) => None,
    }
}

pub fn flattened<const D: usize>(tensor: Tensor<D>) -> Tensor<1> {
    let length = tensor.dims().iter().product();
    reshape(tensor, [length])
}

/// The same values, in the same order.
pub fn reshape<const D: usize, const E: usize>(x: Tensor<D>, shape: [usize; E]) -> Tensor<E> {
    assert_eq!(
        x.dims().iter().product::<usize>(),
        shape.iter().product::<usize>(),
        "as many values as before"
    );
    Primitive::from(x).shaped(shape)
}
