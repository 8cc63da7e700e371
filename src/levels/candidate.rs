//! What the levels are made of.

use crate::mask::{BBox, BitMask, Frame, LowResLogits};

/// A mask proposal, after filtering by quality and non-maximum suppression.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// Logits on the decoder's grid.
    pub logits: LowResLogits,
    /// The part of the photo that the logits' valid cells cover, in pixels: the whole photo, or the crop they
    /// come from.
    pub frame: BBox,
    /// Quality, 0 to 1 (SAM's predicted IoU).
    pub score: f32,
}

impl Candidate {
    /// The mask at the photo's size.
    pub fn render(&self, width: u32, height: u32, threshold: f32) -> BitMask {
        let frame = Frame {
            x: self.frame.x.into(),
            y: self.frame.y.into(),
            width: self.frame.width.into(),
            height: self.frame.height.into(),
        };
        self.logits.render(frame, width, height, threshold)
    }
}
