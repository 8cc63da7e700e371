//! Tensors from values and back, their sums, and copies that put the same values in another order.
//!
//! These stand in for burn's own operations of the same names, which would bring its kernel compiler along and, on a GPU, run out of
//! order with ours.

use std::ops::Range;

use burn::backend::{BackendTensor, Dispatch, DispatchDevice, DispatchTensor, DispatchTensorKind, Flex};
use burn::tensor::{DType, Device, Int, Shape, Tensor, TensorData};
use burn_cubecl::CubeBackend;
use burn_flex::FlexTensor;

use super::extension::{SegmentationOps, contiguous, floats};
use super::gpu::Queue;
use super::profile::measured;
use super::spec::{AddSpec, Move, WindowSpec};
use crate::error::{Error, Result};

/// A tensor of `values`, in order.
pub fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D], device: &Device) -> Tensor<D> {
    let kind = match device.as_dispatch() {
        DispatchDevice::Cube(device) => {
            let flat = Queue::of(device).upload(device, bytemuck::cast_slice(&values), DType::F32);
            DispatchTensorKind::Cube(BackendTensor::<CubeBackend>::Float(flat))
        }
        _ => {
            let flat = FlexTensor::from_data(TensorData::new(values, shape));
            DispatchTensorKind::Flex(BackendTensor::<Flex>::Float(flat))
        }
    };
    shaped(DispatchTensor { kind, autodiff: Default::default() }, shape)
}

/// Words of packed weights.
pub fn words<const D: usize>(values: Vec<i32>, shape: [usize; D], device: &Device) -> Tensor<D, Int> {
    let kind = match device.as_dispatch() {
        DispatchDevice::Cube(device) => {
            let flat = Queue::of(device).upload(device, bytemuck::cast_slice(&values), DType::I32);
            let shaped = super::gpu::reshape(flat, Shape::new(shape));
            DispatchTensorKind::Cube(BackendTensor::<CubeBackend>::Int(shaped))
        }
        _ => {
            let shaped = FlexTensor::from_data(TensorData::new(values, shape));
            DispatchTensorKind::Flex(BackendTensor::<Flex>::Int(shaped))
        }
    };
    Tensor::from_dispatch(DispatchTensor { kind, autodiff: Default::default() })
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
        match tensor.into_dispatch().kind {
            DispatchTensorKind::Cube(BackendTensor::Float(tensor)) => on_gpu.push(tensor),
            DispatchTensorKind::Flex(BackendTensor::Float(tensor)) => {
                values.push(floats(&contiguous(tensor)).to_vec());
            }
            _ => unreachable!("tensors here are floats on one of the two backends"),
        }
    }
    if let Some(first) = on_gpu.first() {
        values = Queue::of(&first.device).read(&on_gpu).await.map_err(Error::DeviceLost)?;
    }
    Ok(values)
}

/// A tensor's values where nobody has to wait for them: on the CPU.
pub fn at_hand<const D: usize>(tensor: &Tensor<D>) -> Option<Vec<f32>> {
    match tensor.clone().into_dispatch().kind {
        DispatchTensorKind::Flex(BackendTensor::Float(tensor)) => Some(floats(&contiguous(tensor)).to_vec()),
        _ => None,
    }
}

pub fn flattened<const D: usize>(tensor: Tensor<D>) -> Tensor<1> {
    let length = tensor.dims().iter().product();
    reshape(tensor, [length])
}

/// Waits until a GPU is done with what was asked of it before the last call of this: it works behind the program, which else would
/// report progress that is not made and could not be stopped. What was asked of it since keeps it busy meanwhile.
///
/// # Errors
/// [`Error::DeviceLost`] if the device failed so far.
pub async fn pace(device: &Device) -> Result<()> {
    match device.as_dispatch() {
        DispatchDevice::Cube(device) => Queue::of(device).pace().await.map_err(Error::DeviceLost),
        _ => Ok(()),
    }
}

/// Waits until all is done.
///
/// # Errors
/// [`Error::DeviceLost`] if the device failed on the way.
pub async fn finish(device: &Device) -> Result<()> {
    match device.as_dispatch() {
        DispatchDevice::Cube(device) => Queue::of(device).finish().await.map_err(Error::DeviceLost),
        _ => Ok(()),
    }
}

/// The result of an operation, which comes flat.
pub(super) fn shaped<const D: usize>(flat: DispatchTensor, shape: [usize; D]) -> Tensor<D> {
    Tensor::from_dispatch(Dispatch::seg_reshape(flat, Shape::new(shape)))
}

/// The same values, in the same order.
pub fn reshape<const D: usize, const E: usize>(x: Tensor<D>, shape: [usize; E]) -> Tensor<E> {
    assert_eq!(
        x.dims().iter().product::<usize>(),
        shape.iter().product::<usize>(),
        "as many values as before"
    );
    shaped(x.into_dispatch(), shape)
}

/// `a + b`; `b` may have leading axes of 1, or lack them, for all of `a`'s.
pub fn add<const D: usize, const E: usize>(a: Tensor<D>, b: Tensor<E>) -> Tensor<D> {
    scale_add(a, 1.0, b)
}

/// `scale * a + b`, as [`add`].
pub fn scale_add<const D: usize, const E: usize>(a: Tensor<D>, scale: f32, b: Tensor<E>) -> Tensor<D> {
    let (shape, own) = (a.dims(), b.dims());
    let period: usize = own.iter().product();
    let mut trailing = own.into_iter().skip_while(|&size| size == 1).collect::<Vec<_>>().into_iter().rev();
    assert!(
        shape.iter().rev().all(|&size| trailing.next().is_none_or(|own| own == size)),
        "shapes must match"
    );
    let spec = AddSpec { count: shape.iter().product(), period, scale };
    let (device, a, b) = (a.device(), a.into_dispatch(), b.into_dispatch());
    shaped(measured("sum", &device, || spec.cost(), || Dispatch::seg_add(a, b, spec)), shape)
}

