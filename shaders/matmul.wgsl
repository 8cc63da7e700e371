// C[b, m, n] = activation(sum_k A[b, m, k] * W[b, n, k] + bias[n] + residual[b, m, n])
//
// One kernel computes matrix products, linear layers and, as an implicit GEMM, channels-last
// convolutions. Its flags are:
//   packed   W has signed weights of 8 or 4 bits, packed into 32-bit integers. `scales` has one
//            factor for every 32 of them along k.
//   patches  A is a feature map [b, height, width, channels]. Row m is an output position, and k
//            runs over (ky, kx, channel).
//   vectors  Depth, columns and channels are multiples of four, and four values are read and
//            written at a time.
//   f16      Values in workgroup memory have 16 bits, and so have the sums over one step along k.
//            Everything else has 32 bits.
//
// A workgroup of 8 x 8 threads computes a 64 x 64 tile of C. Both operands pass through workgroup
// memory in steps of 16 along k. Each thread reads four rows of four values, transposes them, and
// stores them with k outermost. It keeps 8 x 8 sums in registers. Their rows and columns are in two
// runs of four, so that adjacent threads read adjacent vectors.

//#if f16
enable f16;
alias Tile = vec4<f16>;
//#else
alias Tile = vec4<f32>;
//#end
//#if packed
alias Weight = u32;
//#else
alias Weight = {{value}};
//#end

const BITS: u32 = {{bits}}u; // of a weight; 32 for floats

const NOWHERE: u32 = 0xffffffffu;
const TILE: u32 = 64u;
const TILE4: u32 = TILE / 4u;
const DEPTH: u32 = 16u;

@group(0) @binding(0) var<storage, read> a: array<{{value}}>;
@group(0) @binding(1) var<storage, read> w: array<Weight>;
@group(0) @binding(2) var<storage, read> scales: array<f32>;
@group(0) @binding(3) var<storage, read> bias: array<{{value}}>;
@group(0) @binding(4) var<storage, read> residual: array<{{value}}>;
@group(0) @binding(5) var<storage, read_write> c: array<{{value}}>;
@group(0) @binding(6) var<uniform> info: Info;

struct Info {
    rows: u32,
    cols: u32,
    depth: u32,
    activation: u32, // 0 none, 1 ReLU, 2 GELU
    has_bias: u32,
    residual_length: u32, // 0: none; if shorter than C, it is repeated
    weight_stride: u32, // elements of W from one batch to the next; 0 if all share it
    // Only for patches:
    in_height: u32,
    in_width: u32,
    channels: u32,
    out_width: u32,
    kernel: u32,
    stride: u32,
    padding: u32,
}

// [DEPTH][TILE4]
var<workgroup> tile_a: array<Tile, 256>;
var<workgroup> tile_w: array<Tile, 256>;

//#include activation

//#if patches
fn patch_start(batch: u32, row: u32, k: u32) -> u32 {
    let tap = k / info.channels;
    let y = i32((row / info.out_width) * info.stride + tap / info.kernel) - i32(info.padding);
    let x = i32((row % info.out_width) * info.stride + tap % info.kernel) - i32(info.padding);
    if (y < 0 || x < 0 || y >= i32(info.in_height) || x >= i32(info.in_width)) {
        return NOWHERE;
    }
    let pixel = (batch * info.in_height + u32(y)) * info.in_width + u32(x);
    return pixel * info.channels + k % info.channels;
}

//#end

// Where the value of A is, or NOWHERE if it is zero.
fn start_of_a(batch: u32, row: u32, k: u32) -> u32 {
    if (row >= info.rows || k >= info.depth) {
        return NOWHERE;
    }
    //#if patches
    return patch_start(batch, row, k);
    //#else
    return (batch * info.rows + row) * info.depth + k;
    //#end
}

// Four consecutive values of a row; k is a multiple of four.
fn values_of_a(batch: u32, row: u32, k: u32) -> vec4<f32> {
    var values = vec4<f32>(0.0);
    //#if vectors
    let start = start_of_a(batch, row, k);
    if (start != NOWHERE) {
        values = a[start / 4u];
    }
    //#else
    for (var i = 0u; i < 4u; i++) {
        let start = start_of_a(batch, row, k + i);
        if (start != NOWHERE) {
            values[i] = a[start];
        }
    }
    //#end
    return values;
}

// Four consecutive weights of a column; k is a multiple of four.
fn weights(batch: u32, col: u32, k: u32) -> vec4<f32> {
    if (col >= info.cols || k >= info.depth) {
        return vec4<f32>(0.0);
    }
    let start = batch * info.weight_stride + col * info.depth + k;
    //#if packed
    // With 4 bits, the four weights are the low or the high half of an integer; with 8 bits they
    // fill one.
    let word = bitcast<i32>(w[start * BITS / 32u] >> (start * BITS % 32u));
    let top = vec4<u32>(32u) - vec4<u32>(1u, 2u, 3u, 4u) * BITS;
    let values = (vec4<i32>(word) << top) >> vec4<u32>(32u - BITS);
    return vec4<f32>(values) * scales[start / 32u];
    //#else
    //#if vectors
    return w[start / 4u];
    //#else
    var values = vec4<f32>(w[start], 0.0, 0.0, 0.0);
    for (var i = 1u; i < 4u; i++) {
        if (k + i < info.depth) {
            values[i] = w[start + i];
        }
    }
    return values;
    //#end
    //#end
}

