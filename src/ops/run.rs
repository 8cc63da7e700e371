//! Runs operations: the one place that tells devices apart.

use burn::tensor::{Shape, Tensor, TensorData};
use burn_cubecl::tensor::CubeTensor;
use burn_flex::FlexTensor;

use super::backend::{Primitive, bits};
use super::gpu::Queue;
use super::op::Op;
use super::profile::measured;

/// The result of an operation, which has this shape.
pub fn run<const N: usize, const D: usize>(
    op: impl Op<N>,
    inputs: [Primitive; N],
    shape: [usize; D],
) -> Tensor<D> {
    let length = shape.iter().product();
    let out = match &inputs[0] {
        Primitive::Gpu(first) => {
            let (device, inputs) = (first.device.clone(), inputs.map(Primitive::gpu));
            let work = || {
                let out = Queue::empty(&inputs[0], length);
                on_gpu(op, inputs, &out);
                Primitive::Gpu(out)
            };
            measured(op.name(), Some(&device), || op.cost(), work)
        }
        Primitive::Cpu(_) => {
            let inputs = inputs.map(Primitive::cpu);
            let work = || {
                let mut out = vec![0.0; length];
                on_cpu(op, inputs, &mut out);
                Primitive::of_values(TensorData::new(out, Shape::new([length])))
            };
            measured(op.name(), None, || op.cost(), work)
        }
    };
    out.shaped(shape)
}

/// A tensor that an operation has changed; nothing else may use it.
pub fn run_into<const N: usize, const D: usize>(
    op: impl Op<N>,
    inputs: [Primitive; N],
    out: Tensor<D>,
) -> Tensor<D> {
    let shape = out.dims();
    let out = match Primitive::from(out) {
        Primitive::Gpu(out) => {
            let (device, inputs) = (out.device.clone(), inputs.map(Primitive::gpu));
            let work = || {
                on_gpu(op, inputs, &out);
                Primitive::Gpu(out)
            };
            measured(op.name(), Some(&device), || op.cost(), work)
        }
        Primitive::Cpu(mut out) => {
            let inputs = inputs.map(Primitive::cpu);
            let work = || {
                on_cpu(op, inputs, out.storage_mut());
                Primitive::Cpu(out)
            };
            measured(op.name(), None, || op.cost(), work)
        }
    };
    out.shaped(shape)
}

fn on_gpu<const N: usize>(op: impl Op<N>, inputs: [CubeTensor; N], out: &CubeTensor) {
    let queue = Queue::of(&out.device);
    let launch = op.launch(queue.half());
    queue.record(launch.shader, launch.workgroups, &inputs, out, &launch.params);
}

fn on_cpu<const N: usize>(op: impl Op<N>, inputs: [FlexTensor; N], out: &mut [f32]) {
    if !out.is_empty() {
        op.cpu(inputs.each_ref().map(bits), out);
    }
}
