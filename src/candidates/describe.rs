//! Describes where candidates lie, and how each two of them overlap and touch. The scene head reads
//! these numbers in addition to the encoder's features.

use super::{Candidate, Kind};
use crate::mask::BitMask;
use crate::mask::grow::{grow, rim};

/// How many numbers describe a candidate.
pub const GEOMETRY: usize = 32;
/// How many numbers describe a pair of candidates.
pub const PAIRS: usize = 8;

/// A mask prompt on the candidates' grid of cells.
pub struct Region {
    cells: BitMask,
}

impl Region {
    /// Makes a region from the cells of the candidates' grid that lie in the prompt.
    pub fn new(cells: BitMask) -> Self {
        Self { cells }
    }

    /// The share of `mask` that lies in the prompt, 0 to 1.
    pub fn holds(&self, mask: &BitMask) -> f32 {
        mask.contained_in(&self.cells)
    }
}

/// Describes each candidate, row-major `[candidates, GEOMETRY]`. The numbers say how large it is,
/// where it lies, how long its outline is, which edges of the photo it touches, what the decoder
/// says of it, how many masks it stands for, which token it comes from, and how it lies relative to
/// the mask prompt `region`. `aspect` is the photo's width divided by its height.
pub fn geometry(candidates: &[Candidate], aspect: f32, region: Option<&Region>) -> Vec<f32> {
    candidates.iter().flat_map(|candidate| of_one(candidate, aspect, region)).collect()
}

fn of_one(
    Candidate { found, repeats, .. }: &Candidate,
    aspect: f32,
    region: Option<&Region>,
) -> [f32; GEOMETRY] {
    let mask = &found.cells;
    let (columns, rows) = (mask.width() as f32, mask.height() as f32);
    let (mut area, mut sum_x, mut sum_y) = (0.0, 0.0, 0.0);
    for (x, y) in mask.pixels() {
        area += 1.0;
        sum_x += x as f32 + 0.5;
        sum_y += y as f32 + 0.5;
    }
    let bbox = mask.bbox().unwrap_or_default();
    let (left, right) = (bbox.x as f32 / columns, bbox.right() as f32 / columns);
    let (top, bottom) = (bbox.y as f32 / rows, bbox.bottom() as f32 / rows);
    let outline = rim(mask).area() as f32 / (rows + columns);
    let size = (area / (rows * columns)).max(1e-6).ln();
    let half = 0.5 / columns.max(rows);
    let is = |holds: bool| f32::from(u8::from(holds));
    let (width, height) = (right - left, bottom - top);
    let mut numbers = [0.0; GEOMETRY];
    let all = [
        size / 3.0,
        sum_y / area.max(1.0) / rows,
        sum_x / area.max(1.0) / columns,
        top,
        left,
        bottom,
        right,
        height,
        width,
        outline,
        outline.max(1e-3).ln() - size / 2.0,
        height.max(1e-3).ln(),
        width.max(1e-3).ln(),
        is(top < half),
        is(left < half),
        is(bottom > 1.0 - half),
        is(right > 1.0 - half),
        found.predicted_iou,
        found.score,
        found.stability,
        (*repeats as f32).ln_1p(),
    ];
    numbers[..all.len()].copy_from_slice(&all);
    numbers[all.len() + found.kind as usize] = 1.0;
    let [prompted, within, covers] = match region {
        Some(region) => [1.0, region.holds(mask), region.cells.contained_in(mask)],
        None => [0.0, 1.0, 0.0],
    };
    numbers[all.len() + Kind::COUNT..].copy_from_slice(&[prompted, within, covers, aspect.ln()]);
    numbers
}

/// Describes each pair of candidates, row-major `[candidates, candidates, PAIRS]`: the IoU, the
/// share of the first that lies in the second and the reverse, whether each of these three is
/// large, and the share of the outline of each that lies next to or in the other.
pub fn pairs(candidates: &[Candidate]) -> Vec<f32> {
    let masks: Vec<_> = candidates.iter().map(|candidate| &candidate.found.cells).collect();
    let areas: Vec<_> = masks.iter().map(|mask| mask.area().max(1) as f32).collect();
    let outlines: Vec<_> = masks.iter().map(|mask| rim(mask)).collect();
    let lengths: Vec<_> = outlines.iter().map(|outline| outline.area().max(1) as f32).collect();
    let grown: Vec<_> = masks.iter().map(|mask| grow(mask, 1)).collect();
    let boxes: Vec<_> = grown.iter().map(|mask| mask.bbox().unwrap_or_default()).collect();
    let count = masks.len();
    let mut numbers = vec![0.0; count * count * PAIRS];
    let mut set = |first: usize, second: usize, at: usize, value: f32| {
        numbers[(first * count + second) * PAIRS + at] = value;
    };
    let is = |holds: bool| f32::from(u8::from(holds));
    for i in 0..count {
        // All numbers of masks that are far from each other are zero.
        for j in (0..count).filter(|&j| boxes[i].intersection_area(&boxes[j]) > 0) {
            let touch = outlines[i].intersection_area(&grown[j]) as f32 / lengths[i];
            set(i, j, 6, touch);
            set(j, i, 7, touch);
            let both = masks[i].intersection_area(masks[j]) as f32;
            let (iou, within) = (both / (areas[i] + areas[j] - both), both / areas[i]);
            set(i, j, 0, iou);
            set(i, j, 1, within);
            set(j, i, 2, within);
            set(i, j, 3, is(iou > 0.5));
            set(i, j, 4, is(within > 0.85));
            set(j, i, 5, is(within > 0.85));
        }
    }
    numbers
}
