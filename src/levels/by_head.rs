//! Scenes from what the scene head chose.

use super::by_rules::{join, numbered};
use super::canvas::Canvas;
use super::{Candidate, Level, LevelRules, Mask, Scene};
use crate::mask::BitMask;

/// The candidates that the scene head chose for a scene, in the order in which they are painted,
/// and how they belong together.
pub struct ChosenMasks {
    /// The entities, in the order in which they are painted.
    pub entities: Vec<Candidate>,
    /// The parts, in the order in which they are painted.
    pub parts: Vec<Candidate>,
    /// The index of each part's entity, if it has one.
    pub parents: Vec<Option<usize>>,
    /// Pairs of entities (their indices) and the probability that they belong together, the highest
    /// first.
    pub related: Vec<(usize, usize, f32)>,
    /// Islands smaller than this share of their mask are specks, which are removed.
    pub speck: f32,
}

/// The scene of a whole photo, or of a region of it (a mask of the photo's size). Entities do not
/// overlap, and neither do parts. Only masks of the given `levels` are in the scene.
pub fn scene_by_head(
    decision: &ChosenMasks,
    region: Option<&BitMask>,
    (width, height): (u32, u32),
    rules: &LevelRules,
    levels: &[Level],
) -> Scene {
    let canvas = Canvas { region, width, height, rules };
    let wanted = |level| levels.contains(&level);
    let entities = paint(&canvas, Level::Entity, &decision.entities, decision.speck);
    let related: Vec<_> = decision
        .related
        .iter()
        .filter_map(|&(a, b, score)| {
            Some((join(entities[a].as_ref()?, entities[b].as_ref()?, score)?, [a, b]))
        })
        .collect();
    let mut masks = Vec::new();
    // The id of each entity, if it is in the scene.
    let mut ids = vec![None; entities.len()];
    if wanted(Level::Entity) {
        for (id, mask) in ids.iter_mut().zip(entities) {
            if let Some(mask) = mask {
                masks.push(mask);
                *id = Some(masks.len() as u32);
            }
        }
    }
    if wanted(Level::Part) {
        let painted = paint(&canvas, Level::Part, &decision.parts, decision.speck);
        for (mask, parent) in painted.into_iter().zip(&decision.parents) {
            let parent = parent.and_then(|entity| ids[entity]);
            masks.extend(mask.map(|mask| Mask { parent, ..mask }));
        }
    }
    if wanted(Level::Relation) {
        masks.extend(related.into_iter().map(|(mask, members)| {
            let members = members.into_iter().filter_map(|entity| ids[entity]).collect();
            Mask { members, ..mask }
        }));
    }
    Scene { width, height, masks: numbered(masks) }
}

/// Masks at the photo's size that do not overlap; `None` if nothing is left of a mask.
fn paint(
    canvas: &Canvas<'_>,
    level: Level,
    candidates: &[Candidate],
    speck: f32,
) -> Vec<Option<Mask>> {
    let mut taken = BitMask::new(canvas.width, canvas.height);
    let paint = |candidate: &Candidate| {
        let pixels = canvas.paint(candidate, &mut taken, speck);
        Mask::describe(level, candidate.score, &pixels)
    };
    candidates.iter().map(paint).collect()
}
