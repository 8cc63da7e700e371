// The linear equations of closed-form matting; see `ops::MattingSystem`. In each window of 3 x 3
// pixels the colours are whitened: centred, and divided by the Cholesky factor of their covariance.
// What two pixels of a window have to do with each other is then a dot product, which is the same
// in both directions even after rounding. One thread makes one equation.

const WINDOW: u32 = 9u;
const SIDE: u32 = 5u; // of the neighbours that share a window with a pixel
const NEIGHBOURS: u32 = 25u;
const SELF: u32 = 12u;

@group(0) @binding(0) var<storage, read> guide: array<f32>;
@group(0) @binding(1) var<storage, read> alpha: array<f32>;
@group(0) @binding(2) var<storage, read> place: array<f32>;
@group(0) @binding(3) var<storage, read> pixels: array<f32>;
@group(0) @binding(4) var<storage, read_write> out: array<f32>;
@group(0) @binding(5) var<uniform> info: Info;

struct Info {
    width: u32,
    height: u32,
    unknown: u32,
    groups_x: u32,
    epsilon: f32,
}

//#include folded

// The whitened colours of a window, row by row.
var<private> window: array<vec3<f32>, WINDOW>;

fn whiten(centre: u32) {
    var mean = vec3<f32>(0.0);
    for (var i = 0u; i < WINDOW; i++) {
        let start = 3u * (centre + (i / 3u) * info.width + i % 3u - info.width - 1u);
        window[i] = vec3<f32>(guide[start], guide[start + 1u], guide[start + 2u]);
        mean += window[i];
    }
    mean /= f32(WINDOW);
    var squares = vec3<f32>(info.epsilon);
    var products = vec3<f32>(0.0); // of green and red, blue and red, blue and green
    for (var i = 0u; i < WINDOW; i++) {
        let centred = window[i] - mean;
        window[i] = centred;
        squares += centred * centred;
        products += centred.yzz * centred.xxy;
    }
    squares /= f32(WINDOW);
    products /= f32(WINDOW);
    // The factor, with the reciprocals of its diagonal. Without rounding no pivot would be smaller
    // than the regularisation.
    let least = info.epsilon / f32(WINDOW);
    let red = inverseSqrt(max(squares.x, least));
    let green_red = products.x * red;
    let blue_red = products.y * red;
    let green = inverseSqrt(max(squares.y - green_red * green_red, least));
    let blue_green = (products.z - blue_red * green_red) * green;
    let blue = inverseSqrt(max(squares.z - blue_red * blue_red - blue_green * blue_green, least));
    for (var i = 0u; i < WINDOW; i++) {
        let x = window[i].x * red;
        let y = (window[i].y - green_red * x) * green;
        window[i] = vec3<f32>(x, y, (window[i].z - blue_red * x - blue_green * y) * blue);
    }
}

@compute @workgroup_size(64, 1, 1)
fn main(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3<u32>) {
    let row = unfolded(group, lane);
    if (row >= info.unknown) {
        return;
    }
    let pixel = u32(pixels[row]);
    var weights: array<f32, NEIGHBOURS>;
    for (var i = 0u; i < WINDOW; i++) {
        // The window's last column and row. It must lie inside the guide.
        let right = pixel % info.width + i % 3u;
        let bottom = pixel / info.width + i / 3u;
        if (right < 2u || bottom < 2u || right >= info.width || bottom >= info.height) {
            continue;
        }
        whiten((bottom - 1u) * info.width + right - 1u);
        let own = WINDOW - 1u - i;
        for (var j = 0u; j < WINDOW; j++) {
            let neighbour = (i / 3u + j / 3u) * SIDE + i % 3u + j % 3u;
            let same = select(0.0, 1.0, j == own);
            weights[neighbour] += same - (1.0 + dot(window[own], window[j])) / f32(WINDOW);
        }
    }
    var right_side = 0.0;
    for (var i = 0u; i < NEIGHBOURS; i++) {
        var weight = weights[i];
        // Neighbours outside the guide have no weight.
        if (weight != 0.0) {
            let neighbour = pixel + (i / SIDE) * info.width + i % SIDE - 2u * info.width - 2u;
            if (place[neighbour] < 0.0) {
                right_side -= weight * alpha[neighbour];
                weight = 0.0;
            }
        }
        out[i * info.unknown + row] = weight;
    }
    out[NEIGHBOURS * info.unknown + row] = right_side;
    out[(NEIGHBOURS + 1u) * info.unknown + row] = 1.0 / max(weights[SELF], 1e-12);
}
