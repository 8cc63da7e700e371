// The same as attention.wgsl, for few queries and many keys. The 64 threads of a workgroup share
// the keys of one query. Each has an online softmax of its own, and at the end they combine their
// sums.

//#include attention_operands

const THREADS: u32 = 64u;
var<workgroup> bests: array<f32, THREADS>;
var<workgroup> totals: array<f32, THREADS>;
var<workgroup> sums: array<vec4<f32>, THREADS * DIM4>;

@compute @workgroup_size(64, 1, 1)
fn main(
    @builtin(local_invocation_index) lane: u32,
    @builtin(workgroup_id) group: vec3<u32>,
) {
    let batch = group.z;
    let head = group.y;
    let query = group.x;

    let q_start = (info.q_batched * batch * info.queries + query) * info.q_stride + info.q_offset + head * info.q_head;
    //#repeat d {{dim4}}
    let q{{d}} = q[q_start + {{d}}u] * info.scale;
    var sum{{d}} = vec4<f32>(0.0);
    //#end
    let k_start = info.k_batched * batch * info.keys * info.k_stride + info.k_offset + head * info.k_head;
    let v_start = info.v_batched * batch * info.keys * info.v_stride + info.v_offset + head * info.v_head;

    var best = -3.0e38;
    var total = 0.0;
    for (var j = lane; j < info.keys; j += THREADS) {
        let k_at = k_start + j * info.k_stride;
        var dots = vec4<f32>(0.0);
        //#repeat d {{dim4}}
        dots += q{{d}} * k[k_at + {{d}}u];
        //#end
        var score = dots.x + dots.y + dots.z + dots.w;
        if (info.bias_kind != 0u) {
            let row = (info.bias_kind - 1u) * head * info.queries + query;
            score += bias[row * info.keys + j];
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
        let v_at = v_start + j * info.v_stride;
        //#repeat d {{dim4}}
        sum{{d}} += weight * v[v_at + {{d}}u];
        //#end
    }

    bests[lane] = best;
    totals[lane] = total;
    //#repeat d {{dim4}}
    sums[lane * DIM4 + {{d}}u] = sum{{d}};
    //#end
    workgroupBarrier();
    if (lane < DIM4) {
        var all_best = bests[0];
        for (var i = 1u; i < THREADS; i++) {
            all_best = max(all_best, bests[i]);
        }
        var all_total = 0.0;
        var all = vec4<f32>(0.0);
        for (var i = 0u; i < THREADS; i++) {
            let shrink = exp(bests[i] - all_best);
            all_total += totals[i] * shrink;
            all += sums[i * DIM4 + lane] * shrink;
        }
        out[((batch * info.queries + query) * info.heads + head) * DIM4 + lane] = all / all_total;
    }
}
