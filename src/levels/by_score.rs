//! Scenes from a network that predicts the levels and their links itself.

use std::collections::HashSet;

use super::by_rules::numbered;
use super::canvas::Canvas;
use super::pieces::{Piece, pieces};
use super::raster::Raster;
use super::scene::clean_score;
use super::{Candidate, Level, LevelRules, Mask, Scene, Thresholds};
use crate::mask::BitMask;

/// The masks and links that the network found, in any order.
pub struct LevelCandidates {
    /// The masks for parts.
    pub parts: Vec<Candidate>,
    /// The masks for entities.
    pub entities: Vec<Candidate>,
    /// The masks for relations.
    pub relations: Vec<Candidate>,
    /// The probability that a part belongs to an entity, row-major `[entities, parts]`.
    pub entity_part: Vec<f32>,
    /// The probability that an entity is a member of a relation, row-major `[relations, entities]`.
    pub relation_entity: Vec<f32>,
    /// The network's thresholds.
    pub thresholds: Thresholds,
}

/// The scene of a whole photo, or of a region of it (a mask of the photo's size).
///
/// Entities do not overlap, and neither do parts: better masks are painted over worse ones.
/// Relations may overlap. The entity of a part and the two members of a relation are those with the
/// strongest predicted links. If there is no link, containment decides. A relation is left out if
/// it has fewer than two entities, or if a better relation has the same two. Only masks of the
/// given `levels` are in the scene.
pub fn scene_by_score(
    candidates: &LevelCandidates,
    region: Option<&BitMask>,
    (width, height): (u32, u32),
    rules: &LevelRules,
    levels: &[Level],
) -> Scene {
    let window = region.and_then(BitMask::bbox);
    let raster = window.map_or_else(
        || Raster::over_photo(width, height),
        |bbox| Raster::around(bbox, width, height),
    );
    let cells = region.map(|region| raster.reduce(region));
    let min_score = candidates.thresholds.min_score;
    let seen = |candidates| visible(candidates, &raster, cells.as_ref(), min_score, rules);
    let canvas = Canvas { region, width, height, rules };
    let thresholds = &candidates.thresholds;

    let entities = disjoint(seen(&candidates.entities), thresholds.visible);
    let parts = disjoint(seen(&candidates.parts), thresholds.visible);
    let relations = distinct(seen(&candidates.relations), thresholds.same);
    let wanted = |level| levels.contains(&level);

    let mut masks = Vec::new();
    // The id of each entity: its position in `masks`, counted from 1.
    let mut ids = vec![None; entities.len()];
    if wanted(Level::Entity) {
        let painted =
            paint(&canvas, Level::Entity, &candidates.entities, &entities, thresholds.speck);
        for (id, mask) in ids.iter_mut().zip(painted) {
            if let Some(mask) = mask {
                masks.push(mask);
                *id = Some(masks.len() as u32);
            }
        }
    }
    if wanted(Level::Part) {
        let painted = paint(&canvas, Level::Part, &candidates.parts, &parts, thresholds.speck);
        for (piece, mask) in parts.iter().zip(painted) {
            let link = |entity: &Piece| {
                candidates.entity_part[entity.candidate * candidates.parts.len() + piece.candidate]
            };
            let holds = |entity: &Piece| share(piece, entity);
            let parent = best_linked(&entities, link, holds, 1, thresholds)
                .first()
                .and_then(|&entity| ids[entity]);
            masks.extend(mask.map(|mask| Mask { parent, ..mask }));
        }
    }
    if wanted(Level::Relation) {
        let mut pairs = HashSet::new();
        for piece in &relations {
            let link = |entity: &Piece| {
                candidates.relation_entity
                    [piece.candidate * candidates.entities.len() + entity.candidate]
            };
            let mut members =
                best_linked(&entities, link, |entity| share(entity, piece), 2, thresholds);
            members.sort_unstable();
            // Two entities have only one relation, the best.
            if members.len() < 2 || !pairs.insert(members.clone()) {
                continue;
            }
            let mut pixels = canvas.render(&candidates.relations[piece.candidate]);
            canvas.remove_specks(&mut pixels, thresholds.speck);
            let members = members.into_iter().filter_map(|entity| ids[entity]).collect();
            let mask = Mask::describe(Level::Relation, piece.score, &pixels);
            masks.extend(mask.map(|mask| Mask { members, ..mask }));
        }
    }
    Scene { width, height, masks: numbered(masks) }
}

