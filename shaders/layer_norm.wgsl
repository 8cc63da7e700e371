// out[r, :] = activation((x[r, :] - mean) / sqrt(variance + epsilon) * gamma + beta), over the last axis.
// One workgroup a row; the mean first and then the centred squares, as the reference does, for accuracy.

const ACTIVATION: u32 = {{activation}}u;

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> gamma: array<f32>;
@group(0) @binding(2) var<storage, read> beta: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;
@group(0) @binding(4) var<storage, read> info: Info;

struct Info {
    rows: u32,
    channels: u32,
    groups_x: u32, // workgroups along x: the grid is folded, since one dimension holds 65,535 at most
    epsilon: f32,
}

var<workgroup> partials: array<f32, 64>;

//#include activation

fn sum_over_group(lane: u32, value: f32) -> f32 {
    partials[lane] = value;
    workgroupBarrier();
    for (var step = 32u; step > 0u; step /= 2u) {
        if (lane < step) {
            partials[lane] += partials[lane + step];
        }
        workgroupBarrier();
    }
    let sum = partials[0];
    workgroupBarrier();
    return sum;
}

@compute @workgroup_size(64, 1, 1)
fn main(
    @builtin(local_invocation_index) lane: u32,
    @builtin(workgroup_id) group: vec3<u32>,
) {
    // Rows past the end are computed again, not skipped: barriers need every workgroup to take the same path.
    let row = min(group.y * info.groups_x + group.x, info.rows - 1u);
    let start = row * info.channels;

    var sum = 0.0;
    for (var i = lane; i < info.channels; i += 64u) {
        sum += x[start + i];
    }
    let mean = sum_over_group(lane, sum) / f32(info.channels);

    var squares = 0.0;
    for (var i = lane; i < info.channels; i += 64u) {
        let centred = x[start + i] - mean;
        squares += centred * centred;
    }
    let scale = inverseSqrt(sum_over_group(lane, squares) / f32(info.channels) + info.epsilon);

    for (var i = lane; i < info.channels; i += 64u) {
        out[start + i] = activate((x[start + i] - mean) * scale * gamma[i] + beta[i], ACTIVATION);
    }
}
