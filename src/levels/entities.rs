//! Which candidates are entities.

use super::LevelRules;
use super::pieces::Piece;
use crate::mask::BitMask;
use crate::mask::regions::connected_regions;

/// A connected region of a mask counts only if it has at least this share of the mask.
const CRUMB: f32 = 0.05;
/// A member of a group counts if at most this share of it lies in the members that were counted
/// before it.
const MEMBER_OVERLAP: f32 = 0.1;
/// A member of a group has at least this share of itself in the group.
const MEMBER_CONTAINMENT: f32 = 0.9;
/// A member of a group has at most this share of the group's area.
const MEMBER_MAX_AREA: f32 = 0.8;

/// A candidate that was chosen as an entity, with the cells that it keeps.
pub(super) struct Entity {
    /// The index of its piece.
    pub piece: usize,
    /// Its cells without those of the entities before it.
    pub cells: BitMask,
}

/// The entities, in the order in which they are painted: each cell belongs to the first entity that
/// has it.
pub(super) fn select_entities(
    pieces: &[Piece],
    region_area: u32,
    rules: &LevelRules,
) -> Vec<Entity> {
    let backdrop: Vec<Option<bool>> =
        pieces.iter().map(|p| is_backdrop(p, region_area, rules)).collect();
    let mut order: Vec<usize> = (0..pieces.len()).filter(|&i| backdrop[i].is_some()).collect();
    order.sort_by_key(|&i| (backdrop[i], std::cmp::Reverse(pieces[i].area)));

    let Some(first) = pieces.first() else {
        return Vec::new();
    };
    let mut covered = BitMask::new(first.cells.width(), first.cells.height());
    let mut chosen: Vec<usize> = Vec::new();
    for i in order {
        let piece = &pieces[i];
        if piece.cells.contained_in(&covered) > rules.entity_max_covered {
            continue;
        }
        if backdrop[i] == Some(false) && is_group(i, pieces, &backdrop, rules) {
            continue;
        }
        covered.union_with(&piece.cells);
        chosen.push(i);
    }
    chosen.sort_by(|&a, &b| {
        let by_score = pieces[b].score.total_cmp(&pieces[a].score);
        backdrop[a].cmp(&backdrop[b]).then(by_score)
    });
    paint(chosen, pieces, rules)
}

/// Whether a piece is a backdrop, which is painted after all other pieces; `None` if the piece
/// cannot be an entity.
fn is_backdrop(piece: &Piece, region_area: u32, rules: &LevelRules) -> Option<bool> {
    let share = piece.area as f32 / region_area.max(1) as f32;
    if piece.containment >= rules.region_containment {
        Some(share > rules.backdrop_area)
    } else {
        (share >= rules.region_backdrop).then_some(true)
    }
}

/// Gives every cell to the first piece in the order that has it. Pieces that lose most of their
/// cells are dropped one at a time, the worst one first.
fn paint(mut chosen: Vec<usize>, pieces: &[Piece], rules: &LevelRules) -> Vec<Entity> {
    loop {
        let mut entities: Vec<Entity> = Vec::with_capacity(chosen.len());
        let mut worst: Option<(usize, f32)> = None;
        let mut taken = match chosen.first() {
            Some(&i) => BitMask::new(pieces[i].cells.width(), pieces[i].cells.height()),
            None => return entities,
        };
        for (position, &piece) in chosen.iter().enumerate() {
            let mut cells = pieces[piece].cells.clone();
            cells.subtract(&taken);
            taken.union_with(&cells);
            let kept = cells.area() as f32 / pieces[piece].area.max(1) as f32;
            if kept < rules.entity_min_kept && worst.is_none_or(|(_, least)| kept < least) {
                worst = Some((position, kept));
            }
            entities.push(Entity { piece, cells });
        }
        match worst {
            Some((position, _)) => drop(chosen.remove(position)),
            None => return entities,
        }
    }
}

/// Whether a piece is a mere group, that is, a union of things that are good candidates on their
/// own.
///
/// There are two signs of a group. Either it consists of separate regions, and each of them is a
/// candidate with about the same score. Or it is filled by two or more candidates with clearly
/// better scores. The parts of one thing show neither sign, because they are connected and score
/// like the whole.
fn is_group(index: usize, pieces: &[Piece], backdrop: &[Option<bool>], rules: &LevelRules) -> bool {
    let group = &pieces[index];
    let mut members: Vec<&Piece> = (0..pieces.len())
        .filter(|&i| i != index && backdrop[i] == Some(false))
        .map(|i| &pieces[i])
        .filter(|p| p.area as f32 <= MEMBER_MAX_AREA * group.area as f32)
        .filter(|p| p.cells.contained_in(&group.cells) >= MEMBER_CONTAINMENT)
        .collect();
    members.sort_by_key(|p| std::cmp::Reverse(p.area));
    if members.len() < 2 {
        return false;
    }
    falls_apart(group, &members, rules) || is_filled(group, &members, rules)
}

fn falls_apart(group: &Piece, members: &[&Piece], rules: &LevelRules) -> bool {
    let parts: Vec<BitMask> = connected_regions(&group.cells)
        .into_iter()
        .take_while(|part| part.area() as f32 >= CRUMB * group.area as f32)
        .collect();
    let strong = |part: &BitMask| {
        members.iter().any(|m| {
            m.score >= group.score - rules.group_score_margin
                && m.cells.iou(part) >= rules.group_piece_iou
        })
    };
    parts.len() >= 2 && parts.iter().all(strong)
}

fn is_filled(group: &Piece, members: &[&Piece], rules: &LevelRules) -> bool {
    let mut filled = BitMask::new(group.cells.width(), group.cells.height());
    let mut count = 0;
    for member in members.iter().filter(|m| m.score >= group.score + rules.group_score_margin) {
        if member.cells.contained_in(&filled) <= MEMBER_OVERLAP {
            filled.union_with(&member.cells);
            count += 1;
        }
    }
    count >= 2 && group.cells.contained_in(&filled) >= rules.group_filled
}
