//! Scenes from candidates by geometric rules. The rules decide on the raster, and then the masks
//! are rendered at the photo's size.

use super::canvas::Canvas;
use super::entities::select_entities;
use super::parts::{Part, select_parts};
use super::pieces::{Piece, pieces};
use super::raster::Raster;
use super::relations::{Outline, Relation, relation_score, select_relations};
use super::{Candidate, Level, LevelError, LevelRules, Mask, Scene};
use crate::mask::regions::{remove_small_islands, remove_small_regions};
use crate::mask::{BBox, BitMask, Rle};

/// The scene of a whole photo of `width` x `height` pixels.
///
/// Entities are always found, because parts and relations refer to them, but only masks of the
/// given `levels` are in the scene. Without its entities, a scene has no `parent` and no `members`.
pub fn scene_by_rules(
    candidates: &[Candidate],
    (width, height): (u32, u32),
    rules: &LevelRules,
    levels: &[Level],
) -> Scene {
    let raster = Raster::over_photo(width, height);
    let painter = Painter { candidates, canvas: Canvas { region: None, width, height, rules } };
    painter.scene(&raster, levels)
}

/// The scene in a region of the photo (a mask of the photo's size). The region is a partial image,
/// or a relation that is opened into its entities.
///
/// Candidates that lie mostly in the region count and are cut to it. Larger candidates become its
/// backdrop if they cover a good part of it. Apart from that the rules are those of
/// [`scene_by_rules`], with the region in place of the photo.
///
/// # Errors
/// [`LevelError::EmptyMask`].
pub fn entities_in(
    candidates: &[Candidate],
    region: &BitMask,
    rules: &LevelRules,
    levels: &[Level],
) -> Result<Scene, LevelError> {
    let (width, height) = region.size();
    let bbox = region.bbox().ok_or(LevelError::EmptyMask)?;
    let raster = Raster::around(bbox, width, height);
    let painter =
        Painter { candidates, canvas: Canvas { region: Some(region), width, height, rules } };
    Ok(painter.scene(&raster, levels))
}

/// The parts of one entity (a mask of the photo's size). The entity itself is not in the scene, so
/// `parent` is `None`.
///
/// # Errors
/// [`LevelError::EmptyMask`].
pub fn parts_of(
    candidates: &[Candidate],
    entity: &BitMask,
    rules: &LevelRules,
) -> Result<Scene, LevelError> {
    let (width, height) = entity.size();
    let bbox = entity.bbox().ok_or(LevelError::EmptyMask)?;
    let raster = Raster::around(bbox, width, height);
    let cells = raster.reduce(entity);
    let pieces = pieces(candidates, &raster, Some(&cells), rules);
    let parts = select_parts(&pieces, &[&cells], |_| false, rules);
    let painter = Painter { candidates, canvas: Canvas { region: None, width, height, rules } };
    let masks = parts.iter().filter_map(|part| painter.part(&pieces[part.piece], entity)).collect();
    Ok(Scene { width, height, masks: numbered(masks) })
}

/// The relation of two entities (masks of the photo's size): the two entities as given, and their
/// union, which has both as members.
///
/// If there is no `score`, the score of the relation is the share of the shorter outline along
/// which the entities touch; it is 0 if they do not touch.
///
/// # Errors
/// [`LevelError::SizeMismatch`], [`LevelError::EmptyMask`].
pub fn relation_of(
    a: &BitMask,
    b: &BitMask,
    score: Option<f32>,
    rules: &LevelRules,
) -> Result<Scene, LevelError> {
    if a.size() != b.size() {
        return Err(LevelError::SizeMismatch { expected: a.size(), got: b.size() });
    }
    let (width, height) = a.size();
    let (Some(box_a), Some(box_b)) = (a.bbox(), b.bbox()) else {
        return Err(LevelError::EmptyMask);
    };
    let score = score.unwrap_or_else(|| {
        let raster = Raster::over(box_a.union(&box_b));
        let outline = |mask| Outline::new(&raster.reduce(mask), rules);
        relation_score(outline(a).contact(&outline(b)), 1.0, 1.0)
    });
    let both = a.union(b);
    let mut masks: Vec<Mask> =
        [(Level::Entity, 1.0, a), (Level::Entity, 1.0, b), (Level::Relation, score, &both)]
            .into_iter()
            .filter_map(|(level, score, pixels)| Mask::describe(level, score, pixels))
            .collect();
    if let Some(relation) = masks.last_mut() {
        relation.members = vec![1, 2];
    }
    Ok(Scene { width, height, masks: numbered(masks) })
}

/// A scene with the mask of one candidate, or with what lies in a region of it. This answers
/// prompts of points, a box, strokes or a lasso. The scene is empty if the mask is.
pub fn single_mask(
    candidate: &Candidate,
    (width, height): (u32, u32),
    region: Option<&BitMask>,
    rules: &LevelRules,
) -> Scene {
    let mut pixels = candidate.render(width, height, rules.mask_threshold);
    if let Some(region) = region {
        pixels.intersect_with(region);
    }
    remove_small_regions(&mut pixels, rules.min_mask_region_area);
    let masks = Mask::describe(Level::Entity, candidate.score, &pixels).into_iter().collect();
    Scene { width, height, masks: numbered(masks) }
}

