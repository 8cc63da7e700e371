// out[i] = y[i] + sign * dividend[0] / divisor[0] * x[i]. y is multiplied by `weights` if `weighted`
// is 1. The quotient is 0 if the divisor is. There is one thread for each value.

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> y: array<f32>;
@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(3) var<storage, read> dividend: array<f32>;
@group(0) @binding(4) var<storage, read> divisor: array<f32>;
@group(0) @binding(5) var<storage, read_write> out: array<f32>;
@group(0) @binding(6) var<uniform> info: Info;

struct Info {
    count: u32,
    groups_x: u32,
    weighted: u32,
    sign: f32,
}

//#include folded

@compute @workgroup_size(64, 1, 1)
fn main(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3<u32>) {
    let index = unfolded(group, lane);
    if (index >= info.count) {
        return;
    }
    var quotient = 0.0;
    if (divisor[0] != 0.0) {
        quotient = info.sign * dividend[0] / divisor[0];
    }
    var start = y[index];
    if (info.weighted == 1u) {
        start *= weights[index];
    }
    out[index] = start + quotient * x[index];
}
