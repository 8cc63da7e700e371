// The objectness, lowered where masks of the round lie; see `ops::suppress`. There is one thread
// for each level and position.

@group(0) @binding(0) var<storage, read> objectness: array<f32>;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read> scores: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;
@group(0) @binding(4) var<uniform> info: Info;

struct Info {
    // For each level, a bit for each output whose masks belong to that level.
    outputs_of: vec4<u32>,
    levels: u32,
    width: u32, // positions in a row; masks have twice as many cells along each axis
    height: u32,
    queries: u32,
    outputs: u32,
    confidence: f32, // the least of a mask that counts, squared
    covered: f32, // how much the objectness is lowered
}

fn probability(logit: f32) -> f32 {
    return 1.0 / (1.0 + exp(-logit));
}

@compute @workgroup_size(64, 1, 1)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let positions = info.width * info.height;
    if (id.x >= info.levels * positions) {
        return;
    }
    let level = id.x / positions;
    let position = id.x % positions;
    let width = 2u * info.width;
    let corner = (position / info.width) * 2u * width + (position % info.width) * 2u;
    var is_covered = false;
    for (var mask = 0u; mask < info.queries * info.outputs; mask++) {
        let output = mask % info.outputs;
        if (((info.outputs_of[level] >> output) & 1u) == 0u) {
            continue;
        }
        let at = (mask / info.outputs) * 2u * info.outputs + output;
        if (!(probability(scores[at]) * probability(scores[at + info.outputs]) >= info.confidence)) {
            continue;
        }
        let start = mask * 4u * positions + corner;
        let inside = u32(logits[start] > 0.0) + u32(logits[start + 1u] > 0.0)
            + u32(logits[start + width] > 0.0) + u32(logits[start + width + 1u] > 0.0);
        is_covered = is_covered || inside >= 2u;
    }
    out[id.x] = objectness[id.x] - select(0.0, info.covered, is_covered);
}
