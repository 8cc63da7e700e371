// out[b, i, h, :] = sum_j softmax_j(scale * q[b, i, h, :] . k[b, j, h, :] + bias[h, i, j]) v[b, j, h, :]
//
// Online softmax: scores never reach memory. One thread owns one query; a workgroup of 64 shares tiles of 32 keys and
// values. `t_batched` is 0 where all batches share tensor t, else 1. Heads are read in place: tensor t has `t_stride` floats a token, head h starts at t_offset + h * t_head, so a
// fused query-key-value projection needs no copies.

const DIM: u32 = {{dim}}u; // a multiple of 4
const DIM4: u32 = DIM / 4u;
const KEYS: u32 = 32u;

@group(0) @binding(0) var<storage, read> q: array<f32>;
@group(0) @binding(1) var<storage, read> k: array<f32>;
@group(0) @binding(2) var<storage, read> v: array<f32>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> out: array<f32>;
@group(0) @binding(5) var<storage, read> info: Info;

struct Info {
    queries: u32,
    keys: u32,
    heads: u32,
    has_bias: u32,
    q_stride: u32, q_offset: u32, q_head: u32, q_batched: u32,
    k_stride: u32, k_offset: u32, k_head: u32, k_batched: u32,
    v_stride: u32, v_offset: u32, v_head: u32, v_batched: u32,
    scale: f32,
}

var<workgroup> some_keys: array<vec4<f32>, KEYS * DIM4>;
var<workgroup> some_values: array<vec4<f32>, KEYS * DIM4>;

@compute @workgroup_size(64, 1, 1)
fn main(
    @builtin(local_invocation_index) lane: u32,
    @builtin(workgroup_id) group: vec3<u32>,
) {
    let batch = group.z;
    let head = group.y;
    let query = group.x * 64u + lane;
    let active_query = query < info.queries;

    var qs: array<vec4<f32>, DIM4>;
    var sums: array<vec4<f32>, DIM4>;
    let q_start = (info.q_batched * batch * info.queries + min(query, info.queries - 1u)) * info.q_stride + info.q_offset + head * info.q_head;
    for (var d = 0u; d < DIM4; d++) {
        let at = q_start + d * 4u;
        qs[d] = vec4<f32>(q[at], q[at + 1u], q[at + 2u], q[at + 3u]) * info.scale;
    }

    var best = -3.0e38;
    var total = 0.0;
    for (var start = 0u; start < info.keys; start += KEYS) {
        let count = min(KEYS, info.keys - start);
        for (var slot = lane; slot < count * DIM4; slot += 64u) {
            let token = start + slot / DIM4;
            let at = (info.k_batched * batch * info.keys + token) * info.k_stride + info.k_offset + head * info.k_head + (slot % DIM4) * 4u;
            some_keys[slot] = vec4<f32>(k[at], k[at + 1u], k[at + 2u], k[at + 3u]);
            let vt = (info.v_batched * batch * info.keys + token) * info.v_stride + info.v_offset + head * info.v_head + (slot % DIM4) * 4u;
            some_values[slot] = vec4<f32>(v[vt], v[vt + 1u], v[vt + 2u], v[vt + 3u]);
        }
        workgroupBarrier();
        if (active_query) {
            for (var j = 0u; j < count; j++) {
                var dots = vec4<f32>(0.0);
                for (var d = 0u; d < DIM4; d++) {
                    dots += qs[d] * some_keys[j * DIM4 + d];
                }
                var score = dots.x + dots.y + dots.z + dots.w;
                if (info.has_bias != 0u) {
                    score += bias[(head * info.queries + query) * info.keys + start + j];
                }
                if (score > best) {
                    let shrink = exp(best - score);
                    total *= shrink;
                    for (var d = 0u; d < DIM4; d++) {
                        sums[d] *= shrink;
                    }
                    best = score;
                }
                let weight = exp(score - best);
                total += weight;
                for (var d = 0u; d < DIM4; d++) {
                    sums[d] += weight * some_values[j * DIM4 + d];
                }
            }
        }
        workgroupBarrier();
    }

    if (active_query) {
        let start = ((batch * info.queries + query) * info.heads + head) * DIM;
        for (var d = 0u; d < DIM; d++) {
            out[start + d] = sums[d / 4u][d % 4u] / total;
        }
    }
}
