//! The decision raster: a coarse copy of the photo, or of a window of it, on which masks are compared.

use super::Candidate;
use crate::mask::{BBox, BitMask, Frame};

/// Cells along the longer side, as many as SAM's masks have.
const CELLS: u32 = 256;

/// A raster of `width` x `height` cells over a window of the photo (in pixels).
pub(super) struct Raster {
    window: BBox,
    width: u32,
    height: u32,
}

impl Raster {
    pub(super) fn over_photo(width: u32, height: u32) -> Self {
        Self::over(BBox { x: 0, y: 0, width, height })
    }

    /// Over a box and half its size around it, as far as the photo reaches, so that it shows how far a
    /// candidate reaches out of the box.
    pub(super) fn around(bbox: BBox, width: u32, height: u32) -> Self {
        let (dx, dy) = (bbox.width / 2 + 1, bbox.height / 2 + 1);
        let (x, y) = (bbox.x.saturating_sub(dx), bbox.y.saturating_sub(dy));
        let right = bbox.right().saturating_add(dx).min(width);
        let bottom = bbox.bottom().saturating_add(dy).min(height);
        Self::over(BBox { x, y, width: right - x, height: bottom - y })
    }

    pub(super) fn over(window: BBox) -> Self {
        let longer = window.width.max(window.height).max(1);
        let cells = |side: u32| {
            if longer <= CELLS {
                side
            } else {
                (f64::from(side) * f64::from(CELLS) / f64::from(longer)).round().max(1.0) as u32
            }
        };
        Self { window, width: cells(window.width), height: cells(window.height) }
    }

    pub(super) fn cell_count(&self) -> u32 {
        self.width * self.height
    }

    /// A candidate's mask on the raster.
    pub(super) fn render(&self, candidate: &Candidate, threshold: f32) -> BitMask {
        let sx = f64::from(self.width) / f64::from(self.window.width.max(1));
        let sy = f64::from(self.height) / f64::from(self.window.height.max(1));
        let frame = Frame {
            x: (f64::from(candidate.frame.x) - f64::from(self.window.x)) * sx,
            y: (f64::from(candidate.frame.y) - f64::from(self.window.y)) * sy,
            width: f64::from(candidate.frame.width) * sx,
            height: f64::from(candidate.frame.height) * sy,
        };
        candidate.logits.render(frame, self.width, self.height, threshold)
    }

    /// A full-size mask on the raster. A mask too fine for any cell centre leaves at least the cell in its
    /// middle.
    pub(super) fn reduce(&self, mask: &BitMask) -> BitMask {
        let mut low = mask.sample_nearest(self.window, self.width, self.height);
        if let (true, Some(bbox)) = (low.is_empty(), mask.bbox()) {
            let cell = |pixel: u32, start: u32, from: u32, to: u32| {
                (u64::from(pixel.saturating_sub(start)) * u64::from(to) / u64::from(from.max(1)))
                    as u32
            };
            let (x, y) = (bbox.x + bbox.width / 2, bbox.y + bbox.height / 2);
            let x = cell(x, self.window.x, self.window.width, self.width);
            let y = cell(y, self.window.y, self.window.height, self.height);
            low.set(x, y, true);
        }
        low
    }
}
