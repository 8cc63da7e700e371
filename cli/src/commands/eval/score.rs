//! Compares the predictions for a photo with the human masks that they should match.

use std::collections::BTreeSet;

use aims_web::Level;
use aims_web::mask::BitMask;
use anyhow::{Context, Result, ensure};

use super::data::{Drawing, Label, LabelLevel, LabelledImage, Relation};
use super::links::{Matched, agreement, boundary_f, matched};
use super::matching::{Shape, Target};
use super::mean::Mean;
use super::measure::Outcomes;
use super::predictions::{ImagePredictions, Prediction};

/// A prediction counts as inside something if at least this share of its pixels is there.
const INSIDE: f64 = 0.5;

/// The counts that one photo adds to each figure. In fields that end with `_any`, predictions of
/// every level count.
#[derive(Clone, Default)]
pub struct PhotoScores {
    /// Entities.
    pub entity: Outcomes,
    /// Entities, found by predictions of any level.
    pub entity_any: Outcomes,
    /// Parts. Predictions outside the entities that people divided into parts are not wrong,
    /// because nobody drew parts there.
    pub part: Outcomes,
    /// Parts, found by predictions of any level.
    pub part_any: Outcomes,
    /// Parts, found with a human entity mask as prompt.
    pub part_prompted: Outcomes,
    /// Pairs of entities that belong together.
    pub relation: Outcomes,
    /// Human masks of unknown level, found by predictions of any level.
    pub region_any: Outcomes,
    /// Entities of photos that are labelled completely, where a prediction that matches no label is
    /// wrong.
    pub entity_complete: Outcomes,
    /// Whether the true links between entities and parts were found.
    pub entity_part: Mean,
    /// Whether the true links between relations and entities were found.
    pub relation_entity: Mean,
    /// The same for the relations that people named.
    pub named_relation_entity: Mean,
    /// The boundary F of entities that were found.
    pub entity_boundary: Mean,
    /// The boundary F of parts that were found.
    pub part_boundary: Mean,
    /// How similar an entity's parts are when found in the whole photo and when prompted with its
    /// human mask.
    pub consistency: Mean,
    /// The number of predictions from the photo alone.
    pub predictions: usize,
}

impl PhotoScores {
    /// Compares the predictions for a photo with what people drew on it.
    ///
    /// # Errors
    /// If a mask cannot be decoded or does not have the photo's size.
    pub fn new(image: &LabelledImage, predictions: &ImagePredictions) -> Result<Self> {
        let mut scores = Self::default();
        let drawings: Vec<Vec<Shape>> = image.drawings.iter().map(shapes).collect::<Result<_>>()?;
        let size = drawings.iter().flatten().next().map(Shape::size);
        let full = predictions.full.as_ref().map(|full| Found::new(full, size)).transpose()?;
        if let Some(found) = &full {
            scores.predictions += found.masks.len();
            for (drawing, shapes) in image.drawings.iter().zip(&drawings) {
                let union = |relation: &Relation| {
                    let (a, b) = relation.members;
                    Shape::new(shapes[a].pixels().union(shapes[b].pixels()))
                };
                let unions: Vec<Shape> = drawing.relations.iter().map(union).collect();
                scores.add_drawing(drawing, shapes, &unions, found);
                scores.add_links(drawing, shapes, &unions, found);
            }
        }
        for prompted in &predictions.prompted {
            let (Some(drawing), Some(shapes)) = (image.drawings.first(), drawings.first()) else {
                continue;
            };
            let found = Found::new(prompted, size)?;
            let targets = targets(drawing, shapes, |label| {
                label.level == LabelLevel::Part && label.parent == prompted.entity
            });
            scores.part_prompted.add(&found.of(Level::Part), &targets);
            if let (Some(full), Some(entity)) = (&full, prompted.entity) {
                let entity = shapes[entity].pixels();
                let mut alone = full.shapes(Level::Part);
                alone.retain(|shape| shape.share_in(entity) >= INSIDE);
                if let Some(agreement) = agreement(&alone, &found.shapes(Level::Part)) {
                    scores.consistency.add(agreement);
                }
            }
        }
        Ok(scores)
    }

    fn add_drawing(
        &mut self,
        drawing: &Drawing,
        shapes: &[Shape],
        unions: &[Shape],
        found: &Found,
    ) {
        let of = |level| targets(drawing, shapes, move |label: &Label| label.level == level);
        let (entities, parts, regions) =
            (of(LabelLevel::Entity), of(LabelLevel::Part), of(LabelLevel::Region));
        let any = found.all();
        self.entity.add(&found.of(Level::Entity), &entities);
        self.entity_any.add(&any, &entities);
        if let Some(opened) = opened(drawing, shapes) {
            let judged = |shape: &Shape| shape.share_in(&opened) >= INSIDE;
            self.part.add_judged(&found.of(Level::Part), &parts, judged);
        }
        self.part_any.add(&any, &parts);
        self.region_any.add(&any, &regions);
        if drawing.is_complete {
            // Predictions where nothing is labelled are not judged. Regions are ignored, because
            // their level is unknown.
            let open = shapes
                .iter()
                .map(|shape| shape.pixels().clone())
                .reduce(|all, shape| all.union(&shape));
            let judged =
                |shape: &Shape| open.as_ref().is_some_and(|open| shape.share_in(open) >= INSIDE);
            let mut targets = of(LabelLevel::Entity);
            targets
                .extend(regions.iter().map(|region| Target { shape: region.shape, ignore: true }));
            self.entity_complete.add_judged(&found.of(Level::Entity), &targets, judged);
        }

        let relations: Vec<Target> =
            unions.iter().map(|shape| Target { shape, ignore: false }).collect();
        self.relation.add(&found.of(Level::Relation), &relations);
    }

