//! The GPU twin: launches the WGSL kernels of `shaders/`.

use burn::tensor::{DType, Shape};
use burn_cubecl::cubecl::{CubeCount, server::KernelArguments};
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;
use burn_cubecl::template::SourceKernel;
use burn_cubecl::tensor::CubeTensor;

use super::shader::Shader;
use super::spec::{AttentionSpec, Bits, DepthwiseSpec, MatmulSpec, NormSpec, ScoreBias};

/// Most workgroups along one dimension that WebGPU guarantees.
const MAX_GROUPS: usize = 65_535;
/// Side of the tile of outputs that one workgroup of the matrix product makes.
const MATMUL_TILE: usize = 64;
/// Rows that one workgroup of the layer norm takes.
const NORM_ROWS: usize = 4;

/// Launches `shader` on `groups` workgroups; bindings are the inputs, a fresh output of `length` floats, then `info`.
fn launch(
    shader: Shader,
    groups: [usize; 3],
    inputs: Vec<CubeTensor>,
    length: usize,
    info: &[u32],
) -> CubeTensor {
    let (client, device) = (inputs[0].client.clone(), inputs[0].device.clone());
    let out = empty_device_contiguous_dtype(client.clone(), device, Shape::new([length]), DType::F32);
    let info = client.create_from_slice(bytemuck::cast_slice(info));
    let mut bindings: Vec<_> =
        inputs.into_iter().map(|input| into_contiguous(input).handle.binding()).collect();
    bindings.push(out.handle.clone().binding());
    bindings.push(info.binding());
    let [x, y, z] = groups.map(|count| count as u32);
    let workgroup = shader.workgroup();
    client.launch(
        Box::new(SourceKernel::new(shader, workgroup)),
        CubeCount::Static(x, y, z),
        KernelArguments::new().with_buffers(bindings),
    );
    out
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
    let shader = Shader::Matmul {
        bits: packed.as_ref().map(|(bits, _)| *bits),
        patches: spec.patches.is_some(),
        activation: spec.activation,
    };
    let groups = [spec.cols.div_ceil(MATMUL_TILE), spec.rows.div_ceil(MATMUL_TILE), spec.batch];
    let stride = if spec.weight_batched { spec.cols * spec.depth } else { 0 };
    let mut info = vec![spec.rows, spec.cols, spec.depth, usize::from(spec.has_residual), stride];
    info.extend(spec.patches.map_or([0; 7], |p| {
        [p.in_height, p.in_width, p.channels, p.out_width, p.kernel, p.stride, p.padding]
    }));
    // The shader binds `scales` in every variant: without any, the bias stands in.
    let scales = packed.map_or_else(|| bias.clone(), |(_, scales)| scales);
    let length = spec.batch * spec.rows * spec.cols;
    launch(shader, groups, vec![a, weight, scales, bias, residual], length, &to_u32(&info))
}

pub fn attention(
    q: CubeTensor,
    k: CubeTensor,
    v: CubeTensor,
    bias: CubeTensor,
    spec: &AttentionSpec,
) -> CubeTensor {
    let groups = [spec.queries.div_ceil(64), spec.heads, spec.batch];
    let bias_kind = match spec.bias {
        ScoreBias::None => 0,
        ScoreBias::Shared => 1,
        ScoreBias::PerHead => 2,
    };
    let mut info = to_u32(&[spec.queries, spec.keys, spec.heads, bias_kind]);
    for layout in [spec.q, spec.k, spec.v] {
        let per_batch = usize::from(!layout.shared);
        info.extend(to_u32(&[layout.stride, layout.offset, layout.head_stride, per_batch]));
    }
    info.push(spec.scale.to_bits());
    let length = spec.batch * spec.queries * spec.heads * spec.dim;
    launch(Shader::Attention { dim: spec.dim }, groups, vec![q, k, v, bias], length, &info)
}

pub fn depthwise(x: CubeTensor, weight: CubeTensor, bias: CubeTensor, spec: &DepthwiseSpec) -> CubeTensor {
    let (out_height, out_width) = (spec.out_height(), spec.out_width());
    let length = spec.batch * out_height * out_width * spec.channels;
    let (groups_x, groups_y) = fold(length.div_ceil(64));
    let info = to_u32(&[
        spec.in_height,
        spec.in_width,
        out_height,
        out_width,
        spec.channels,
        spec.stride,
        length,
        groups_x,
    ]);
    let shader = Shader::Depthwise { activation: spec.activation };
    launch(shader, [groups_x, groups_y, 1], vec![x, weight, bias], length, &info)
}

pub fn layer_norm(x: CubeTensor, gamma: CubeTensor, beta: CubeTensor, spec: &NormSpec) -> CubeTensor {
    let (groups_x, groups_y) = fold(spec.rows.div_ceil(NORM_ROWS));
    let mut info = to_u32(&[spec.rows, spec.channels, groups_x]);
    info.push(spec.epsilon.to_bits());
    let shader = Shader::LayerNorm { activation: spec.activation };
    let length = spec.rows * spec.channels;
    launch(shader, [groups_x, groups_y, 1], vec![x, gamma, beta], length, &info)
}

fn to_u32(values: &[usize]) -> Vec<u32> {
    values.iter().map(|&value| value as u32).collect()
}
