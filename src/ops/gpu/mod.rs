//! The GPU twin: launches the WGSL kernels of `shaders/`.

mod pipeline;
mod queue;
#[cfg(not(target_family = "wasm"))]
mod timer;

use burn::tensor::Shape;
use burn_cubecl::CubeDevice;
use burn_cubecl::cubecl::MemoryScope;
use burn_cubecl::tensor::CubeTensor;

use super::Memory;
use super::shader::{Kernel, Shader, WORKGROUP_BYTES};
use super::spec::{
    AddSpec, AttentionSpec, Bits, ChooseSpec, CodeSpec, CoverSpec, DepthwiseSpec, MatmulSpec, Move, NormSpec,
    PoolSpec, ScoreBias, WindowSpec,
};
pub use queue::{Counters, Queue};

/// Most workgroups along one dimension that WebGPU guarantees.
const MAX_GROUPS: usize = 65_535;
/// Side of the tile of outputs that one workgroup of the matrix product makes.
const MATMUL_TILE: usize = 64;
/// Rows that one workgroup of the layer norm takes.
const NORM_ROWS: usize = 4;
/// Threads of a workgroup of the kernels that have one for each value.
const THREADS: usize = 64;
/// So few queries leave threads without work; from so many keys on it pays to share them among the threads instead.
const FEW_QUERIES: usize = 16;
const MANY_KEYS: usize = 128;

/// A kernel whose tensors are read four values at a time where all `counts` (of what is next to one another) allow it, and how many
/// that are.
fn in_vectors(kernel: Kernel, counts: &[usize]) -> (Shader, usize) {
    let vectors = counts.iter().all(|count| count.is_multiple_of(4));
    (Shader { kernel, vectors }, if vectors { 4 } else { 1 })
}

fn launch(
    shader: Shader,
    groups: [usize; 3],
    inputs: &[&CubeTensor],
    length: usize,
    info: &[u32],
) -> CubeTensor {
    Queue::of(&inputs[0].device).record(shader, groups, inputs, length, info)
}

/// Folds a long row of workgroups into a rectangle: (along x, along y).
fn fold(groups: usize) -> (usize, usize) {
    let y = groups.div_ceil(MAX_GROUPS);
    (groups.div_ceil(y), y)
}

/// `weight` holds floats, or packed words where `packed` gives their bits and scales.
pub fn matmul(
    a: CubeTensor,
    weight: CubeTensor,
    packed: Option<(Bits, CubeTensor)>,
    bias: CubeTensor,
    residual: CubeTensor,
    spec: &MatmulSpec,
) -> CubeTensor {
    let bits = packed.as_ref().map(|(bits, _)| *bits);
    let channels = spec.patches.map_or(0, |patches| patches.channels);
    let kernel = Kernel::Matmul { bits, patches: spec.patches.is_some(), half: Queue::of(&a.device).half() };
    let (shader, _) = in_vectors(kernel, &[spec.depth, spec.cols, spec.residual_length, channels]);
    let groups = [spec.cols.div_ceil(MATMUL_TILE), spec.rows.div_ceil(MATMUL_TILE), spec.batch];
    let stride = if spec.weight_batched { spec.cols * spec.depth } else { 0 };
    let has_bias = usize::from(spec.has_bias);
    let mut info = vec![spec.rows, spec.cols, spec.depth, spec.activation.code()];
    info.extend([has_bias, spec.residual_length, stride]);
    info.extend(spec.patches.map_or([0; 7], |p| {
        [p.in_height, p.in_width, p.channels, p.out_width, p.kernel, p.stride, p.padding]
    }));
    // The shader binds `scales` in every variant: without any, the bias stands in.
    let scales = packed.map_or_else(|| bias.clone(), |(_, scales)| scales);
    let length = spec.batch * spec.rows * spec.cols;
    launch(shader, groups, &[&a, &weight, &scales, &bias, &residual], length, &to_u32(&info))
}