/// A range along one axis.
pub fn slice<const D: usize>(x: &Tensor<D>, axis: usize, range: Range<usize>) -> Tensor<D> {
    let mut shape = x.dims();
    let (outer, inner) = around(&shape, axis);
    let (before, after) = (shape[axis] * inner, range.len() * inner);
    shape[axis] = range.len();
    let movement = Move::new(&[(outer, before, after), (after, 1, 1)], range.start * inner, 0);
    arrange(x.clone(), movement, shape)
}

/// One after the other along an axis.
pub fn cat<const D: usize>(parts: Vec<Tensor<D>>, axis: usize) -> Tensor<D> {
    let length = parts.iter().map(|part| part.dims()[axis]).sum();
    collect(parts, axis, length)
}

/// As [`cat`], of parts that are made one by one: each is put in its place before the next. `length` is that of all along the axis.
pub fn collect<const D: usize>(
    parts: impl IntoIterator<Item = Tensor<D>>,
    axis: usize,
    length: usize,
) -> Tensor<D> {
    let (mut start, mut out) = (0, None);
    for part in parts {
        let mut shape = part.dims();
        if shape[axis] == length {
            return part;
        }
        let (outer, inner) = around(&shape, axis);
        let own = shape[axis] * inner;
        shape[axis] = length;
        let movement = Move::new(&[(outer, own, length * inner), (own, 1, 1)], 0, start);
        start += own;
        out = Some(match out {
            None => arrange(part, movement, shape),
            Some(out) => place(out, part, movement),
        });
    }
    out.expect("at least one part")
}

/// So many times over, along an axis: all of it, then all of it again.
pub fn repeat<const D: usize>(x: Tensor<D>, axis: usize, times: usize) -> Tensor<D> {
    let mut shape = x.dims();
    let (outer, inner) = around(&shape, axis);
    let own = shape[axis] * inner;
    shape[axis] *= times;
    let movement = Move::new(&[(outer, own, own * times), (times, 0, own), (own, 1, 1)], 0, 0);
    arrange(x, movement, shape)
}

/// Axis `order[i]` becomes axis `i`.
pub fn permute<const D: usize>(x: Tensor<D>, order: [usize; D]) -> Tensor<D> {
    let old = x.dims();
    let shape = order.map(|axis| old[axis]);
    let axes: Vec<_> = (0..D).map(|i| (shape[i], around(&old, order[i]).1, around(&shape, i).1)).collect();
    arrange(x, Move::new(&axes, 0, 0), shape)
}

/// Twice the resolution: each pixel of `[batch, height, width, channels]` four times.
pub fn upsample_nearest(x: Tensor<4>) -> Tensor<4> {
    let [batch, height, width, channels] = x.dims();
    let line = width * channels;
    let axes = [
        (batch * height, line, 4 * line),
        (2, 0, 2 * line),
        (width, channels, 2 * channels),
        (2, 0, channels),
        (channels, 1, 1),
    ];
    arrange(x, Move::new(&axes, 0, 0), [batch, 2 * height, 2 * width, channels])
}

/// Square windows of an image, `[batch, height, width, channels]` to `[windows, side², channels]`, with zeros beyond the image.
pub fn to_windows(x: Tensor<4>, side: usize) -> Tensor<3> {
    let [batch, height, width, channels] = x.dims();
    let spec = WindowSpec { batch, height, width, channels, side, merge: false };
    let shape = [batch * spec.rows() * spec.cols(), side * side, channels];
    run_windows(x.into_dispatch(), spec, shape)
}

/// The image of such windows again.
pub fn from_windows(x: Tensor<3>, side: usize, shape: [usize; 4]) -> Tensor<4> {
    let [batch, height, width, channels] = shape;
    let spec = WindowSpec { batch, height, width, channels, side, merge: true };
    assert_eq!(x.dims().iter().product::<usize>(), spec.windows_length(), "windows of such an image");
    run_windows(x.into_dispatch(), spec, shape)
}

fn run_windows<const D: usize>(x: DispatchTensor, spec: WindowSpec, shape: [usize; D]) -> Tensor<D> {
    let device = Tensor::<1>::from_dispatch(x.clone()).device();
    shaped(measured("windows", &device, || spec.cost(), || Dispatch::seg_windows(x, spec)), shape)
}

/// The product of the sizes before an axis, and of those after it.
fn around(shape: &[usize], axis: usize) -> (usize, usize) {
    (shape[..axis].iter().product(), shape[axis + 1..].iter().product())
}

fn arrange<const D: usize, const E: usize>(x: Tensor<D>, movement: Move, shape: [usize; E]) -> Tensor<E> {
    let (device, x) = (x.device(), x.into_dispatch());
    let run = || Dispatch::seg_arrange(x, movement, shape.iter().product());
    shaped(measured("copy", &device, || movement.cost(), run), shape)
}

fn place<const D: usize, const E: usize>(out: Tensor<E>, x: Tensor<D>, movement: Move) -> Tensor<E> {
    let (device, x, out) = (x.device(), x.into_dispatch(), out.into_dispatch());
    let run = || Dispatch::seg_place(out, x, movement);
    Tensor::from_dispatch(measured("copy", &device, || movement.cost(), run))
}
