//! From the bytes of an image file to the pixels the network sees.

mod container;
mod decode;
mod ground;
mod jpeg;
mod resize;

pub use decode::{MEGAPIXEL_LIMIT, decode, from_rgba};
pub use resize::{fit, scale_to};

/// Longest side of a photo that is taken, and so of a mask, in pixels.
pub const MAX_SIDE: u32 = 65_535;

/// Upright 8-bit RGB pixels, rows from the top.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Photo {
    pub width: u32,
    pub height: u32,
    /// `width * height * 3` bytes.
    pub rgb: Vec<u8>,
}
