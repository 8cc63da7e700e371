// out[r, :] = activation((x[r, :] - mean) / sqrt(variance + epsilon) * gamma + beta), over the last
// axis. A workgroup takes 4 rows, with 16 threads for each. For accuracy it computes first the mean
// and then the centred squares, as the reference does.

const THREADS: u32 = 16u; // per row
const ROWS: u32 = 4u;

@group(0) @binding(0) var<storage, read> x: array<{{value}}>;
@group(0) @binding(1) var<storage, read> gamma: array<{{value}}>;
@group(0) @binding(2) var<storage, read> beta: array<{{value}}>;
@group(0) @binding(3) var<storage, read_write> out: array<{{value}}>;
@group(0) @binding(4) var<uniform> info: Info;

struct Info {
    rows: u32,
    channels: u32, // in units of the values that are read at a time
    groups_x: u32, // workgroups along x, of the folded grid
    epsilon: f32,
    activation: u32,
}

var<workgroup> partials: array<f32, 64>;

//#include activation

// The sum of the values of all threads that work on the same row.
fn sum_over_row(lane: u32, value: f32) -> f32 {
    partials[lane] = value;
    workgroupBarrier();
    var sum = 0.0;
    let first = lane - lane % THREADS;
    for (var i = 0u; i < THREADS; i++) {
        sum += partials[first + i];
    }
    workgroupBarrier();
    return sum;
}

fn sum_of(values: {{value}}) -> f32 {
    //#if vectors
    return dot(values, vec4<f32>(1.0));
    //#else
    return values;
    //#end
}

@compute @workgroup_size(64, 1, 1)
fn main(
    @builtin(local_invocation_index) lane: u32,
    @builtin(workgroup_id) group: vec3<u32>,
) {
    // Rows past the end are computed again and not skipped, because a barrier needs every thread to
    // take the same path.
    let row = min((group.y * info.groups_x + group.x) * ROWS + lane / THREADS, info.rows - 1u);
    let start = row * info.channels;
    let count = f32(info.channels) * {{unit}}.0;

    var sum = {{value}}(0.0);
    for (var i = lane % THREADS; i < info.channels; i += THREADS) {
        sum += x[start + i];
    }
    let mean = sum_over_row(lane, sum_of(sum)) / count;

    var squares = {{value}}(0.0);
    for (var i = lane % THREADS; i < info.channels; i += THREADS) {
        let centred = x[start + i] - mean;
        squares += centred * centred;
    }
    let scale = inverseSqrt(sum_over_row(lane, sum_of(squares)) / count + info.epsilon);

    for (var i = lane % THREADS; i < info.channels; i += THREADS) {
        let value = (x[start + i] - mean) * scale * gamma[i] + beta[i];
        //#if vectors
        out[start + i] = activate(value, info.activation);
        //#else
        out[start + i] = activate(vec4<f32>(value), info.activation).x;
        //#end
    }
}
