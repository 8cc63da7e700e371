// C[b, m, n] = activation(sum_k A[b, m, k] * W[b, n, k] + bias[n] + residual[b, m, n])
//
// One kernel serves matrix products, linear layers and (as an implicit GEMM) channels-last convolutions:
//   QUANTISED  W holds four signed 8-bit weights a word, `scales` one factor for every 32 of them along k.
//   PATCHES    A is an image [b, height, width, channels]; row m is an output pixel, k runs over (ky, kx, channel).
//
// A workgroup of 16 x 16 threads makes a 64 x 64 tile of C; each thread keeps 4 x 4 of it in registers. Both operands
// pass through workgroup memory 16 deep, stored k-major so that a thread reads neighbours.

const QUANTISED: bool = {{quantised}};
const PATCHES: bool = {{patches}};
const ACTIVATION: u32 = {{activation}}u; // 0 none, 1 ReLU, 2 GELU

const TILE: u32 = 64u;
const DEPTH: u32 = 16u;

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<u32>;
@group(0) @binding(2) var<storage, read> scales: array<f32>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read> residual: array<f32>;
@group(0) @binding(5) var<storage, read_write> c: array<f32>;
@group(0) @binding(6) var<storage, read> info: Info;

struct Info {
    rows: u32,
    cols: u32,
    depth: u32,
    has_residual: u32,
    weight_stride: u32, // elements of W from one batch to the next; 0 where all share it
    // PATCHES only
    in_height: u32,
    in_width: u32,
    channels: u32,
    out_width: u32,
    kernel: u32,
    stride: u32,
    padding: u32,
}

// [DEPTH][TILE]. Scalars: several threads fill what would be one vector, and a write to a component may touch them all.
var<workgroup> tile_a: array<f32, 1024>;
var<workgroup> tile_w: array<f32, 1024>;

//#include activation

fn patch_value(batch: u32, row: u32, k: u32) -> f32 {
    let tap = k / info.channels;
    let y = i32((row / info.out_width) * info.stride + tap / info.kernel) - i32(info.padding);
    let x = i32((row % info.out_width) * info.stride + tap % info.kernel) - i32(info.padding);
    if (y < 0 || x < 0 || y >= i32(info.in_height) || x >= i32(info.in_width)) {
        return 0.0;
    }
    let pixel = (batch * info.in_height + u32(y)) * info.in_width + u32(x);
    return a[pixel * info.channels + k % info.channels];
}

fn value_a(batch: u32, row: u32, k: u32) -> f32 {
    if (row >= info.rows || k >= info.depth) {
        return 0.0;
    }
    if (PATCHES) {
        return patch_value(batch, row, k);
    }
    return a[(batch * info.rows + row) * info.depth + k];
}

// Four consecutive weights of one column; k is a multiple of four.
fn weights(batch: u32, col: u32, k: u32) -> vec4<f32> {
    if (col >= info.cols || k >= info.depth) {
        return vec4<f32>(0.0);
    }
    if (QUANTISED) {
        let word = bitcast<i32>(w[(col * info.depth + k) / 4u]);
        let values = vec4<i32>(word << 24u, word << 16u, word << 8u, word) >> vec4<u32>(24u);
        return vec4<f32>(values) * scales[(col * info.depth + k) / 32u];
    }
    let start = batch * info.weight_stride + col * info.depth + k;
    var values = vec4<f32>(bitcast<f32>(w[start]), 0.0, 0.0, 0.0);
    for (var i = 1u; i < 4u; i++) {
        if (k + i < info.depth) {
            values[i] = bitcast<f32>(w[start + i]);
        }
    }
    // Every binding must be used in every variant: `scales` is a stand-in buffer here.
    return values + vec4<f32>(scales[0]) * 0.0;
}

@compute @workgroup_size(16, 16, 1)
fn main(
    @builtin(local_invocation_index) lane: u32,
    @builtin(local_invocation_id) local: vec3<u32>,
    @builtin(workgroup_id) group: vec3<u32>,
) {
    let batch = group.z;
    // Loading: thread `lane` fetches k = 4 * (lane / 64) .. + 4 of row or column lane % 64.
    let load_line = lane % TILE;
    let load_k = (lane / TILE) * 4u;

    var sums: array<vec4<f32>, 4>;
    for (var k = 0u; k < info.depth; k += DEPTH) {
        let row = group.y * TILE + load_line;
        let col = group.x * TILE + load_line;
        let some_weights = weights(batch, col, k + load_k);
        for (var i = 0u; i < 4u; i++) {
            let slot = (load_k + i) * TILE + load_line;
            tile_a[slot] = value_a(batch, row, k + load_k + i);
            tile_w[slot] = some_weights[i];
        }
        workgroupBarrier();
        for (var i = 0u; i < DEPTH; i++) {
            let at = i * TILE + local.x * 4u;
            let right = vec4<f32>(tile_w[at], tile_w[at + 1u], tile_w[at + 2u], tile_w[at + 3u]);
            for (var j = 0u; j < 4u; j++) {
                sums[j] += tile_a[i * TILE + local.y * 4u + j] * right;
            }
        }
        workgroupBarrier();
    }

    for (var i = 0u; i < 4u; i++) {
        let row = group.y * TILE + local.y * 4u + i;
        for (var j = 0u; j < 4u; j++) {
            let col = group.x * TILE + local.x * 4u + j;
            if (row < info.rows && col < info.cols) {
                let index = (batch * info.rows + row) * info.cols + col;
                var value = sums[i][j] + bias[col];
                if (info.has_residual != 0u) {
                    value += residual[index];
                }
                c[index] = activate(value, ACTIVATION);
            }
        }
    }
}
