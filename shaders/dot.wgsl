// out[g] = the g-th part of the sum of a[i] * b[i] * c[i], of which only the first `factors` count.
// A workgroup sums one part: first each of its threads, then all together, in pairs.

const THREADS: u32 = 64u;

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read> c: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;
@group(0) @binding(4) var<uniform> info: Info;

struct Info {
    count: u32,
    parts: u32,
    factors: u32,
}

var<workgroup> sums: array<f32, THREADS>;

@compute @workgroup_size(64, 1, 1)
fn main(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3<u32>) {
    var sum = 0.0;
    for (var i = group.x * THREADS + lane; i < info.count; i += info.parts * THREADS) {
        var product = a[i];
        if (info.factors > 1u) {
            product *= b[i];
        }
        if (info.factors > 2u) {
            product *= c[i];
        }
        sum += product;
    }
    sums[lane] = sum;
    for (var half = THREADS / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if (lane < half) {
            sums[lane] += sums[lane + half];
        }
    }
    if (lane == 0u) {
        out[group.x] = sums[0];
    }
}
