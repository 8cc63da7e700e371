//! Compares the scene head, and what it reads of masks, with PyTorch; see
//! `tests/golden/make_scene.py`.

use crate::common::{self, Golden, compare, everywhere};
use crate::generated::{generated, generated_model};
use crate::semantic::family;
use aims_web::DeviceKind;
use aims_web::candidates::{
    Candidate, ClassMaps, Found, GEOMETRY, Kind, PAIRS, Region, Surroundings, geometry, pairs, pool,
};
use aims_web::mask::BitMask;
use aims_web::model::{SceneHead, SceneInput, Weights};

const GOLDEN: &[u8] = include_bytes!("../golden/scene.safetensors");
const COUNT: usize = 12;
/// The number of the semantic head's classes in `family`.
const CLASSES: usize = 7;

async fn head(kind: DeviceKind) {
    let device = common::device(kind).await;
    let model = generated_model(GOLDEN, &family());
    let weights = Weights::new(&model, &device).expect("a valid file");
    let head =
        SceneHead::load(&weights, "scene").expect("complete").expect("the description has it");
    let source =
        |(name, width): (&str, usize)| generated(&format!("input.{name}"), &[COUNT, width]);
    let sources = [
        ("tokens", 256),
        ("inside", 256),
        ("around", 256),
        ("deep", 768),
        ("efficient", 352),
        ("classes", CLASSES),
    ];
    let input = SceneInput {
        count: COUNT,
        sources: sources.map(source).to_vec(),
        geometry: generated("input.geometry", &[COUNT, GEOMETRY]),
        pairs: generated("input.pairs", &[COUNT, COUNT, PAIRS]),
    };
    let said = head.forward(input).await.expect("the device computes");
    let golden = Golden::read(GOLDEN);
    for (name, ours) in
        [("said.level", &said.level), ("said.chosen", &said.chosen), ("said.iou", &said.iou)]
    {
        compare(name, ours.as_flattened(), &golden, 1e-4);
    }
    let pairs = said.pairs.iter();
    let pairs =
        pairs.flat_map(|pair| [pair.same_part, pair.same_entity, pair.part_of, pair.related]);
    compare("said.pairs", &pairs.collect::<Vec<_>>(), &golden, 1e-4);
}

everywhere!(scene_head_on_cpu, head(DeviceKind::Cpu));
everywhere!(scene_head_on_gpu, head(DeviceKind::Gpu));

/// The tolerance for values that the golden file has in 16 bits.
const HALF: f32 = 2e-3;
const ROWS: usize = 32;
const COLUMNS: usize = 64;

fn candidates(golden: &Golden) -> Vec<Candidate> {
    let (shape, masks) = golden.get("masks");
    let [count, rows, columns] = shape.try_into().expect("masks");
    let scores = |name: &str| generated(&format!("mask.{name}"), &[count, 1]);
    let (quality, score, stable) = (scores("quality"), scores("score"), scores("stable"));
    const KINDS: [Kind; 6] =
        [Kind::Large, Kind::Small, Kind::Medium, Kind::Part, Kind::Entity, Kind::Relation];
    let candidate = |(index, mask): (usize, &[f32])| {
        let found = Found {
            cells: BitMask::from_fn(columns as u32, rows as u32, |x, y| {
                mask[y as usize * columns + x as usize] > 0.0
            }),
            predicted_iou: quality[index].abs(),
            score: score[index].abs(),
            stability: stable[index].abs(),
            kind: KINDS[index],
            token: Vec::new(),
        };
        Candidate { found, index, repeats: index as u32 + 1 }
    };
    masks.chunks(rows * columns).enumerate().map(candidate).collect()
}

everywhere!(what_the_scene_head_reads, async {
    let golden = Golden::read(GOLDEN);
    let candidates = candidates(&golden);
    let (columns, rows) = candidates[0].found.cells.size();
    let aspect = columns as f32 / rows as f32;
    compare("described.geometry", &geometry(&candidates, aspect, None), &golden, 1e-5);
    let left = Region::new(BitMask::from_fn(columns, rows, |x, _| x < columns / 2));
    compare("described.prompted", &geometry(&candidates, aspect, Some(&left)), &golden, 1e-5);
    compare("described.pairs", &pairs(&candidates), &golden, HALF);
    let map = |name: &str, stride: usize, channels: usize| {
        generated(&format!("map.{name}"), &[1, ROWS / stride, COLUMNS / stride, channels])
    };
    let (embedding, deepest) = (map("embedding", 4, 256), map("deepest", 8, 768));
    let near = Surroundings { values: &embedding, columns: COLUMNS / 4, channels: 256, cells: 4 };
    let far = Surroundings { values: &deepest, columns: COLUMNS / 8, channels: 768, cells: 8 };
    compare("described.inside", &pool(&candidates, &near, false), &golden, HALF);
    compare("described.around", &pool(&candidates, &near, true), &golden, HALF);
    compare("described.deep", &pool(&candidates, &far, false), &golden, HALF);
    let values = map("classes", 1, CLASSES);
    let maps = ClassMaps { rows: ROWS, columns: COLUMNS, classes: CLASSES, values };
    compare("described.classes", &pool(&candidates, &maps.surroundings(), false), &golden, HALF);
});
