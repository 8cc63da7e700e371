//! The raster on which masks are compared: a coarse copy of the photo, or of a window of it.

use super::Candidate;
use crate::mask::{BBox, BitMask, Frame};

/// The number of cells along the longer side, as many as SAM's masks have.
const CELLS: u32 = 256;

/// A raster of `width` x `height` cells over a window of the photo (in pixels).
pub(super) struct Raster {
    window: BBox,
    width: u32,
    height: u32,
}

impl Raster {
    /// A raster over the whole photo, of `width` x `height` pixels.
    pub(super) fn over_photo(width: u32, height: u32) -> Self {
        Self::over(BBox { x: 0, y: 0, width, height })
    }

    /// A raster over a box and half of the box's size on each side of it, cut to the photo. It
    /// shows how far a candidate reaches beyond the box.
    pub(super) fn around(bbox: BBox, width: u32, height: u32) -> Self {
        let (dx, dy) = (bbox.width / 2 + 1, bbox.height / 2 + 1);
        let (x, y) = (bbox.x.saturating_sub(dx), bbox.y.saturating_sub(dy));
        let right = bbox.right().saturating_add(dx).min(width);
        let bottom = bbox.bottom().saturating_add(dy).min(height);
        Self::over(BBox { x, y, width: right - x, height: bottom - y })
    }

    /// A raster over a window of the photo (in pixels).
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

    /// The mask of a candidate on the raster.
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

    /// A mask of the photo's size on the raster. If the mask is too fine for any cell centre, the
    /// cell at the middle of its box is set.
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