/// Gives each mask its position as its id, counted from 1.
pub(super) fn numbered(mut masks: Vec<Mask>) -> Vec<Mask> {
    for (id, mask) in (1..).zip(&mut masks) {
        mask.id = id;
    }
    masks
}

/// Renders the scene that the rules decided on.
struct Painter<'a> {
    candidates: &'a [Candidate],
    canvas: Canvas<'a>,
}

impl Painter<'_> {
    fn scene(&self, raster: &Raster, levels: &[Level]) -> Scene {
        let wanted = |level| levels.contains(&level);
        let region = self.canvas.region.map(|r| raster.reduce(r));
        let region_area = region.as_ref().map_or(raster.cell_count(), BitMask::area);
        let pieces = pieces(self.candidates, raster, region.as_ref(), self.canvas.rules);
        let entities = select_entities(&pieces, region_area, self.canvas.rules);
        let parts = if wanted(Level::Part) {
            let cells: Vec<&BitMask> = entities.iter().map(|e| &e.cells).collect();
            select_parts(
                &pieces,
                &cells,
                |p| entities.iter().any(|e| e.piece == p),
                self.canvas.rules,
            )
        } else {
            Vec::new()
        };
        let relations = if wanted(Level::Relation) {
            let scored: Vec<_> =
                entities.iter().map(|e| (&e.cells, pieces[e.piece].score)).collect();
            select_relations(&scored, self.canvas.rules)
        } else {
            Vec::new()
        };
        let order: Vec<usize> = entities.iter().map(|e| e.piece).collect();
        let painted = self.paint(&pieces, &order, &parts);
        self.assemble(painted, &relations, wanted(Level::Entity))
    }

    /// The masks of entities (in their order; `None` if nothing is left at full size) and of parts
    /// (each with the index of its entity).
    fn paint(&self, pieces: &[Piece], entities: &[usize], parts: &[Part]) -> Painted {
        let mut taken = BitMask::new(self.canvas.width, self.canvas.height);
        let mut painted = Painted { entities: Vec::new(), parts: Vec::new() };
        for (index, &piece) in entities.iter().enumerate() {
            let pixels =
                self.canvas.paint(&self.candidates[pieces[piece].candidate], &mut taken, 0.0);
            painted.entities.push(Mask::describe(Level::Entity, pieces[piece].score, &pixels));
            // Parts are rendered here, while the pixels of their entity are in memory. At full size
            // the pixels of all entities would take too much memory.
            let own = parts.iter().filter(|part| part.parent == index);
            let masks = own.filter_map(|part| self.part(&pieces[part.piece], &pixels));
            painted.parts.extend(masks.map(|mask| (index, mask)));
        }
        painted.parts.sort_by(|(_, a), (_, b)| b.score.total_cmp(&a.score));
        painted
    }

    fn render(&self, piece: &Piece) -> BitMask {
        self.canvas.render(&self.candidates[piece.candidate])
    }

    fn part(&self, piece: &Piece, entity: &BitMask) -> Option<Mask> {
        let mut pixels = self.render(piece);
        pixels.intersect_with(entity);
        remove_small_islands(&mut pixels, self.canvas.rules.min_mask_region_area);
        Mask::describe(Level::Part, piece.score, &pixels)
    }

    fn assemble(&self, painted: Painted, relations: &[Relation], with_entities: bool) -> Scene {
        let relations: Vec<(Mask, [usize; 2])> = relations
            .iter()
            .filter_map(|r| {
                let [a, b] = r.members.map(|i| painted.entities[i].as_ref());
                Some((join(a?, b?, r.score)?, r.members))
            })
            .collect();
        // Entities are painted in the order of their scores, except that backdrops come last. In
        // the scene, only the score counts.
        let mut entities: Vec<(usize, Mask)> =
            painted.entities.into_iter().enumerate().filter_map(|(i, m)| Some((i, m?))).collect();
        entities.sort_by(|(_, a), (_, b)| b.score.total_cmp(&a.score));
        if !with_entities {
            entities.clear();
        }
        let ids: Vec<usize> = entities.iter().map(|(i, _)| *i).collect();
        let id = |entity: usize| ids.iter().position(|&i| i == entity).map(|p| p as u32 + 1);

        let mut masks: Vec<Mask> = entities.into_iter().map(|(_, mask)| mask).collect();
        masks.extend(painted.parts.into_iter().map(|(i, mask)| Mask { parent: id(i), ..mask }));
        masks.extend(relations.into_iter().map(|(mask, pair)| {
            let members = pair.into_iter().filter_map(id).collect();
            Mask { members, ..mask }
        }));
        Scene { width: self.canvas.width, height: self.canvas.height, masks: numbered(masks) }
    }
}

struct Painted {
    entities: Vec<Option<Mask>>,
    parts: Vec<(usize, Mask)>,
}

/// The relation of two masks that do not overlap.
pub(super) fn join(a: &Mask, b: &Mask, score: f32) -> Option<Mask> {
    // Both encodings come from this crate and have the photo's size, so the union cannot fail.
    let rle: Rle = a.rle.union(&b.rle).ok()?;
    let bbox: BBox = a.bbox.union(&b.bbox);
    let area = a.area + b.area;
    let (parent, members) = (None, Vec::new());
    Some(Mask { id: 0, level: Level::Relation, score, area, bbox, rle, parent, members })
}
