//! Binary masks of a photo: storage, COCO run-length codec, and the geometry that the levels are built from.
//!
//! Pixel coordinates have their origin at the top-left corner of the top-left pixel, x to the right, y down;
//! the centre of pixel `(x, y)` lies at `(x + 0.5, y + 0.5)`.

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
