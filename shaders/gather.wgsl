// out[i, :] = table[index[i], :]. One thread a value, or four.

@group(0) @binding(0) var<storage, read> table: array<{{value}}>;
@group(0) @binding(1) var<storage, read> index: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<{{value}}>;
@group(0) @binding(3) var<uniform> info: Info;

struct Info {
    channels: u32, // in units of what a thread takes
    count: u32, // of outputs, likewise
}

@compute @workgroup_size(64, 1, 1)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x < info.count) {
        out[id.x] = table[u32(index[id.x / info.channels]) * info.channels + id.x % info.channels];
    }
}
