//! Masks of a photo: how they are stored, COCO run-length encoding, and the geometry that scenes
//! are made with.
//!
//! The origin of all coordinates is the top-left corner of the top-left pixel; x goes to the right
//! and y goes down. So the centre of pixel `(x, y)` is at `(x + 0.5, y + 0.5)`.

pub mod bitmask;
pub mod contact;
pub mod distance;
pub mod grow;
pub mod logits;
pub mod nms;
pub mod polygon;
pub mod regions;
pub mod rle;

pub use bitmask::{BBox, BitMask};
pub use contact::{boundary, dilate};
pub use distance::deepest;
pub use logits::{Frame, LogitsError, LowResLogits};
pub use polygon::ShapeError;
pub use rle::{Rle, RleError};

#[cfg(test)]
pub(crate) mod testing;
