// out[i, :] = added + the code of a place: sines, then cosines, of sums of an angle of its row and one of its column. `rows` and `columns`
// have the sines, then the cosines of theirs; the place is index[i], counted row by row. One thread a sine and its cosine, or four.

@group(0) @binding(0) var<storage, read> rows: array<{{value}}>;
@group(0) @binding(1) var<storage, read> columns: array<{{value}}>;
@group(0) @binding(2) var<storage, read> added: array<{{value}}>;
@group(0) @binding(3) var<storage, read> index: array<f32>;
@group(0) @binding(4) var<storage, read_write> out: array<{{value}}>;
@group(0) @binding(5) var<uniform> info: Info;

struct Info {
    width: u32, // places of a row
    sines: u32, // of a code, in units of what a thread takes, as is the count
    count: u32, // of sines in all
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
    let place = u32(index[item / info.sines]);
    let row = place / info.width * 2u * info.sines + angle;
    let column = place % info.width * 2u * info.sines + angle;
    out[start] = rows[row] * columns[column + info.sines] + rows[row + info.sines] * columns[column] + added[angle];
    out[start + info.sines] =
        rows[row + info.sines] * columns[column + info.sines] - rows[row] * columns[column] + added[angle + info.sines];
}
