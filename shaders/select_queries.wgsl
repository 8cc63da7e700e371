// Selects positions for queries: `count` times the position with the highest value.
// `ops::select_queries` says what the value is. There is one workgroup. A value is a penalty and an
// objectness: the lower penalty wins, then the higher objectness, then the first position.

const THREADS: u32 = 256u;
const EXCLUDED: f32 = 1000.0;
const NO_MAXIMUM: f32 = 100.0;
const NEAR: f32 = 10000.0;

@group(0) @binding(0) var<storage, read> original: array<f32>;
@group(0) @binding(1) var<storage, read> objectness: array<f32>;
@group(0) @binding(2) var<storage, read> excluded: array<f32>;
@group(0) @binding(3) var<storage, read> earlier: array<f32>;
@group(0) @binding(4) var<storage, read_write> out: array<f32>;
@group(0) @binding(5) var<uniform> info: Info;

struct Info {
    levels: u32,
    width: u32, // positions in a row
    height: u32,
    count: u32,
    earlier: u32, // positions selected before
}

var<workgroup> positions: array<u32, THREADS>;
var<workgroup> penalties: array<f32, THREADS>;
var<workgroup> logits: array<f32, THREADS>;

fn is_near(a: u32, b: u32) -> bool {
    let dx = i32(a % info.width) - i32(b % info.width);
    let dy = i32(a / info.width) - i32(b / info.width);
    return abs(dx) <= 1 && abs(dy) <= 1;
}

fn is_maximum(level: u32, position: u32) -> bool {
    let start = level * info.width * info.height;
    let x = position % info.width;
    let y = position / info.width;
    let own = original[start + position];
    for (var ny = max(y, 1u) - 1u; ny < min(y + 2u, info.height); ny++) {
        for (var nx = max(x, 1u) - 1u; nx < min(x + 2u, info.width); nx++) {
            if (!(original[start + ny * info.width + nx] <= own)) {
                return false;
            }
        }
    }
    return true;
}

// The value (penalty, objectness) of a position, after the first `chosen` positions in `out` were
// selected.
fn value(position: u32, chosen: u32) -> vec2<f32> {
    var penalty = excluded[position] * EXCLUDED;
    for (var i = 0u; i < info.earlier; i++) {
        if (is_near(position, u32(earlier[i]))) {
            penalty = EXCLUDED;
        }
    }
    for (var i = 0u; i < chosen; i++) {
        if (is_near(position, u32(out[i]))) {
            penalty += NEAR;
        }
    }
    var best = vec2<f32>(NEAR, 0.0);
    for (var level = 0u; level < info.levels; level++) {
        let own = vec2<f32>(
            select(NO_MAXIMUM, 0.0, is_maximum(level, position)),
            objectness[level * info.width * info.height + position],
        );
        if (is_better(own, best)) {
            best = own;
        }
    }
    return vec2<f32>(penalty + best.x, best.y);
}

fn is_better(a: vec2<f32>, b: vec2<f32>) -> bool {
    return a.x < b.x || (a.x == b.x && a.y > b.y);
}

@compute @workgroup_size(256, 1, 1)
fn main(@builtin(local_invocation_index) lane: u32) {
    for (var chosen = 0u; chosen < info.count; chosen++) {
        var best_place = lane;
        var best = vec2<f32>(3.0e38, 0.0);
        for (var position = lane; position < info.width * info.height; position += THREADS) {
            let own = value(position, chosen);
            if (is_better(own, best)) {
                best = own;
                best_place = position;
            }
        }
        positions[lane] = best_place;
        penalties[lane] = best.x;
        logits[lane] = best.y;
        workgroupBarrier();
        if (lane == 0u) {
            for (var i = 1u; i < THREADS; i++) {
                let other = vec2<f32>(penalties[i], logits[i]);
                if (is_better(other, best) || (all(other == best) && positions[i] < best_place)) {
                    best = other;
                    best_place = positions[i];
                }
            }
            out[chosen] = f32(best_place);
            if (chosen == 0u) {
                out[info.count] = best.y - best.x;
            }
        }
        storageBarrier();
        workgroupBarrier();
    }
}
