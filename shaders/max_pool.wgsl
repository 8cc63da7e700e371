// out[b, y, x, c] = the largest of in[b, 2y .. 2y + 2, 2x .. 2x + 2, c], channels last. Each thread
// computes one output value, or four.

@group(0) @binding(0) var<storage, read> image: array<{{value}}>;
@group(0) @binding(1) var<storage, read_write> out: array<{{value}}>;
@group(0) @binding(2) var<uniform> info: Info;

struct Info {
    in_height: u32,
    in_width: u32,
    channels: u32, // like the count, in units of what a thread computes
    count: u32, // the number of outputs
    groups_x: u32,
}

//#include folded

@compute @workgroup_size(64, 1, 1)
fn main(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3<u32>) {
    let index = unfolded(group, lane);
    if (index >= info.count) {
        return;
    }
    let channel = index % info.channels;
    let pixel = index / info.channels;
    let x = pixel % (info.in_width / 2u);
    let line = pixel / (info.in_width / 2u);
    let y = line % (info.in_height / 2u);
    let batch = line / (info.in_height / 2u);
    let start = ((batch * info.in_height + 2u * y) * info.in_width + 2u * x) * info.channels + channel;
    let below = start + info.in_width * info.channels;
    out[index] =
        larger(larger(image[start], image[start + info.channels]), larger(image[below], image[below + info.channels]));
}

// Unlike `max`, this gives a NaN if one of the values is NaN.
fn larger(a: {{value}}, b: {{value}}) -> {{value}} {
    return select(b, a, (a > b) | !(a == a));
}