/// Whether threads that share the keys of a query, with heads of so many channels, have room to put their sums together.
pub fn shares_keys(dim: usize) -> bool {
    THREADS * (dim + 2) * size_of::<f32>() <= WORKGROUP_BYTES
}

pub fn attention(
    q: CubeTensor,
    k: CubeTensor,
    v: CubeTensor,
    bias: CubeTensor,
    spec: &AttentionSpec,
) -> CubeTensor {
    let few = spec.queries <= FEW_QUERIES && spec.keys >= MANY_KEYS && shares_keys(spec.dim);
    let groups = [if few { spec.queries } else { spec.queries.div_ceil(THREADS) }, spec.heads, spec.batch];
    let bias_kind = match spec.bias {
        ScoreBias::None => 0,
        ScoreBias::Shared => 1,
        ScoreBias::PerHead => 2,
    };
    let mut info = to_u32(&[spec.queries, spec.keys, spec.heads, bias_kind]);
    for layout in [spec.q, spec.k, spec.v] {
        let vectors = [layout.stride, layout.offset, layout.head_stride].map(|floats| floats / 4);
        info.extend(to_u32(&vectors));
        info.push(u32::from(!layout.shared));
    }
    info.push(spec.scale.to_bits());
    let length = spec.batch * spec.queries * spec.heads * spec.dim;
    let shader = Shader { kernel: Kernel::Attention { dim: spec.dim, few }, vectors: true };
    launch(shader, groups, &[&q, &k, &v, &bias], length, &info)
}

pub fn depthwise(x: CubeTensor, weight: CubeTensor, bias: CubeTensor, spec: &DepthwiseSpec) -> CubeTensor {
    let (out_height, out_width) = (spec.out_height(), spec.out_width());
    let length = spec.batch * out_height * out_width * spec.channels;
    let (shader, unit) = in_vectors(Kernel::Depthwise, &[spec.channels]);
    let (groups_x, groups_y) = fold((length / unit).div_ceil(THREADS));
    let info = to_u32(&[
        spec.in_height,
        spec.in_width,
        out_height,
        out_width,
        spec.channels / unit,
        spec.stride,
        length / unit,
        groups_x,
        spec.activation.code(),
    ]);
    launch(shader, [groups_x, groups_y, 1], &[&x, &weight, &bias], length, &info)
}

pub fn max_pool(x: CubeTensor, spec: &PoolSpec) -> CubeTensor {
    let length = spec.out_length();
    let (shader, unit) = in_vectors(Kernel::MaxPool, &[spec.channels]);
    let (groups_x, groups_y) = fold((length / unit).div_ceil(THREADS));
    let info = to_u32(&[spec.height, spec.width, spec.channels / unit, length / unit, groups_x]);
    launch(shader, [groups_x, groups_y, 1], &[&x], length, &info)
}

pub fn layer_norm(x: CubeTensor, gamma: CubeTensor, beta: CubeTensor, spec: &NormSpec) -> CubeTensor {
    let (groups_x, groups_y) = fold(spec.rows.div_ceil(NORM_ROWS));
    let (shader, unit) = in_vectors(Kernel::LayerNorm, &[spec.channels]);
    let mut info = to_u32(&[spec.rows, spec.channels / unit, groups_x]);
    info.extend([spec.epsilon.to_bits(), spec.activation.code() as u32]);
    let length = spec.rows * spec.channels;
    launch(shader, [groups_x, groups_y, 1], &[&x, &gamma, &beta], length, &info)
}

pub fn add(a: CubeTensor, b: CubeTensor, spec: &AddSpec) -> CubeTensor {
    let (shader, unit) = in_vectors(Kernel::Add, &[spec.count, spec.period]);
    let count = spec.count / unit;
    let (groups_x, groups_y) = fold(count.div_ceil(THREADS));
    let mut info = to_u32(&[count, spec.period / unit, groups_x]);
    info.push(spec.scale.to_bits());
    launch(shader, [groups_x, groups_y, 1], &[&a, &b], spec.count, &info)
}

