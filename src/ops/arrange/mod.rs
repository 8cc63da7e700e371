//! Copies that put values in another order.

mod op;

use std::ops::Range;

use burn::tensor::Tensor;

use crate::ops::run::{run, run_into};
pub(super) use op::Arrange;

/// The part of a tensor that lies in `range` along an axis.
pub fn slice<const D: usize>(x: &Tensor<D>, axis: usize, range: Range<usize>) -> Tensor<D> {
    let mut shape = x.dims();
    let (outer, inner) = around(&shape, axis);
    let (before, after) = (shape[axis] * inner, range.len() * inner);
    shape[axis] = range.len();
    let movement = Arrange::new(&[(outer, before, after), (after, 1, 1)], range.start * inner, 0);
    run(movement, [x.clone().into()], shape)
}

/// The parts, one after the other along an axis.
pub fn concat<const D: usize>(parts: Vec<Tensor<D>>, axis: usize) -> Tensor<D> {
    let length = parts.iter().map(|part| part.dims()[axis]).sum();
    collect(parts, axis, length)
}

/// The same as [`concat()`], for parts that are made one by one: each is put in its place before
/// the next one is made. `length` is that of all parts together along the axis.
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
        let movement = Arrange::new(&[(outer, own, length * inner), (own, 1, 1)], 0, start);
        start += own;
        out = Some(match out {
            None => run(movement, [part.into()], shape),
            Some(out) => run_into(movement, [part.into()], out),
        });
    }
    out.expect("there is at least one part")
}

/// The tensor repeated `times` times along an axis, as a whole.
pub fn repeat<const D: usize>(x: Tensor<D>, axis: usize, times: usize) -> Tensor<D> {
    let mut shape = x.dims();
    let (outer, inner) = around(&shape, axis);
    let own = shape[axis] * inner;
    shape[axis] *= times;
    let movement = Arrange::new(&[(outer, own, own * times), (times, 0, own), (own, 1, 1)], 0, 0);
    run(movement, [x.into()], shape)
}

/// Reorders the axes: axis `order[i]` becomes axis `i`.
pub fn permute<const D: usize>(x: Tensor<D>, order: [usize; D]) -> Tensor<D> {
    let old = x.dims();
    let shape = order.map(|axis| old[axis]);
    let axes: Vec<_> =
        (0..D).map(|i| (shape[i], around(&old, order[i]).1, around(&shape, i).1)).collect();
    run(Arrange::new(&axes, 0, 0), [x.into()], shape)
}

/// Doubles the resolution of a feature map `[batch, height, width, channels]`: each position
/// appears four times.
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
    run(Arrange::new(&axes, 0, 0), [x.into()], [batch, 2 * height, 2 * width, channels])
}

/// The product of the sizes before an axis, and that of the sizes after it.
fn around(shape: &[usize], axis: usize) -> (usize, usize) {
    (shape[..axis].iter().product(), shape[axis + 1..].iter().product())
}
