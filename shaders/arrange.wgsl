// Copies a block of values: out[to_offset + sum i * to] = part[from_offset + sum i * from] for all
// i below `sizes`. Each thread copies one value, or four; all numbers are then in units of four.
// The last axis is the innermost.

@group(0) @binding(0) var<storage, read> part: array<{{value}}>;
@group(0) @binding(1) var<storage, read_write> out: array<{{value}}>;
@group(0) @binding(2) var<uniform> info: Info;

// Each array has eight axes.
struct Info {
    sizes: array<vec4<u32>, 2>,
    from_strides: array<vec4<u32>, 2>,
    to_strides: array<vec4<u32>, 2>,
    from_offset: u32,
    to_offset: u32,
    count: u32,
    groups_x: u32,
}

//#include folded

@compute @workgroup_size(64, 1, 1)
fn main(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3<u32>) {
    let index = unfolded(group, lane);
    if (index >= info.count) {
        return;
    }
    var left = index;
    var source = info.from_offset;
    var target_index = info.to_offset;
    for (var i = 0u; i < 8u; i++) {
        let axis = 7u - i;
        let size = info.sizes[axis / 4u][axis % 4u];
        let at = left % size;
        left /= size;
        source += at * info.from_strides[axis / 4u][axis % 4u];
        target_index += at * info.to_strides[axis / 4u][axis % 4u];
    }
    out[target_index] = part[source];
}
