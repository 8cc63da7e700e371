//! From the bytes of an image file to the pixels that the network reads.

mod background;
mod container;
mod decode;
mod jpeg;
mod resize;

pub use decode::{MEGAPIXEL_LIMIT, decode, from_rgba};
pub use resize::{fit, scale_to};

/// The longest side that a photo, and so a mask, may have, in pixels.
pub const MAX_SIDE: u32 = 65_535;

/// A photo: upright 8-bit RGB pixels, with rows from the top.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Photo {
    /// The width of the photo, in pixels.
    pub width: u32,
    /// The height of the photo, in pixels.
    pub height: u32,
    /// The pixels: `width * height * 3` bytes.
    pub rgb: Vec<u8>,
}
