// Depthwise convolution with a square window, channels last, with zeros around the map:
// out[b, y, x, c] = activation(bias[c] + sum_{ky, kx}
//     in[b, y * stride + ky - padding, x * stride + kx - padding, c] * w[ky * kernel + kx, c])
//
// Each thread computes one output value, or four of adjacent channels. Channels are innermost, so
// that adjacent threads read adjacent values.

@group(0) @binding(0) var<storage, read> image: array<{{value}}>;
@group(0) @binding(1) var<storage, read> w: array<{{value}}>;
@group(0) @binding(2) var<storage, read> bias: array<{{value}}>;
@group(0) @binding(3) var<storage, read_write> out: array<{{value}}>;
@group(0) @binding(4) var<uniform> info: Info;

struct Info {
    in_height: u32,
    in_width: u32,
    out_height: u32,
    out_width: u32,
    channels: u32, // like the count, in units of what a thread computes
    kernel: u32,
    stride: u32,
    padding: u32,
    count: u32, // the number of outputs
    groups_x: u32,
    activation: u32,
}

//#include activation

//#include folded

@compute @workgroup_size(64, 1, 1)
fn main(
    @builtin(local_invocation_index) lane: u32,
    @builtin(workgroup_id) group: vec3<u32>,
) {
    let index = unfolded(group, lane);
    if (index >= info.count) {
        return;
    }
    let channel = index % info.channels;
    let pixel = index / info.channels;
    let x = pixel % info.out_width;
    let y = (pixel / info.out_width) % info.out_height;
    let batch = pixel / (info.out_width * info.out_height);

    var sum = bias[channel];
    // Positions before the map wrap around, so that they are beyond its end.
    for (var ky = 0u; ky < info.kernel; ky++) {
        let in_y = y * info.stride + ky - info.padding;
        if (in_y >= info.in_height) {
            continue;
        }
        for (var kx = 0u; kx < info.kernel; kx++) {
            let in_x = x * info.stride + kx - info.padding;
            if (in_x >= info.in_width) {
                continue;
            }
            let source = (batch * info.in_height + in_y) * info.in_width + in_x;
            let tap = ky * info.kernel + kx;
            sum += image[source * info.channels + channel] * w[tap * info.channels + channel];
        }
    }
    //#if vectors
    out[index] = activate(sum, info.activation);
    //#else
    out[index] = activate(vec4<f32>(sum), info.activation).x;
    //#end
}