/// All candidates, each as an entity, the best first. The masks may overlap and lie in one another,
/// but of two masks with an IoU above `same` only the better one is there.
pub fn proposals(
    candidates: &[Candidate],
    same: f32,
    (width, height): (u32, u32),
    rules: &LevelRules,
) -> Scene {
    let raster = Raster::over_photo(width, height);
    let canvas = Canvas { region: None, width, height, rules };
    let kept = distinct(visible(candidates, &raster, None, 0.0, rules), same);
    let masks = kept.iter().filter_map(|piece| {
        Mask::describe(Level::Entity, piece.score, &canvas.render(&candidates[piece.candidate]))
    });
    Scene { width, height, masks: numbered(masks.collect()) }
}

/// How sure the network is of the relation whose mask is `both`, the union of two entities at the
/// photo's size. This is the score of the matching relation that scores best, or 0 if no relation
/// matches.
pub fn relation_score_of_levels(
    candidates: &LevelCandidates,
    both: &BitMask,
    rules: &LevelRules,
) -> f32 {
    let Some(bbox) = both.bbox() else { return 0.0 };
    let (width, height) = both.size();
    let raster = Raster::around(bbox, width, height);
    let cells = raster.reduce(both);
    let overlaps = candidates.relations.iter().map(|candidate| {
        let iou = raster.render(candidate, rules.mask_threshold).iou(&cells);
        (iou, clean_score(candidate.score))
    });
    let matches = overlaps.filter(|(iou, _)| *iou >= candidates.thresholds.r#match);
    matches.map(|(_, score)| score).fold(0.0, f32::max)
}

/// The pieces of the candidates that are good enough and lie in the region, the best first.
fn visible(
    candidates: &[Candidate],
    raster: &Raster,
    region: Option<&BitMask>,
    min_score: f32,
    rules: &LevelRules,
) -> Vec<Piece> {
    let mut pieces = pieces(candidates, raster, region, rules);
    pieces.retain(|piece| {
        piece.score >= min_score
            && (region.is_none() || piece.containment >= rules.region_containment)
    });
    pieces.sort_by(|a, b| b.score.total_cmp(&a.score));
    pieces
}

/// Gives each cell to the best piece that has it, and drops the pieces that keep less than the
/// share `visible` of their cells.
fn disjoint(pieces: Vec<Piece>, visible: f32) -> Vec<Piece> {
    let mut taken: Option<BitMask> = None;
    let mut kept = Vec::new();
    for piece in pieces {
        let mut left = piece.cells.clone();
        if let Some(taken) = &taken {
            left.subtract(taken);
        }
        if (left.area() as f32) < visible * piece.area as f32 {
            continue;
        }
        match &mut taken {
            Some(taken) => taken.union_with(&piece.cells),
            None => taken = Some(piece.cells.clone()),
        }
        kept.push(Piece { area: left.area(), cells: left, ..piece });
    }
    kept
}

/// Of pieces whose IoU is above `same`, keeps only the best.
fn distinct(pieces: Vec<Piece>, same: f32) -> Vec<Piece> {
    let mut kept: Vec<Piece> = Vec::new();
    for piece in pieces {
        if kept.iter().all(|other| other.cells.iou(&piece.cells) <= same) {
            kept.push(piece);
        }
    }
    kept
}

/// The share of `a` that lies in `b`.
fn share(a: &Piece, b: &Piece) -> f32 {
    a.cells.contained_in(&b.cells)
}

/// The indices of up to `count` pieces with the strongest links. A link is multiplied by
/// containment, because the network has hardly ever seen a part outside of what it was asked to
/// link it to. Pieces without a link come after those with one, by containment alone.
fn best_linked(
    pieces: &[Piece],
    link: impl Fn(&Piece) -> f32,
    containment: impl Fn(&Piece) -> f32,
    count: usize,
    thresholds: &Thresholds,
) -> Vec<usize> {
    let mut ranked: Vec<(bool, f32, usize)> = pieces
        .iter()
        .enumerate()
        .filter_map(|(index, piece)| {
            let (link, contained) = (link(piece), containment(piece));
            if link >= thresholds.link && contained >= thresholds.held {
                Some((true, link * contained, index))
            } else {
                (contained >= thresholds.contained).then_some((false, contained, index))
            }
        })
        .collect();
    ranked.sort_by(|a, b| b.0.cmp(&a.0).then(b.1.total_cmp(&a.1)));
    ranked.into_iter().take(count).map(|(.., index)| index).collect()
}

/// Masks at the photo's size that do not overlap, in the order of the pieces; `None` if nothing is
/// left of a mask.
fn paint(
    canvas: &Canvas<'_>,
    level: Level,
    candidates: &[Candidate],
    pieces: &[Piece],
    speck: f32,
) -> impl Iterator<Item = Option<Mask>> {
    let mut taken = BitMask::new(canvas.width, canvas.height);
    pieces.iter().map(move |piece| {
        let pixels = canvas.paint(&candidates[piece.candidate], &mut taken, speck);
        Mask::describe(level, piece.score, &pixels)
    })
}
