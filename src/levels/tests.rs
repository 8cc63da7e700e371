use super::*;
use crate::mask::testing::arb_mask_sized;
use crate::mask::{BBox, BitMask, LowResLogits};
use proptest::prelude::*;

const ALL: [Level; 3] = [Level::Part, Level::Entity, Level::Relation];
const SIDE: u32 = 64;
/// The size of a photo of 3:2, with 4 x 4 pixels per cell of the logits.
const SIZE: (u32, u32) = (256, 168);
const CELLS: (u32, u32) = (64, 42);

/// A candidate whose logits are +8 in the cells of the mask and -8 in all others.
fn candidate(mask: &BitMask, score: f32) -> Candidate {
    let values =
        (0..SIDE * SIDE).map(|i| if mask.get(i % SIDE, i / SIDE) { 8.0 } else { -8.0 }).collect();
    let logits =
        LowResLogits::new([SIDE, SIDE], (CELLS.0 as f32, CELLS.1 as f32), values).expect("valid");
    Candidate { logits, frame: BBox { x: 0, y: 0, width: SIZE.0, height: SIZE.1 }, score }
}

/// A candidate whose mask is the cells in these rectangles `[x, y, width, height]`.
fn rects(rects: &[[u32; 4]], score: f32) -> Candidate {
    let inside =
        |x, y| rects.iter().any(|&[l, t, w, h]| (l..l + w).contains(&x) && (t..t + h).contains(&y));
    candidate(&BitMask::from_fn(CELLS.0, CELLS.1, inside), score)
}

fn full(candidate: &Candidate) -> BitMask {
    candidate.render(SIZE.0, SIZE.1, 0.0)
}

fn pixels(mask: &Mask) -> BitMask {
    mask.rle.decode().expect("a valid encoding")
}

