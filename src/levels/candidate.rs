//! The masks that scenes are made from.

use crate::mask::{BBox, BitMask, Frame, LowResLogits};

/// A mask that may be chosen for the scene.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The logits of the mask on the decoder's grid.
    pub logits: LowResLogits,
    /// The rectangle of the photo that the valid cells of the logits cover, in pixels: the whole
    /// photo, or the crop that the mask comes from.
    pub frame: BBox,
    /// How sure the network is of the mask, from 0 to 1. For SAM's masks it is the predicted IoU.
    pub score: f32,
}

impl Candidate {
    /// The mask of the logits above `threshold`, at the photo's size of `width` x `height` pixels.
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
