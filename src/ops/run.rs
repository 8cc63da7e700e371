//! Runs operations. Only this file distinguishes the devices.

use burn::tensor::{Tensor, TensorData};

use super::backend::{Primitive, bits};
use super::gpu::Queue;
use super::op::Op;
use super::profile::measured;

/// Computes an operation and returns its result, in this shape.
pub(super) fn run<const N: usize, const D: usize>(
    op: impl Op<N>,
    inputs: [Primitive; N],
    shape: [usize; D],
) -> Tensor<D> {
    let length = shape.iter().product();
    let out = match &inputs[0] {
        Primitive::Gpu(first) => Primitive::Gpu(Queue::empty(first, length)),
        Primitive::Cpu(_) => Primitive::of_values(TensorData::new(vec![0.0_f32; length], [length])),
    };
    changed(op, inputs, out).shaped(shape)
}

/// Runs an operation that writes into the tensor `out`, which nothing else may use, and returns it.
pub(super) fn run_into<const N: usize, const D: usize>(
    op: impl Op<N>,
    inputs: [Primitive; N],
    out: Tensor<D>,
) -> Tensor<D> {
    let shape = out.dims();
    changed(op, inputs, out.into()).shaped(shape)
}

fn changed<const N: usize>(op: impl Op<N>, inputs: [Primitive; N], out: Primitive) -> Primitive {
    match out {
        Primitive::Gpu(out) => {
            let (device, inputs) = (out.device.clone(), inputs.map(Primitive::gpu));
            let work = || {
                let queue = Queue::of(&out.device);
                let launch = op.launch(queue.f16());
                queue.record(launch.shader, launch.workgroups, &inputs, &out, &launch.params);
                Primitive::Gpu(out)
            };
            measured(op.name(), Some(&device), || op.cost(), work)
        }
        Primitive::Cpu(mut out) => {
            let inputs = inputs.map(Primitive::cpu);
            let work = || {
                let values = out.storage_mut();
                if !values.is_empty() {
                    op.cpu(inputs.each_ref().map(bits), values);
                }
                Primitive::Cpu(out)
            };
            measured(op.name(), None, || op.cost(), work)
        }
    }
}
