//! Which predictions are compared with which human masks.

use aims_web::Level;
use anyhow::{Context, Result, ensure};

use super::data::{Drawing, Label, LabelLevel, LabelledImage};
use super::matching::{Shape, Target};
use super::measure::Measure;
use super::predictions::{ImagePredictions, Prediction};

/// The measures of a set of images. `_any`: predictions of every level take part.
#[derive(Clone, Default)]
pub struct Scores {
    pub entity: Measure,
    pub entity_any: Measure,
    pub part: Measure,
    pub part_any: Measure,
    /// The parts found in a human entity mask given as prompt.
    pub part_prompted: Measure,
    /// Human masks of unknown level.
    pub region_any: Measure,
    /// Entities again, on images labelled completely, where a mask without counterpart is wrong.
    pub entity_complete: Measure,
    pub images: usize,
    /// Predictions from images alone.
    pub predictions: usize,
}

impl Scores {
    /// # Errors
    /// A mask that cannot be read, or of another size than the image.
    pub fn add(&mut self, image: &LabelledImage, predictions: &ImagePredictions) -> Result<()> {
        self.images += 1;
        let drawings: Vec<Vec<Shape>> = image.drawings.iter().map(shapes).collect::<Result<_>>()?;
        let size = drawings.iter().flatten().next().map(Shape::size);
        if let Some(full) = &predictions.full {
            let found = Found::new(full, size)?;
            self.predictions += full.masks.len();
            for (drawing, shapes) in image.drawings.iter().zip(&drawings) {
                self.add_drawing(drawing, shapes, &found);
            }
        }
        for prompted in &predictions.prompted {
            let (Some(drawing), Some(shapes)) = (image.drawings.first(), drawings.first()) else { continue };
            let found = Found::new(prompted, size)?;
            let targets = targets(drawing, shapes, |label| {
                label.level == LabelLevel::Part && label.parent == prompted.entity
            });
            self.part_prompted.add(&found.of(Level::Part), &targets);
        }
        Ok(())
    }

    fn add_drawing(&mut self, drawing: &Drawing, shapes: &[Shape], found: &Found) {
        let of = |level| targets(drawing, shapes, move |label: &Label| label.level == level);
        let (entities, parts, regions) =
            (of(LabelLevel::Entity), of(LabelLevel::Part), of(LabelLevel::Region));
        let any = found.all();
        self.entity.add(&found.of(Level::Entity), &entities);
        self.entity_any.add(&any, &entities);
        self.part.add(&found.of(Level::Part), &parts);
        self.part_any.add(&any, &parts);
        self.region_any.add(&any, &regions);
        if drawing.is_complete {
            self.entity_complete.add(&found.of(Level::Entity), &entities);
        }
    }

    pub fn merge(&mut self, other: &Scores) {
        self.entity.merge(&other.entity);
        self.entity_any.merge(&other.entity_any);
        self.part.merge(&other.part);
        self.part_any.merge(&other.part_any);
        self.part_prompted.merge(&other.part_prompted);
        self.region_any.merge(&other.region_any);
        self.entity_complete.merge(&other.entity_complete);
        self.images += other.images;
        self.predictions += other.predictions;
    }
}

fn shapes(drawing: &Drawing) -> Result<Vec<Shape>> {
    drawing.labels.iter().map(|label| Ok(Shape::new(label.rle.decode()?))).collect()
}

/// The wanted labels of a drawing, and all that must not be scored.
fn targets<'a>(drawing: &Drawing, shapes: &'a [Shape], wanted: impl Fn(&Label) -> bool) -> Vec<Target<'a>> {
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

/// The decoded masks of a prediction, the best score first.
struct Found {
    masks: Vec<(f32, Level, Shape)>,
}

impl Found {
    fn new(prediction: &Prediction, size: Option<(u32, u32)>) -> Result<Self> {
        let mut masks = Vec::with_capacity(prediction.masks.len());
        for (index, mask) in prediction.masks.iter().enumerate() {
            let context = || format!("mask {index} predicted for {}", prediction.image);
            let shape = Shape::new(mask.rle.decode().with_context(context)?);
            ensure!(size.is_none_or(|size| size == shape.size()), "{} is not of the image's size", context());
            masks.push((mask.score, mask.level, shape));
        }
        masks.sort_by(|(a, ..), (b, ..)| b.total_cmp(a));
        Ok(Self { masks })
    }

    fn of(&self, level: Level) -> Vec<(f32, &Shape)> {
        self.masks.iter().filter(|(_, l, _)| *l == level).map(|(score, _, shape)| (*score, shape)).collect()
    }

    fn all(&self) -> Vec<(f32, &Shape)> {
        self.masks.iter().map(|(score, _, shape)| (*score, shape)).collect()
    }
}
