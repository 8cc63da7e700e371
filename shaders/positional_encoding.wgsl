// out[i, :] = added + the encoding of a position: sines and then cosines of sums of an angle of its
// row and one of its column. `rows` and `columns` have the sines and then the cosines of these
// angles. The position is index[i], counted row by row. Each thread computes one sine and its
// cosine, or four.

@group(0) @binding(0) var<storage, read> rows: array<{{value}}>;
@group(0) @binding(1) var<storage, read> columns: array<{{value}}>;
@group(0) @binding(2) var<storage, read> added: array<{{value}}>;
@group(0) @binding(3) var<storage, read> index: array<f32>;
@group(0) @binding(4) var<storage, read_write> out: array<{{value}}>;
@group(0) @binding(5) var<uniform> info: Info;

struct Info {
    width: u32, // positions in a row
    sines: u32, // of an encoding, in units of what a thread computes, like the count
    count: u32, // the number of sines in total
    groups_x: u32,
}

//#include folded

@compute @workgroup_size(64, 1, 1)
fn main(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3<u32>) {
    let item = unfolded(group, lane);
    if (item >= info.count) {
        return;
    }
    let angle = item % info.sines;
    let start = 2u * (item - angle) + angle;
    let position = u32(index[item / info.sines]);
    let row = position / info.width * 2u * info.sines + angle;
    let column = position % info.width * 2u * info.sines + angle;
    out[start] = rows[row] * columns[column + info.sines] + rows[row + info.sines] * columns[column] + added[angle];
    out[start + info.sines] =
        rows[row + info.sines] * columns[column + info.sines] - rows[row] * columns[column] + added[angle + info.sines];
}
