// Splits a feature map [batch, height, width, channels] into square windows [batch * rows * cols,
// side * side, channels], or joins them again if `merge` is set. Windows that reach beyond the map
// hold zeros there. Each thread copies one output value, or four.

@group(0) @binding(0) var<storage, read> x: array<{{value}}>;
@group(0) @binding(1) var<storage, read_write> out: array<{{value}}>;
@group(0) @binding(2) var<uniform> info: Info;

struct Info {
    height: u32,
    width: u32,
    channels: u32, // like the count, in units of what a thread copies
    side: u32,
    rows: u32,
    cols: u32,
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
    let channel = index % info.channels;
    let place = index / info.channels;
    //#if merge
    let column = place % info.width;
    let row = (place / info.width) % info.height;
    let batch = place / (info.width * info.height);
    let window = (batch * info.rows + row / info.side) * info.cols + column / info.side;
    let token = (row % info.side) * info.side + column % info.side;
    out[index] = x[(window * info.side * info.side + token) * info.channels + channel];
    //#else
    let token = place % (info.side * info.side);
    let window = place / (info.side * info.side);
    let column = (window % info.cols) * info.side + token % info.side;
    let row = ((window / info.cols) % info.rows) * info.side + token / info.side;
    let batch = window / (info.cols * info.rows);
    var value = {{value}}(0.0);
    if (row < info.height && column < info.width) {
        value = x[((batch * info.height + row) * info.width + column) * info.channels + channel];
    }
    out[index] = value;
    //#end
}
