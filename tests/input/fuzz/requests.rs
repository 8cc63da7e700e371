//! Tests requests as JSON, as they come from JavaScript. What can be read is checked and becomes a
//! mask, or is refused.

use std::cell::Cell;

use aims_web::mask::{BitMask, Rle};
use aims_web::{EncodedPhoto, Progress, Request, Segmenter};
use serde_json::{Map, Value, json};

use crate::memory::peak;
use crate::promises::keeps_its_promises;
use crate::prompts::{encoded, segmenter};
use crate::random::{Random, fuzz};

const KINDS: [&str; 12] = [
    "full", "box", "polygon", "mask", "entity", "entities", "relation", "points", "strokes",
    "lasso", "Full", "",
];
const GRID: [&str; 12] = [
    "pointsPerSide",
    "pointsPerBatch",
    "predIouThresh",
    "stabilityScoreThresh",
    "stabilityScoreOffset",
    "boxNmsThresh",
    "cropNLayers",
    "cropNmsThresh",
    "cropOverlapRatio",
    "cropNPointsDownscaleFactor",
    "minMaskRegionArea",
    "unknown",
];

fn number(random: &mut Random) -> Value {
    match random.below(8) {
        0 => (random.next() as i64).into(),
        1 => random.next().into(),
        2 => f64::from_bits(random.next()).into(),
        3 => (*random.pick(&[1e39, -1e300, 0.999_999_99, f64::MAX, 1e-320])).into(),
        4 => (random.below(5) as i64 - 2).into(),
        _ => (random.below(700) as f64 / 10.0 - 5.0).into(),
    }
}

fn list(random: &mut Random, limit: usize, item: impl Fn(&mut Random) -> Value) -> Value {
    (0..random.below(limit)).map(|_| item(random)).collect()
}

fn pair(random: &mut Random) -> Value {
    if random.chance(20) {
        list(random, 4, number)
    } else {
        vec![number(random), number(random)].into()
    }
}

fn code(random: &mut Random) -> Value {
    let counts: String =
        (0..random.below(12)).map(|_| char::from(b'0' + random.below(64) as u8)).collect();
    let (size, counts) = match random.below(4) {
        0 => (vec![number(random), number(random)], counts),
        // This is the whole photo, which has 24 x 16 pixels: runs of 0 and 384.
        1 => (vec![16.into(), 24.into()], "0P<".to_string()),
        _ => (vec![16.into(), 24.into()], counts),
    };
    json!({"size": size, "counts": counts})
}

fn anything(random: &mut Random, depth: usize) -> Value {
    match random.below(if depth > 3 { 5 } else { 8 }) {
        0 => Value::Null,
        1 => random.chance(2).into(),
        2 => (*random.pick(&["", "full", "part", "fast", "0", "\u{0}\u{1F600}"])).into(),
        3 | 4 => number(random),
        5 => list(random, 5, |random| anything(random, depth + 1)),
        6 => code(random),
        _ => {
            let names = ["kind", "points", "box", "mask", "size", "counts", "x", "y", "label"];
            let fields =
                (0..random.below(4)).map(|_| (random.pick(&names).to_string(), Value::Null));
            let fields: Vec<_> = fields.collect();
            fields.into_iter().map(|(name, _)| (name, anything(random, depth + 1))).collect()
        }
    }
}

fn prompt(random: &mut Random) -> Value {
    let kind = *random.pick(&KINDS);
    let mut fields = Map::new();
    fields.insert("kind".to_string(), kind.into());
    let mut put = |name: &str, value: Value| drop(fields.insert(name.to_string(), value));
    match kind {
        "box" => put("box", (0..4).map(|_| number(random)).collect()),
        "polygon" | "lasso" => put("points", list(random, 9, pair)),
        "mask" | "entity" | "relation" => put("mask", code(random)),
        "entities" => put("masks", vec![code(random), code(random)].into()),
        "points" => {
            let point = |random: &mut Random| json!({"x": number(random), "y": number(random), "label": random.below(3)});
            put("points", list(random, 4, point));
            if random.chance(2) {
                put("box", (0..4).map(|_| number(random)).collect());
            }
        }
        "strokes" => {
            let stroke = |random: &mut Random| json!({"points": list(random, 5, pair), "label": random.below(3)});
            put("strokes", list(random, 4, stroke));
        }
        _ => {}
    }
    if random.chance(10) {
        let name = *random.pick(&["kind", "box", "points", "mask", "masks", "other"]);
        fields.insert(name.to_string(), anything(random, 0));
    }
    fields.into()
}