    /// Adds the outlines and the links of a drawing. `unions` has the pixels of each of its
    /// relations.
    fn add_links(&mut self, drawing: &Drawing, shapes: &[Shape], unions: &[Shape], found: &Found) {
        let exact = |level| {
            let labels = drawing.labels.iter().zip(shapes).enumerate();
            let labels =
                labels.filter(move |(_, (label, _))| label.level == level && !label.approx);
            labels.map(|(index, (_, shape))| (index, shape)).collect::<Vec<_>>()
        };
        let entities = matched(&found.numbered(Level::Entity), &exact(LabelLevel::Entity));
        let parts = matched(&found.numbered(Level::Part), &exact(LabelLevel::Part));
        for (pairs, mean) in
            [(&entities, &mut self.entity_boundary), (&parts, &mut self.part_boundary)]
        {
            for &(prediction, label) in pairs {
                mean.add(boundary_f(
                    found.masks[prediction].shape.pixels(),
                    shapes[label].pixels(),
                ));
            }
        }

        let links = Matched { coarse: entities, fine: parts };
        for (part, label) in drawing.labels.iter().enumerate() {
            if let Some(entity) = label.parent
                && label.level == LabelLevel::Part
                && !drawing.labels[entity].approx
            {
                let linked = |entity: usize, part: usize| found.masks[part].parent == Some(entity);
                links.judge((entity, part), linked, &mut self.entity_part);
            }
        }

        let unions: Vec<(usize, &Shape)> = unions.iter().enumerate().collect();
        let relations = matched(&found.numbered(Level::Relation), &unions);
        let links = Matched { coarse: relations, fine: links.coarse };
        for (relation, &Relation { members: (a, b), is_named }) in
            drawing.relations.iter().enumerate()
        {
            let linked =
                |relation: usize, entity: usize| found.masks[relation].members.contains(&entity);
            for entity in [a, b] {
                links.judge((relation, entity), linked, &mut self.relation_entity);
                if is_named {
                    links.judge((relation, entity), linked, &mut self.named_relation_entity);
                }
            }
        }
    }
}

fn shapes(drawing: &Drawing) -> Result<Vec<Shape>> {
    drawing.labels.iter().map(|label| Ok(Shape::new(label.rle.decode()?))).collect()
}

/// The targets of a drawing: the wanted labels, and all that must not be scored.
fn targets<'a>(
    drawing: &Drawing,
    shapes: &'a [Shape],
    wanted: impl Fn(&Label) -> bool,
) -> Vec<Target<'a>> {
    drawing
        .labels
        .iter()
        .zip(shapes)
        .filter_map(|(label, shape)| {
            let ignore = label.crowd || (label.approx && wanted(label));
            (ignore || wanted(label)).then_some(Target { shape, ignore })
        })
        .collect()
}

/// The union of the entities whose parts people drew; `None` if there are no such entities.
fn opened(drawing: &Drawing, shapes: &[Shape]) -> Option<BitMask> {
    let parts = drawing.labels.iter().filter(|label| label.level == LabelLevel::Part);
    let entities: BTreeSet<usize> = parts.filter_map(|part| part.parent).collect();
    entities
        .into_iter()
        .map(|entity| shapes[entity].pixels().clone())
        .reduce(|all, entity| all.union(&entity))
}

struct FoundMask {
    score: f32,
    level: Level,
    shape: Shape,
    /// The entity of a part, as an index in the prediction's own order.
    parent: Option<usize>,
    /// The entities of a relation, as such indices.
    members: Vec<usize>,
}

/// The decoded masks of a prediction.
struct Found {
    /// The masks in the prediction's own order.
    masks: Vec<FoundMask>,
    /// The indices of the masks, best score first.
    ranked: Vec<usize>,
}

impl Found {
    fn new(prediction: &Prediction, size: Option<(u32, u32)>) -> Result<Self> {
        let mut masks = Vec::with_capacity(prediction.masks.len());
        for (index, mask) in prediction.masks.iter().enumerate() {
            let context = || format!("mask {index} predicted for {}", prediction.image);
            let shape = Shape::new(mask.rle.decode().with_context(context)?);
            ensure!(
                size.is_none_or(|size| size == shape.size()),
                "{} does not have the photo's size",
                context()
            );
            let (parent, members) = (mask.parent, mask.members.clone());
            masks.push(FoundMask { score: mask.score, level: mask.level, shape, parent, members });
        }
        let mut ranked: Vec<usize> = (0..masks.len()).collect();
        ranked.sort_by(|&a, &b| masks[b].score.total_cmp(&masks[a].score));
        Ok(Self { masks, ranked })
    }

    fn of(&self, level: Level) -> Vec<(f32, &Shape)> {
        let all = self.ranked.iter().map(|&index| &self.masks[index]);
        all.filter(|mask| mask.level == level).map(|mask| (mask.score, &mask.shape)).collect()
    }

    fn shapes(&self, level: Level) -> Vec<&Shape> {
        self.of(level).into_iter().map(|(_, shape)| shape).collect()
    }

    fn numbered(&self, level: Level) -> Vec<(usize, &Shape)> {
        let all = self.ranked.iter().map(|&index| (index, &self.masks[index]));
        all.filter(|(_, mask)| mask.level == level)
            .map(|(index, mask)| (index, &mask.shape))
            .collect()
    }

    fn all(&self) -> Vec<(f32, &Shape)> {
        self.ranked
            .iter()
            .map(|&index| (self.masks[index].score, &self.masks[index].shape))
            .collect()
    }
}
