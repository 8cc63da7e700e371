// Shared by the attention kernels. Heads are read in place, so that a fused query-key-value
// projection needs no copies. Tensor t has `t_stride` vectors per token, and head h starts at
// t_offset + h * t_head. `t_batched` is 0 if all batches share tensor t, and otherwise 1.

const DIM: u32 = {{dim}}u; // a multiple of 4
const DIM4: u32 = DIM / 4u;

@group(0) @binding(0) var<storage, read> q: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> k: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> v: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> out: array<vec4<f32>>;
@group(0) @binding(5) var<uniform> info: Info;

// Strides, offsets and the distances between heads are in vectors of four.
struct Info {
    queries: u32,
    keys: u32,
    heads: u32,
    bias_kind: u32, // 0: none, 1: [queries, keys] for all heads, 2: [heads, queries, keys]
    q_stride: u32, q_offset: u32, q_head: u32, q_batched: u32,
    k_stride: u32, k_offset: u32, k_head: u32, k_batched: u32,
    v_stride: u32, v_offset: u32, v_head: u32, v_batched: u32,
    scale: f32,
}