fn request(random: &mut Random) -> Value {
    if random.chance(30) {
        return anything(random, 0);
    }
    let mut fields = Map::new();
    fields.insert(
        "prompt".to_string(),
        if random.chance(30) { anything(random, 0) } else { prompt(random) },
    );
    if random.chance(6) {
        let level =
            |random: &mut Random| (*random.pick(&["part", "entity", "relation", "all"])).into();
        fields.insert("levels".to_string(), list(random, 8, level));
    }
    if random.chance(4) {
        fields.insert("mode".to_string(), (*random.pick(&["learned", "grid", "slow"])).into());
    }
    if random.chance(8) {
        fields.insert("minScore".to_string(), number(random));
    }
    if random.chance(8) {
        fields.insert("maxQueries".to_string(), number(random));
    }
    if random.chance(4) {
        let settings =
            (0..random.below(3)).map(|_| (random.pick(&GRID).to_string(), number(random)));
        fields.insert("grid".to_string(), Value::Object(settings.collect()));
    }
    if random.chance(30) {
        fields.insert("unknown".to_string(), anything(random, 0));
    }
    fields.into()
}

const WIDTH: u32 = 24;
const HEIGHT: u32 = 16;

// The CPU's tensors cannot move between threads while they are used, so each thread has its own
// network.
thread_local! {
    static READY: (Segmenter, EncodedPhoto) = {
        let segmenter = segmenter();
        let photo = encoded(&segmenter, WIDTH, HEIGHT);
        (segmenter, photo)
    };
}

#[test]
fn requests() {
    let counts = [(); 3].map(|()| std::sync::atomic::AtomicU32::new(0));
    let count = |at: usize| counts[at].fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    fuzz("requests", 20_000, |random| {
        let text = request(random).to_string();
        let text = if random.chance(20) {
            let mut bytes = text.into_bytes();
            random.damage(&mut bytes);
            String::from_utf8_lossy(&bytes).into_owned()
        } else {
            text
        };
        let Ok(request) = serde_json::from_str::<Request>(&text) else {
            count(0);
            return;
        };
        READY.with(|(segmenter, photo)| {
            // The request runs until the first step of the network, where it is cancelled. Only
            // prompts of points go on.
            let cancelled = Progress::new(|_| std::future::ready(false));
            let work = || pollster::block_on(segmenter.segment(photo, &request, &cancelled));
            let (result, bytes) = peak(work);
            match result {
                Ok(_) => {}
                Err(error) if error.code() == "aborted" => {}
                Err(error) => {
                    let codes =
                        ["invalid-option", "invalid-prompt", "empty-prompt", "size-mismatch"];
                    assert!(codes.contains(&error.code()), "{error:?} for {text}");
                    assert!(bytes < 1 << 20, "{bytes} bytes for {text}");
                    count(1);
                    return;
                }
            }
            count(2);
        });
    });
    let [unread, refused, taken] = counts.map(std::sync::atomic::AtomicU32::into_inner);
    println!("{unread} cannot be read, {refused} are refused, {taken} are accepted");
    // The random requests are of every kind.
    assert!(std::env::var_os("FUZZ_SEED").is_some() || unread.min(refused).min(taken) > 1000);
}

/// A point in the photo, or a little outside it.
fn place(random: &mut Random) -> [f64; 2] {
    [WIDTH, HEIGHT].map(|side| random.below(10 * side as usize + 40) as f64 / 10.0 - 2.0)
}

