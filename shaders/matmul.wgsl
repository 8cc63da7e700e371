// C[b, m, n] = activation(sum_k A[b, m, k] * W[b, n, k] + bias[n] + residual[b, m, n])
//
// One kernel serves matrix products, linear layers and (as an implicit GEMM) channels-last convolutions:
//   BITS = 8 or 4  W holds signed weights packed into words, `scales` one factor for every 32 of them along k.
//   PATCHES        A is an image [b, height, width, channels]; row m is an output pixel, k runs over (ky, kx, channel).
//
// A workgroup of 8 x 8 threads makes a 64 x 64 tile of C; each thread keeps 8 x 8 of it in registers. Both operands
// pass through workgroup memory 16 deep, stored k-major so that a thread reads neighbours.

const BITS: u32 = {{bits}}u; // of a weight; 32 are floats
const PACKED: u32 = min(BITS, 8u); // keeps constants in range where nothing is packed
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
    if (BITS < 32u) {
        let at = col * info.depth + k;
        // The four lie in the low or the high half of a word of eight, or fill one.
        let word = bitcast<i32>(w[at * PACKED / 32u] >> (at * PACKED % 32u));
        let top = vec4<u32>(32u) - vec4<u32>(1u, 2u, 3u, 4u) * PACKED;
        let values = (vec4<i32>(word) << top) >> vec4<u32>(32u - PACKED);
        return vec4<f32>(values) * scales[at / 32u];
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

@compute @workgroup_size(8, 8, 1)
fn main(
    @builtin(local_invocation_index) lane: u32,
    @builtin(local_invocation_id) local: vec3<u32>,
    @builtin(workgroup_id) group: vec3<u32>,
) {
    let batch = group.z;
    // Row r of this thread's outputs, columns 0 to 3 and 4 to 7.
    //#repeat r 8
    var left{{r}} = vec4<f32>(0.0);
    var right{{r}} = vec4<f32>(0.0);
    //#end

    for (var k = 0u; k < info.depth; k += DEPTH) {
        // Each thread fetches one row of A and one column of W.
        for (var i = 0u; i < DEPTH; i += 4u) {
            let some_weights = weights(batch, group.x * TILE + lane, k + i);
            for (var j = 0u; j < 4u; j++) {
                tile_w[(i + j) * TILE + lane] = some_weights[j];
                tile_a[(i + j) * TILE + lane] = value_a(batch, group.y * TILE + lane, k + i + j);
            }
        }
        workgroupBarrier();
        for (var i = 0u; i < DEPTH; i++) {
            let at_w = i * TILE + local.x * 8u;
            let w_left = vec4<f32>(tile_w[at_w], tile_w[at_w + 1u], tile_w[at_w + 2u], tile_w[at_w + 3u]);
            let w_right = vec4<f32>(tile_w[at_w + 4u], tile_w[at_w + 5u], tile_w[at_w + 6u], tile_w[at_w + 7u]);
            let at_a = i * TILE + local.y * 8u;
            //#repeat r 8
            let a{{r}} = tile_a[at_a + {{r}}u];
            left{{r}} += a{{r}} * w_left;
            right{{r}} += a{{r}} * w_right;
            //#end
        }
        workgroupBarrier();
    }

    var sums: array<vec4<f32>, 16>;
    //#repeat r 8
    sums[2u * {{r}}u] = left{{r}};
    sums[2u * {{r}}u + 1u] = right{{r}};
    //#end
    for (var i = 0u; i < 8u; i++) {
        let row = group.y * TILE + local.y * 8u + i;
        for (var j = 0u; j < 8u; j++) {
            let col = group.x * TILE + local.x * 8u + j;
            if (row < info.rows && col < info.cols) {
                let index = (batch * info.rows + row) * info.cols + col;
                var value = sums[2u * i + j / 4u][j % 4u] + bias[col];
                if (info.has_residual != 0u) {
                    value += residual[index];
                }
                c[index] = activate(value, ACTIVATION);
            }
        }
    }
}
