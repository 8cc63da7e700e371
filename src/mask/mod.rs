//! Masks of a photo: how they are stored, COCO run-length encoding, and the geometry that scenes
//! are made with.
//!
//! The origin of all coordinates is the top-left corner of the top-left pixel; x goes to the right
//! and y goes down. So the centre of pixel `(x, y)` is at `(x + 0.5, y + 0.5)`.

pub(crate) mod bitmask;
pub(crate) mod contact;
pub(crate) mod distance;
pub(crate) mod grow;
pub(crate) mod logits;
pub(crate) mod nms;
pub(crate) mod polygon;
pub(crate) mod regions;
pub(crate) mod rle;

pub use bitmask::{BBox, BitMask};
pub use contact::{boundary, dilate};
pub use distance::deepest;
pub use logits::{Frame, LogitsError, LowResLogits};
pub use polygon::{ShapeError, rasterise_box, rasterise_polygon};
pub use rle::{Rle, RleError};

#[cfg(test)]
pub(crate) mod testing;
