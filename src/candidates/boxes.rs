//! Boxes that the box head predicts, and the choice of those that SAM is asked about.

use crate::level::Level;

/// The levels of boxes, in the order of the box head's outputs.
pub const BOX_LEVELS: [Level; 2] = [Level::Part, Level::Entity];
/// Two boxes with at least this IoU are taken for the same.
const SAME: f32 = 0.7;
/// Of each level, only this many boxes are compared, the best.
const COMPARED: usize = 1000;

/// What the box head says of a photo. A cell has two rows and two columns of a mask's cells.
#[derive(Clone, Debug)]
pub struct BoxOutput {
    /// The number of rows of cells.
    pub rows: usize,
    /// The number of columns of cells.
    pub columns: usize,
    /// The boxes, row-major `[rows, columns, BOX_LEVELS]`.
    pub cells: Vec<CellBox>,
}

/// The box of the thing that a cell belongs to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CellBox {
    /// The IoU that the box is expected to have with the thing's box, 0 to 1.
    pub quality: f32,
    /// Left, top, right and bottom, in cells.
    pub corners: [f32; 4],
}

/// A box that SAM is asked about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PromptBox {
    /// The box and its quality.
    pub found: CellBox,
    /// The level of the thing in it.
    pub level: Level,
}

impl BoxOutput {
    /// The `most` best boxes of the `levels`, the best first. Only cells that `is_asked` (given
    /// column and row) are looked at, and boxes are cut off at `size`, the columns and rows of
    /// cells, which may have fractions, that show the photo.
    pub fn prompts(
        &self,
        levels: &[Level],
        size: (f32, f32),
        most: usize,
        is_asked: impl Fn(usize, usize) -> bool,
    ) -> Vec<PromptBox> {
        let [width, height] = [size.0, size.1].map(|side| side.ceil() as usize);
        let mut prompts = Vec::new();
        for (number, level) in BOX_LEVELS.into_iter().enumerate() {
            if !levels.contains(&level) {
                continue;
            }
            let rows = 0..height.min(self.rows);
            let cells = rows.flat_map(|y| (0..width.min(self.columns)).map(move |x| (x, y)));
            let boxes = cells.filter(|&(x, y)| is_asked(x, y)).map(|(x, y)| {
                self.cells[(y * self.columns + x) * BOX_LEVELS.len() + number].within(size)
            });
            let best = merged(boxes.collect(), most);
            prompts.extend(best.into_iter().map(|found| PromptBox { found, level }));
        }
        prompts.sort_by(|a, b| b.found.quality.total_cmp(&a.found.quality));
        prompts.truncate(most);
        prompts
    }
}

impl CellBox {
    fn within(self, (width, height): (f32, f32)) -> Self {
        let [left, top, right, bottom] = self.corners;
        let corners = [
            left.clamp(0.0, width),
            top.clamp(0.0, height),
            right.clamp(0.0, width),
            bottom.clamp(0.0, height),
        ];
        Self { corners, ..self }
    }

    fn area(&self) -> f32 {
        let [left, top, right, bottom] = self.corners;
        (right - left).max(0.0) * (bottom - top).max(0.0)
    }

    fn iou(&self, other: &Self) -> f32 {
        let [a, b] = [&self.corners, &other.corners];
        let width = (a[2].min(b[2]) - a[0].max(b[0])).max(0.0);
        let height = (a[3].min(b[3]) - a[1].max(b[1])).max(0.0);
        let both = width * height;
        both / (self.area() + other.area() - both).max(1e-6)
    }
}

/// Non-maximum suppression, the best boxes first. A box takes over those that are the same: it
/// becomes their mean, weighted by the squares of their qualities.
fn merged(mut boxes: Vec<CellBox>, most: usize) -> Vec<CellBox> {
    boxes.sort_by(|a, b| b.quality.total_cmp(&a.quality));
    boxes.truncate(COMPARED);
    let mut kept = Vec::new();
    while let (Some(&best), true) = (boxes.first(), kept.len() < most) {
        // An empty box is not the same as itself.
        let mut first = true;
        let (same, others): (Vec<_>, Vec<_>) = boxes
            .into_iter()
            .partition(|other| std::mem::take(&mut first) || best.iou(other) >= SAME);
        let weights: f32 = same.iter().map(|same| same.quality * same.quality).sum();
        let mean = |corner: usize| {
            let sum: f32 =
                same.iter().map(|same| same.corners[corner] * same.quality * same.quality).sum();
            sum / weights
        };
        kept.push(CellBox { quality: best.quality, corners: [0, 1, 2, 3].map(mean) });
        boxes = others;
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(quality: f32, corners: [f32; 4]) -> CellBox {
        CellBox { quality, corners }
    }

    /// Four cells, each with the box of a part and that of an entity.
    fn output() -> BoxOutput {
        let part = [cell(0.9, [0.0, 0.0, 2.0, 2.0]), cell(0.3, [0.0, 0.0, 2.0, 1.8])];
        let other = [cell(0.5, [2.0, 0.0, 4.0, 1.0]), cell(0.1, [3.0, 1.0, 9.0, 9.0])];
        let entity = cell(0.7, [0.0, 0.0, 4.0, 2.0]);
        let cells = part.into_iter().chain(other).flat_map(|part| [part, entity]).collect();
        BoxOutput { rows: 2, columns: 2, cells }
    }

    #[test]
    fn boxes_of_one_thing_are_merged() {
        let levels = [Level::Part, Level::Entity];
        let prompts = output().prompts(&levels, (2.0, 2.0), 9, |_, _| true);
        let found: Vec<_> =
            prompts.iter().map(|prompt| (prompt.level, prompt.found.quality)).collect();
        // The entity's box is cut off at the photo's edge, and all its cells agree.
        assert_eq!(
            found,
            [(Level::Part, 0.9), (Level::Entity, 0.7), (Level::Part, 0.5), (Level::Part, 0.1)]
        );
        let bottom = (2.0 * 0.81 + 1.8 * 0.09) / 0.9;
        assert!((prompts[0].found.corners[3] - bottom).abs() < 1e-6);
    }

    #[test]
    fn only_what_is_asked_for_is_found() {
        let prompts = output().prompts(&[Level::Part], (2.0, 2.0), 1, |_, y| y == 1);
        assert_eq!(prompts.len(), 1);
        assert_eq!((prompts[0].level, prompts[0].found.quality), (Level::Part, 0.5));
        assert!(output().prompts(&[Level::Relation], (2.0, 2.0), 9, |_, _| true).is_empty());
    }
}
