// The left side of the equations of closed-form matting, for the unknown alphas `x`; see
// `ops::MattingSystem`. One thread takes one equation.

const SIDE: u32 = 5u; // of the neighbours that share a window with a pixel
const NEIGHBOURS: u32 = 25u;

@group(0) @binding(0) var<storage, read> equations: array<f32>;
@group(0) @binding(1) var<storage, read> place: array<f32>;
@group(0) @binding(2) var<storage, read> pixels: array<f32>;
@group(0) @binding(3) var<storage, read> x: array<f32>;
@group(0) @binding(4) var<storage, read_write> out: array<f32>;
@group(0) @binding(5) var<uniform> info: Info;

struct Info {
    width: u32,
    unknown: u32,
    groups_x: u32,
}

//#include folded

@compute @workgroup_size(64, 1, 1)
fn main(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3<u32>) {
    let row = unfolded(group, lane);
    if (row >= info.unknown) {
        return;
    }
    let pixel = u32(pixels[row]);
    var sum = 0.0;
    for (var i = 0u; i < NEIGHBOURS; i++) {
        let weight = equations[i * info.unknown + row];
        // Neighbours that are known or outside the guide have no weight.
        if (weight != 0.0) {
            let neighbour = pixel + (i / SIDE) * info.width + i % SIDE - 2u * info.width - 2u;
            sum += weight * x[u32(place[neighbour])];
        }
    }
    out[row] = sum;
}