/// Checks what is true of every scene, whatever the candidates are.
fn check(scene: &Scene) -> Result<(), TestCaseError> {
    let by_id = |id: u32| scene.masks.iter().find(|m| m.id == id);
    let mut taken = BitMask::new(scene.width, scene.height);
    for (i, mask) in scene.masks.iter().enumerate() {
        let own = pixels(mask);
        prop_assert_eq!(mask.id as usize, i + 1);
        prop_assert_eq!(own.size(), (scene.width, scene.height));
        prop_assert_eq!(own.area(), mask.area);
        prop_assert_eq!(own.bbox(), Some(mask.bbox));
        prop_assert!((0.0..=1.0).contains(&mask.score));
        match mask.level {
            Level::Entity => {
                prop_assert_eq!(own.intersection_area(&taken), 0, "entities overlap");
                taken.union_with(&own);
                prop_assert_eq!((mask.parent, mask.members.len()), (None, 0));
            }
            Level::Part => {
                let parent = mask.parent.and_then(by_id).expect("a parent in the scene");
                prop_assert_eq!(parent.level, Level::Entity);
                prop_assert_eq!(
                    own.intersection_area(&pixels(parent)),
                    mask.area,
                    "the part reaches beyond its entity"
                );
                prop_assert!(mask.members.is_empty());
            }
            Level::Relation => {
                prop_assert_eq!((mask.parent, mask.members.len()), (None, 2));
                let mut union = BitMask::new(scene.width, scene.height);
                for &id in &mask.members {
                    let member = by_id(id).expect("a member in the scene");
                    prop_assert_eq!(member.level, Level::Entity);
                    union.union_with(&pixels(member));
                }
                prop_assert_eq!(own, union);
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn scenes_keep_their_promises(
        items in prop::collection::vec((arb_mask_sized(CELLS.0, CELLS.1), 0.0f32..1.2), 0..10),
        region in arb_mask_sized(SIZE.0, SIZE.1),
        min_mask_region_area in prop_oneof![Just(0u32), 1u32..400],
    ) {
        let candidates: Vec<Candidate> = items.iter().map(|(mask, score)| candidate(mask, *score)).collect();
        let rules = LevelRules { min_mask_region_area, ..LevelRules::default() };
        check(&scene_by_rules(&candidates, SIZE, &rules, &ALL))?;
        match entities_in(&candidates, &region, &rules, &ALL) {
            Ok(scene) => {
                check(&scene)?;
                for mask in &scene.masks {
                    prop_assert_eq!(pixels(mask).intersection_area(&region), mask.area, "outside the region");
                }
                for part in &parts_of(&candidates, &region, &rules).expect("not empty").masks {
                    prop_assert_eq!((part.level, part.parent), (Level::Part, None));
                    prop_assert_eq!(pixels(part).intersection_area(&region), part.area);
                }
            }
            Err(error) => {
                prop_assert_eq!(error, LevelError::EmptyMask);
                prop_assert!(region.is_empty());
            }
        }
    }
}

#[test]
fn a_person_beside_a_car() {
    let person = rects(&[[4, 4, 12, 32]], 0.95);
    let (shirt, trousers) = (rects(&[[4, 12, 12, 10]], 0.93), rects(&[[5, 23, 10, 12]], 0.9));
    let shirt_again = rects(&[[4, 12, 12, 11]], 0.89);
    let car = rects(&[[16, 16, 30, 20]], 0.97);
    let candidates = [person, shirt, trousers, shirt_again, car];
    let scene = scene_by_rules(&candidates, SIZE, &LevelRules::default(), &ALL);
    let found: Vec<BitMask> = scene.masks.iter().map(pixels).collect();
    let expected = [&candidates[4], &candidates[0], &candidates[1], &candidates[2]].map(full);
    assert_eq!(found[..4], expected);
    let levels: Vec<Level> = scene.masks.iter().map(|m| m.level).collect();
    assert_eq!(levels, [Level::Entity, Level::Entity, Level::Part, Level::Part, Level::Relation]);
    assert_eq!([scene.masks[2].parent, scene.masks[3].parent], [Some(2), Some(2)]);
    assert_eq!(scene.masks[4].members, [1, 2]);
    // They touch along 20 cells of the person's outline, which has about 84.
    assert!((0.15..0.35).contains(&scene.masks[4].score), "{}", scene.masks[4].score);
}

#[test]
fn levels_left_out_leave_no_dangling_ids() {
    let candidates = [
        rects(&[[4, 4, 20, 30]], 0.95),
        rects(&[[8, 8, 8, 8]], 0.9),
        rects(&[[24, 4, 20, 30]], 0.9),
    ];
    let rules = LevelRules::default();
    let scene = scene_by_rules(&candidates, SIZE, &rules, &[Level::Part, Level::Relation]);
    assert_eq!(scene.masks.len(), 2);
    assert!(scene.masks.iter().all(|m| m.parent.is_none() && m.members.is_empty()));
    assert_eq!(scene_by_rules(&candidates, SIZE, &rules, &[Level::Entity]).masks.len(), 2);
    assert!(scene_by_rules(&[], SIZE, &rules, &ALL).masks.is_empty());
}

#[test]
fn a_group_does_not_swallow_its_members() {
    let (left, right) = ([4, 6, 14, 30], [30, 6, 14, 30]);
    let candidates = [rects(&[left, right], 0.95), rects(&[left], 0.94), rects(&[right], 0.93)];
    let scene = scene_by_rules(&candidates, SIZE, &LevelRules::default(), &ALL);
    let found: Vec<BitMask> = scene.masks.iter().map(pixels).collect();
    assert_eq!(found, [full(&candidates[1]), full(&candidates[2])]);

    // A thing behind a post stays one entity, because its halves were not proposed on their own.
    let scene = scene_by_rules(&candidates[..1], SIZE, &LevelRules::default(), &ALL);
    assert_eq!(scene.masks.iter().map(pixels).collect::<Vec<_>>(), [full(&candidates[0])]);

    // These are two things side by side. A candidate with a lower score takes them together.
    let (left, right) = ([4, 6, 14, 30], [18, 6, 14, 30]);
    let candidates = [rects(&[left, right], 0.88), rects(&[left], 0.97), rects(&[right], 0.96)];
    let scene = scene_by_rules(&candidates, SIZE, &LevelRules::default(), &[Level::Entity]);
    assert_eq!(scene.masks.len(), 2);
}

#[test]
fn a_backdrop_gets_what_the_others_leave() {
    let (all, thing) = (rects(&[[0, 0, 64, 42]], 0.99), rects(&[[20, 10, 12, 12]], 0.9));
    let scene =
        scene_by_rules(&[all, thing.clone()], SIZE, &LevelRules::default(), &[Level::Entity]);
    let mut rest = BitMask::full(SIZE.0, SIZE.1);
    rest.subtract(&full(&thing));
    assert_eq!(scene.masks.iter().map(pixels).collect::<Vec<_>>(), [rest, full(&thing)]);
}

#[test]
fn the_better_score_wins_contested_pixels() {
    let (a, b) = (rects(&[[4, 4, 24, 30]], 0.9), rects(&[[22, 4, 20, 30]], 0.95));
    let scene =
        scene_by_rules(&[a.clone(), b.clone()], SIZE, &LevelRules::default(), &[Level::Entity]);
    let mut less = full(&a);
    less.subtract(&full(&b));
    assert_eq!(scene.masks.iter().map(pixels).collect::<Vec<_>>(), [full(&b), less]);
}

#[test]
fn a_relation_is_taken_apart_into_its_entities() {
    let (a, b) = (rects(&[[4, 4, 14, 30]], 0.9), rects(&[[18, 4, 14, 30]], 0.95));
    let both = rects(&[[4, 4, 28, 30]], 0.97);
    let around = rects(&[[0, 0, 64, 42]], 0.97);
    let (rules, region) = (LevelRules::default(), full(&both));
    let scene =
        entities_in(&[a.clone(), b.clone(), both, around], &region, &rules, &[Level::Entity]);
    let found: Vec<BitMask> = scene.expect("a region").masks.iter().map(pixels).collect();
    assert_eq!(found, [full(&b), full(&a)]);
}

#[test]
fn a_partial_image_cuts_what_reaches_out() {
    let (sky, bird) = (rects(&[[0, 0, 64, 30]], 0.97), rects(&[[10, 8, 5, 4]], 0.9));
    // The region cuts off the sides of the sky, which fills most of it. Below the sky nothing was
    // proposed.
    let region =
        BitMask::from_fn(SIZE.0, SIZE.1, |x, y| (20..90).contains(&x) && (20..140).contains(&y));
    let rules = LevelRules::default();
    let scene = entities_in(&[sky.clone(), bird.clone()], &region, &rules, &[Level::Entity]);
    let mut rest = region.clone();
    rest.intersect_with(&full(&sky));
    rest.subtract(&full(&bird));
    let found: Vec<BitMask> = scene.expect("a region").masks.iter().map(pixels).collect();
    assert_eq!(found, [rest, full(&bird)]);
}

#[test]
fn a_region_too_fine_for_the_grid_is_not_lost() {
    let size = (6000, 100);
    let logits = LowResLogits::new([4, 4], (4.0, 4.0), vec![8.0; 16]).expect("valid");
    let all =
        Candidate { logits, frame: BBox { x: 0, y: 0, width: 6000, height: 100 }, score: 0.9 };
    let specks = BitMask::from_fn(size.0, size.1, |x, y| [(100, 50), (4995, 51)].contains(&(x, y)));
    let scene =
        entities_in(&[all], &specks, &LevelRules::default(), &[Level::Entity]).expect("a region");
    assert_eq!(scene.masks.iter().map(pixels).collect::<Vec<_>>(), [specks]);
}

#[test]
fn an_entity_that_keeps_little_is_dropped() {
    let (left, middle, right) = (
        rects(&[[0, 10, 17, 20]], 0.95),
        rects(&[[10, 10, 20, 20]], 0.9),
        rects(&[[23, 10, 17, 20]], 0.94),
    );
    let rules = LevelRules::default();
    let scene =
        scene_by_rules(&[left.clone(), middle, right.clone()], SIZE, &rules, &[Level::Entity]);
    assert_eq!(scene.masks.iter().map(pixels).collect::<Vec<_>>(), [full(&left), full(&right)]);
}

#[test]
fn thresholds_leave_out_specks_and_faint_contact() {
    let candidates = [
        rects(&[[4, 4, 20, 20]], 0.95),
        rects(&[[24, 4, 20, 20]], 0.9),
        rects(&[[50, 30, 3, 3]], 0.9),
    ];
    let count = |rules: &LevelRules, level| {
        scene_by_rules(&candidates, SIZE, rules, &ALL).level(level).count()
    };
    let rules = LevelRules::default();
    assert_eq!((count(&rules, Level::Entity), count(&rules, Level::Relation)), (3, 1));
    let strict = LevelRules { min_area: 0.01, relation_min_score: 0.9, ..LevelRules::default() };
    assert_eq!((count(&strict, Level::Entity), count(&strict, Level::Relation)), (2, 0));
    let none = LevelRules { relation_max_count: 0, ..LevelRules::default() };
    assert_eq!(count(&none, Level::Relation), 0);
}

#[test]
fn parts_of_an_entity_never_are_the_entity() {
    let (whole, pillow) = (rects(&[[4, 4, 40, 30]], 0.99), rects(&[[8, 8, 8, 8]], 0.9));
    let other = rects(&[[46, 4, 8, 8]], 0.9);
    let rules = LevelRules::default();
    let scene = parts_of(&[whole.clone(), pillow.clone(), other], &full(&whole), &rules)
        .expect("an entity");
    assert_eq!(scene.masks.iter().map(pixels).collect::<Vec<_>>(), [full(&pillow)]);
}

#[test]
fn a_small_entity_is_judged_on_a_fine_grid() {
    // The entity has 8 x 8 pixels of a photo that is 6000 pixels wide. On a raster over the whole
    // photo it would not fill one cell, and a part of it could not be seen.
    let part_values = (0..SIDE * SIDE).map(|i| if i % SIDE < 32 { 8.0 } else { -8.0 }).collect();
    let logits = LowResLogits::new([SIDE, SIDE], (64.0, 64.0), part_values).expect("valid");
    let part =
        Candidate { logits, frame: BBox { x: 3001, y: 2001, width: 8, height: 8 }, score: 0.9 };
    let entity =
        BitMask::from_fn(6000, 100, |x, y| (3001..3009).contains(&x) && (31..39).contains(&y));
    let part = Candidate { frame: BBox { y: 31, ..part.frame }, ..part };
    let scene = parts_of(&[part], &entity, &LevelRules::default()).expect("an entity");
    assert_eq!(
        scene.masks.iter().map(|m| m.bbox).collect::<Vec<_>>(),
        [BBox::from([3001, 31, 4, 8])]
    );
}

#[test]
fn relation_of_two_entities() {
    let (a, b) = (rects(&[[4, 4, 10, 20]], 0.9), rects(&[[14, 4, 20, 20]], 0.9));
    let far = rects(&[[50, 4, 8, 8]], 0.9);
    let rules = LevelRules::default();
    let scene = relation_of(&full(&a), &full(&b), None, &rules).expect("two entities");
    assert!(check(&scene).is_ok());
    assert_eq!(
        scene.masks.iter().map(|m| m.level).collect::<Vec<_>>(),
        [Level::Entity, Level::Entity, Level::Relation]
    );
    assert!((0.2..0.5).contains(&scene.masks[2].score));
    let apart = relation_of(&full(&a), &full(&far), None, &rules).expect("two entities");
    assert_eq!((apart.masks[2].score, &apart.masks[2].members), (0.0, &vec![1, 2]));
    let other_size = BitMask::full(3, 3);
    let mismatch = LevelError::SizeMismatch { expected: SIZE, got: (3, 3) };
    assert_eq!(relation_of(&full(&a), &other_size, None, &rules), Err(mismatch));
    assert_eq!(
        relation_of(&full(&a), &BitMask::new(SIZE.0, SIZE.1), None, &rules),
        Err(LevelError::EmptyMask)
    );
}

#[test]
fn one_mask_as_a_scene() {
    let mask = rects(&[[4, 4, 10, 20], [40, 30, 1, 1]], 1.3);
    let rules = LevelRules { min_mask_region_area: 100, ..LevelRules::default() };
    let scene = single_mask(&mask, SIZE, None, &rules);
    assert_eq!(scene.masks.len(), 1);
    assert_eq!(scene.masks[0].score, 1.0);
    assert_eq!(pixels(&scene.masks[0]), full(&rects(&[[4, 4, 10, 20]], 1.0)));
    assert!(single_mask(&rects(&[], 0.9), SIZE, None, &rules).masks.is_empty());
}

#[test]
fn json_form() {
    let scene =
        scene_by_rules(&[rects(&[[4, 4, 10, 20]], 1.0)], SIZE, &LevelRules::default(), &ALL);
    let json = serde_json::to_value(&scene).expect("valid JSON");
    assert_eq!(json["masks"][0]["level"], "entity");
    assert_eq!(json["masks"][0]["bbox"], serde_json::json!([16, 16, 40, 80]));
    assert_eq!(json["masks"][0]["parent"], serde_json::Value::Null);
    assert_eq!(serde_json::from_value::<Scene>(json).expect("a scene"), scene);
    let rules: LevelRules = serde_json::from_str(r#"{"minMaskRegionArea": 7}"#).expect("rules");
    assert_eq!(rules, LevelRules { min_mask_region_area: 7, ..LevelRules::default() });
    assert!(serde_json::from_str::<LevelRules>(r#"{"minMaskArea": 7}"#).is_err());
}

/// Links as a network would give them: those listed are certain, and there are no others.
fn links(rows: usize, columns: usize, on: &[(usize, usize)]) -> Vec<f32> {
    let mut links = vec![0.0; rows * columns];
    for &(row, column) in on {
        links[row * columns + column] = 1.0;
    }
    links
}

fn thresholds() -> Thresholds {
    let family: serde_json::Value =
        serde_json::from_str(include_str!("../../models/aims-tiny.json")).expect("a description");
    serde_json::from_value(family["levels"]["thresholds"].clone()).expect("thresholds")
}

#[test]
fn level_outputs_become_a_scene_with_its_links() {
    let prediction = LevelCandidates {
        entities: vec![
            rects(&[[0, 0, 20, 20]], 0.6),
            // This one has a speck far away.
            rects(&[[18, 0, 20, 20], [60, 40, 1, 1]], 0.9),
            // The first one hides most of this one, and it scores worse.
            rects(&[[1, 0, 18, 20]], 0.5),
            // The score is too low to count.
            rects(&[[40, 20, 20, 20]], 0.1),
        ],
        // The second part has no link, but it lies in the second entity. The third has a link, but
        // it lies in no entity.
        parts: vec![
            rects(&[[2, 2, 6, 6]], 0.8),
            rects(&[[25, 2, 6, 6]], 0.7),
            rects(&[[50, 30, 6, 6]], 0.7),
        ],
        relations: vec![
            rects(&[[0, 0, 38, 20]], 0.8),
            // These are the same two entities, and the score is worse.
            rects(&[[0, 0, 38, 12]], 0.7),
            rects(&[[45, 25, 9, 9]], 0.9),
        ],
        entity_part: links(4, 3, &[(0, 0), (1, 2)]),
        relation_entity: links(3, 4, &[(0, 0), (0, 1), (1, 0), (1, 1)]),
        thresholds: thresholds(),
    };
    let scene = scene_by_score(&prediction, None, SIZE, &LevelRules::default(), &ALL);
    let [first, second, part, other, loose, relation] = &scene.masks[..] else {
        panic!("{:?}", scene.masks)
    };
    assert_eq!((first.level, first.score, second.score), (Level::Entity, 0.9, 0.6));
    assert_eq!(pixels(first), full(&rects(&[[18, 0, 20, 20]], 1.0)), "the speck is removed");
    assert_eq!(pixels(first).intersection_area(&pixels(second)), 0, "entities overlap");
    assert_eq!((part.level, part.parent), (Level::Part, Some(second.id)));
    assert_eq!((other.parent, loose.parent), (Some(first.id), None));
    assert_eq!((relation.level, relation.members.len()), (Level::Relation, 2));
    assert_eq!(relation.area, pixels(relation).area());

    // A region keeps the masks that lie in it, and ids count only the levels that are asked for.
    let region = full(&rects(&[[0, 0, 22, 42]], 1.0));
    let scene =
        scene_by_score(&prediction, Some(&region), SIZE, &LevelRules::default(), &[Level::Part]);
    assert_eq!(scene.masks.len(), 1);
    assert_eq!((scene.masks[0].id, scene.masks[0].parent), (1, None));
}

#[test]
fn proposals_overlap_but_do_not_repeat() {
    let (whole, inner) = (rects(&[[4, 4, 40, 30]], 0.6), rects(&[[8, 8, 8, 8]], 0.9));
    let again = rects(&[[4, 4, 39, 30]], 0.5);
    let scene =
        proposals(&[again, whole.clone(), inner.clone()], 0.7, SIZE, &LevelRules::default());
    assert_eq!(scene.masks.iter().map(pixels).collect::<Vec<_>>(), [full(&inner), full(&whole)]);
    assert_eq!(
        scene.masks.iter().map(|m| (m.id, m.level)).collect::<Vec<_>>(),
        [(1, Level::Entity), (2, Level::Entity)]
    );
}