fn shape(random: &mut Random) -> Vec<f64> {
    [place(random), place(random)].concat()
}

fn mask(random: &mut Random) -> Rle {
    let [x, y, width, height] = [0; 4].map(|_| random.below(WIDTH as usize) as u32);
    Rle::encode(&BitMask::from_fn(WIDTH, HEIGHT, |px, py| {
        (x..=x + width).contains(&px) && (y..=y + height).contains(&py)
    }))
}

/// A request that is mostly valid: any prompt, any number and mix of levels, either mode.
fn sound(random: &mut Random) -> Value {
    let places = |random: &mut Random, least| -> Vec<_> {
        (0..least + random.below(5)).map(|_| place(random)).collect()
    };
    let label = |random: &mut Random| u8::from(!random.chance(4));
    let prompt = match random.below(10) {
        0 => json!({"kind": "full"}),
        1 => json!({"kind": "box", "box": shape(random)}),
        2 => json!({"kind": "polygon", "points": places(random, 3)}),
        3 => json!({"kind": "lasso", "points": places(random, 3)}),
        4 => json!({"kind": "mask", "mask": mask(random)}),
        5 => json!({"kind": "entity", "mask": mask(random)}),
        6 => json!({"kind": "relation", "mask": mask(random)}),
        7 => json!({"kind": "entities", "masks": [mask(random), mask(random)]}),
        8 => {
            let strokes: Vec<_> = (0..1 + random.below(3))
                .map(|_| json!({"points": places(random, 1), "label": label(random)}))
                .collect();
            json!({"kind": "strokes", "strokes": strokes})
        }
        _ => {
            let points =
                places(random, 0).into_iter().map(|[x, y]| json!({"x": x, "y": y, "label": 1}));
            let mut prompt = json!({"kind": "points", "points": points.collect::<Vec<_>>()});
            if random.chance(2) {
                prompt["box"] = shape(random).into();
            }
            prompt
        }
    };
    let levels: Vec<_> =
        (0..1 + random.below(6)).map(|_| *random.pick(&["part", "entity", "relation"])).collect();
    let mut request =
        json!({"prompt": prompt, "levels": levels, "minScore": random.below(11) as f64 / 10.0});
    if random.chance(3) {
        request["maxQueries"] = (1 + random.below(192)).into();
    }
    if random.chance(4) {
        request["mode"] = "grid".into();
        let share = |random: &mut Random| random.below(11) as f64 / 10.0;
        request["grid"] = json!({
            "pointsPerSide": 1 + random.below(3), "pointsPerBatch": 1 + random.below(9), "cropNLayers": random.below(2),
            "predIouThresh": share(random), "stabilityScoreThresh": share(random), "boxNmsThresh": share(random),
            "minMaskRegionArea": random.below(30),
        });
    }
    request
}

/// The network runs to its end or until a random step. The next request for the same photo must not
/// be affected.
#[test]
fn requests_run_the_network_and_end_at_any_step() {
    fuzz("requests_run_the_network_and_end_at_any_step", 400, |random| {
        let text = sound(random).to_string();
        let request: Request = serde_json::from_str(&text).expect("its keys and types are right");
        let last = if random.chance(2) { random.below(12) } else { usize::MAX };
        READY.with(|(segmenter, photo)| {
            let steps = Cell::new(0);
            let progress = Progress::new(|fraction| {
                assert!((0.0..=1.0).contains(&fraction), "{fraction}");
                steps.set(steps.get() + 1);
                std::future::ready(steps.get() <= last)
            });
            match pollster::block_on(segmenter.segment(photo, &request, &progress)) {
                Ok(scene) => keeps_its_promises(&request, &scene, (WIDTH, HEIGHT)),
                Err(error) if error.code() == "aborted" => assert!(steps.get() > last, "{text}"),
                Err(error) => {
                    assert!(
                        ["invalid-prompt", "empty-prompt"].contains(&error.code()),
                        "{error:?} for {text}"
                    );
                }
            }
        });
    });
}