fn store(batch: u32, row: u32, col: u32, sums: vec4<f32>) {
    if (row >= info.rows || col >= info.cols) {
        return;
    }
    let index = (batch * info.rows + row) * info.cols + col;
    //#if vectors
    var values = sums;
    if (info.has_bias != 0u) {
        values += bias[col / 4u];
    }
    if (info.residual_length != 0u) {
        values += residual[(index % info.residual_length) / 4u];
    }
    c[index / 4u] = activate(values, info.activation);
    //#else
    for (var i = 0u; i < min(4u, info.cols - col); i++) {
        var value = sums[i];
        if (info.has_bias != 0u) {
            value += bias[col + i];
        }
        if (info.residual_length != 0u) {
            value += residual[(index + i) % info.residual_length];
        }
        c[index + i] = activate(vec4<f32>(value), info.activation).x;
    }
    //#end
}

@compute @workgroup_size(8, 8, 1)
fn main(
    @builtin(local_invocation_index) lane: u32,
    @builtin(local_invocation_id) local: vec3<u32>,
    @builtin(workgroup_id) group: vec3<u32>,
) {
    let batch = group.z;
    // The sums of row r of the upper and the lower run, for the columns of the left and the right
    // run.
    //#repeat r 4
    var upper_left{{r}} = vec4<f32>(0.0);
    var upper_right{{r}} = vec4<f32>(0.0);
    var lower_left{{r}} = vec4<f32>(0.0);
    var lower_right{{r}} = vec4<f32>(0.0);
    //#end

    // This thread reads four rows and four columns, of four values each.
    let slot = lane / 4u;
    let deep = (lane % 4u) * 4u;
    let row = group.y * TILE + slot * 4u;
    let col = group.x * TILE + slot * 4u;
    for (var start = 0u; start < info.depth; start += DEPTH) {
        let k = start + deep;
        let from_a = transpose(mat4x4<f32>(
            values_of_a(batch, row, k),
            values_of_a(batch, row + 1u, k),
            values_of_a(batch, row + 2u, k),
            values_of_a(batch, row + 3u, k),
        ));
        let from_w = transpose(mat4x4<f32>(
            weights(batch, col, k),
            weights(batch, col + 1u, k),
            weights(batch, col + 2u, k),
            weights(batch, col + 3u, k),
        ));
        //#repeat i 4
        tile_a[(deep + {{i}}u) * TILE4 + slot] = Tile(from_a[{{i}}]);
        tile_w[(deep + {{i}}u) * TILE4 + slot] = Tile(from_w[{{i}}]);
        //#end
        workgroupBarrier();
        //#if f16
        //#repeat r 4
        var short_upper_left{{r}} = vec4<f16>(0.0);
        var short_upper_right{{r}} = vec4<f16>(0.0);
        var short_lower_left{{r}} = vec4<f16>(0.0);
        var short_lower_right{{r}} = vec4<f16>(0.0);
        //#end
        for (var at = 0u; at < DEPTH * TILE4; at += TILE4) {
            let upper = tile_a[at + local.y];
            let lower = tile_a[at + 8u + local.y];
            let w_left = tile_w[at + local.x];
            let w_right = tile_w[at + 8u + local.x];
            //#repeat r 4
            short_upper_left{{r}} += upper[{{r}}] * w_left;
            short_upper_right{{r}} += upper[{{r}}] * w_right;
            short_lower_left{{r}} += lower[{{r}}] * w_left;
            short_lower_right{{r}} += lower[{{r}}] * w_right;
            //#end
        }
        //#repeat r 4
        upper_left{{r}} += vec4<f32>(short_upper_left{{r}});
        upper_right{{r}} += vec4<f32>(short_upper_right{{r}});
        lower_left{{r}} += vec4<f32>(short_lower_left{{r}});
        lower_right{{r}} += vec4<f32>(short_lower_right{{r}});
        //#end
        //#else
        for (var at = 0u; at < DEPTH * TILE4; at += TILE4) {
            let upper = tile_a[at + local.y];
            let lower = tile_a[at + 8u + local.y];
            let w_left = tile_w[at + local.x];
            let w_right = tile_w[at + 8u + local.x];
            //#repeat r 4
            upper_left{{r}} += upper[{{r}}] * w_left;
            upper_right{{r}} += upper[{{r}}] * w_right;
            lower_left{{r}} += lower[{{r}}] * w_left;
            lower_right{{r}} += lower[{{r}}] * w_right;
            //#end
        }
        //#end
        workgroupBarrier();
    }

    let left = group.x * TILE + local.x * 4u;
    let top = group.y * TILE + local.y * 4u;
    //#repeat r 4
    store(batch, top + {{r}}u, left, upper_left{{r}});
    store(batch, top + {{r}}u, left + 32u, upper_right{{r}});
    store(batch, top + 32u + {{r}}u, left, lower_left{{r}});
    store(batch, top + 32u + {{r}}u, left + 32u, lower_right{{r}});
    //#end
}