pub fn arrange(x: CubeTensor, movement: &Move, length: usize) -> CubeTensor {
    let out = Queue::empty(&x, length);
    place(out, x, movement)
}

pub fn place(out: CubeTensor, x: CubeTensor, movement: &Move) -> CubeTensor {
    let (movement, vectors) = match movement.in_fours() {
        Some(fours) => (fours, true),
        None => (*movement, false),
    };
    let count = movement.sizes.iter().product::<usize>();
    let (groups_x, groups_y) = fold(count.div_ceil(THREADS));
    let mut info = to_u32(&movement.sizes);
    info.extend(to_u32(&movement.from));
    info.extend(to_u32(&movement.to));
    info.extend(to_u32(&[movement.from_offset, movement.to_offset, count, groups_x]));
    let shader = Shader { kernel: Kernel::Arrange, vectors };
    Queue::of(&x.device).record_into(shader, [groups_x, groups_y, 1], &[&x], &out, &info);
    out
}

pub fn windows(x: CubeTensor, spec: &WindowSpec) -> CubeTensor {
    let length = if spec.merge { spec.image_length() } else { spec.windows_length() };
    let WindowSpec { height, width, channels, side, merge, .. } = *spec;
    let (shader, unit) = in_vectors(Kernel::Windows { merge }, &[channels]);
    let count = length / unit;
    let (groups_x, groups_y) = fold(count.div_ceil(THREADS));
    let info = to_u32(&[height, width, channels / unit, side, spec.rows(), spec.cols(), count, groups_x]);
    launch(shader, [groups_x, groups_y, 1], &[&x], length, &info)
}

pub fn choose(
    original: CubeTensor,
    heat: CubeTensor,
    closed: CubeTensor,
    earlier: CubeTensor,
    spec: &ChooseSpec,
) -> CubeTensor {
    let info = to_u32(&[spec.levels, spec.width, spec.height, spec.count, spec.earlier]);
    let shader = Shader { kernel: Kernel::Choose, vectors: false };
    launch(shader, [1, 1, 1], &[&original, &heat, &closed, &earlier], spec.count + 1, &info)
}

pub fn cover(heat: CubeTensor, logits: CubeTensor, judged: CubeTensor, spec: &CoverSpec) -> CubeTensor {
    let length = spec.levels * spec.width * spec.height;
    let mut info = spec.outputs_of.to_vec();
    info.extend(to_u32(&[spec.levels, spec.width, spec.height, spec.queries, spec.outputs]));
    info.extend([(spec.confidence * spec.confidence).to_bits(), spec.covered.to_bits()]);
    let shader = Shader { kernel: Kernel::Cover, vectors: false };
    launch(shader, [length.div_ceil(THREADS), 1, 1], &[&heat, &logits, &judged], length, &info)
}

pub fn codes(
    rows: CubeTensor,
    columns: CubeTensor,
    added: CubeTensor,
    index: CubeTensor,
    spec: &CodeSpec,
) -> CubeTensor {
    let sines = spec.channels / 2;
    let (shader, unit) = in_vectors(Kernel::Codes, &[sines]);
    let count = spec.count * sines / unit;
    let (groups_x, groups_y) = fold(count.div_ceil(THREADS));
    let info = to_u32(&[spec.width, sines / unit, count, groups_x]);
    let inputs = [&rows, &columns, &added, &index];
    launch(shader, [groups_x, groups_y, 1], &inputs, spec.count * spec.channels, &info)
}

/// The same values in another shape; own kernels leave no gaps.
pub fn reshape(x: CubeTensor, shape: Shape) -> CubeTensor {
    CubeTensor::new_contiguous(x.client, x.device, shape, x.handle, x.dtype)
}

pub fn memory(device: &CubeDevice) -> Memory {
    let usage = device.client().memory_report(MemoryScope::Device).usage();
    Memory { in_use: usage.bytes_in_use, reserved: usage.bytes_reserved }
}

fn to_u32(values: &[usize]) -> Vec<u32> {
    values.iter().map(|&value| value as u32).collect()
}
