// out[b, i, h, :] =
//     sum_j softmax_j(scale * q[b, i, h, :] . k[b, j, h, :] + bias[h, i, j]) v[b, j, h, :]
//
// The softmax is online, so scores are never written to memory. Each thread computes one query. The
// 64 threads of a workgroup share blocks of keys and values: 32 of each, or as many as fit into its
// memory.

//#include attention_operands

const KEYS: u32 = {{keys}}u;
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

    let q_token = info.q_batched * batch * info.queries + min(query, info.queries - 1u);
    let q_start = q_token * info.q_stride + info.q_offset + head * info.q_head;
    //#repeat d {{dim4}}
    let q{{d}} = q[q_start + {{d}}u] * info.scale;
    var sum{{d}} = vec4<f32>(0.0);
    //#end
    let k_start = info.k_batched * batch * info.keys * info.k_stride + info.k_offset + head * info.k_head;
    let v_start = info.v_batched * batch * info.keys * info.v_stride + info.v_offset + head * info.v_head;

    var best = -3.0e38;
    var total = 0.0;
    for (var start = 0u; start < info.keys; start += KEYS) {
        let count = min(KEYS, info.keys - start);
        for (var slot = lane; slot < count * DIM4; slot += 64u) {
            let token = start + slot / DIM4;
            some_keys[slot] = k[k_start + token * info.k_stride + slot % DIM4];
            some_values[slot] = v[v_start + token * info.v_stride + slot % DIM4];
        }
        workgroupBarrier();
        if (active_query) {
            for (var j = 0u; j < count; j++) {
                var dots = vec4<f32>(0.0);
                //#repeat d {{dim4}}
                dots += q{{d}} * some_keys[j * DIM4 + {{d}}u];
                //#end
                var score = dots.x + dots.y + dots.z + dots.w;
                if (info.bias_kind != 0u) {
                    let row = (info.bias_kind - 1u) * head * info.queries + query;
                    score += bias[row * info.keys + start + j];
                }
                if (score > best) {
                    let shrink = exp(best - score);
                    total *= shrink;
                    //#repeat d {{dim4}}
                    sum{{d}} *= shrink;
                    //#end
                    best = score;
                }
                let weight = exp(score - best);
                total += weight;
                //#repeat d {{dim4}}
                sum{{d}} += weight * some_values[j * DIM4 + {{d}}u];
                //#end
            }
        }
        workgroupBarrier();
    }

    if (active_query) {
        let start = ((batch * info.queries + query) * info.heads + head) * DIM4;
        //#repeat d {{dim4}}
        out[start + {{d}}u] = sum{{d}} / total;
        //#end
    }
}
