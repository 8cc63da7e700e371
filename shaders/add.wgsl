// out[i] = scale * a[i] + b[i % period]. b may lack leading axes of a. Each thread computes one
// value, or four.

@group(0) @binding(0) var<storage, read> a: array<{{value}}>;
@group(0) @binding(1) var<storage, read> b: array<{{value}}>;
@group(0) @binding(2) var<storage, read_write> out: array<{{value}}>;
@group(0) @binding(3) var<uniform> info: Info;

struct Info {
    count: u32,
    period: u32,
    groups_x: u32,
    scale: f32,
}

//#include folded

@compute @workgroup_size(64, 1, 1)
fn main(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3<u32>) {
    let index = unfolded(group, lane);
    if (index < info.count) {
        out[index] = info.scale * a[index] + b[index % info.period];
    }
}
