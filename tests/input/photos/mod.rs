//! Tests bad photos, and good ones of every kind.

mod bombs;
mod damaged;
mod formats;
mod jpegs;
mod orientation;

use std::io::Cursor;

use aims_web::error::{Error, Result};
use aims_web::photo::{MEGAPIXEL_LIMIT, Photo, decode};
use image::{ImageReader, RgbImage};

use crate::memory::peak;

/// The sample photos of the demo.
pub const SAMPLES: [&[u8]; 3] = [
    include_bytes!("../../../www/public/samples/astronaut.jpg"),
    include_bytes!("../../../www/public/samples/chelsea.jpg"),
    include_bytes!("../../../www/public/samples/coffee.jpg"),
];
/// The photo of the other tests.
pub const PNG: &[u8] = include_bytes!("../../data/photo.png");

/// Decoding takes at most this many bytes per pixel that the file declares, or none if it declares
/// too many pixels.
pub const PER_PIXEL: u64 = 17;
/// Decoding takes at most this many further bytes per byte of the file. The file itself is not
/// counted.
pub const PER_BYTE: u64 = 5;
/// Decoding takes at most this many further bytes in any case.
pub const MORE: u64 = 2 << 20;
/// The same for WebP. Its lossy decoder takes up to 16 MB for a piece of data that is missing,
/// because lengths have 24 bits.
pub const MORE_OF_WEBP: u64 = 20 << 20;

/// Decodes a file. Checks that this takes no more memory than stated, and that an error is about
/// photos.
pub fn checked(file: &[u8]) -> Result<Photo> {
    let (result, bytes) = peak(|| decode(file));
    let more = if file.starts_with(b"RIFF") { MORE_OF_WEBP } else { MORE };
    let limit = PER_PIXEL * declared_pixels(file) + PER_BYTE * file.len() as u64 + more;
    assert!(
        bytes <= limit,
        "{bytes} bytes for a file of {}, limit {limit}: {result:?}",
        file.len()
    );
    match &result {
        Ok(photo) => {
            assert_eq!(
                photo.rgb.len() as u64,
                u64::from(photo.width) * u64::from(photo.height) * 3
            );
            assert!(!photo.rgb.is_empty());
        }
        Err(error) => assert!(is_about_photos(error), "{error:?}"),
    }
    result
}

/// The error code of a file that must be refused.
pub fn refused(file: &[u8]) -> &'static str {
    match checked(file) {
        Ok(photo) => panic!("accepted: {} x {} pixels", photo.width, photo.height),
        Err(error) => error.code(),
    }
}

fn is_about_photos(error: &Error) -> bool {
    matches!(
        error,
        Error::UnsupportedImage
            | Error::CorruptImage(_)
            | Error::ImageTooLarge { .. }
            | Error::EmptyImage
            | Error::AnimatedImage
            | Error::SixteenBitImage
    )
}

/// The number of pixels that the file's header declares, with sides rounded up to the 32 pixels
/// that a block of a JPEG may have; 0 if there is no header or it declares too many.
fn declared_pixels(file: &[u8]) -> u64 {
    // The header of a PNG is read by hand, because the reader would unpack its colour profile.
    let size = match file {
        [0x89, b'P', b'N', b'G', ..] => file.get(16..24).map(|size| {
            let side = |at: usize| {
                u32::from_be_bytes([size[at], size[at + 1], size[at + 2], size[at + 3]])
            };
            (side(0), side(4))
        }),
        _ => {
            let reader = ImageReader::new(Cursor::new(file)).with_guessed_format();
            reader.ok().and_then(|reader| reader.into_dimensions().ok())
        }
    };
    let Some([width, height]) = size.map(|(width, height)| [width, height].map(u64::from)) else {
        return 0;
    };
    if width * height > u64::from(MEGAPIXEL_LIMIT) * 1_000_000 {
        return 0;
    }
    width.next_multiple_of(32) * height.next_multiple_of(32)
}

/// A sample photo in a smaller size, to be encoded again.
pub fn small(width: u32, height: u32) -> RgbImage {
    let photo = decode(SAMPLES[1]).expect("the sample is valid");
    RgbImage::from_fn(width, height, |x, y| {
        let at = (y * photo.height / height * photo.width + x * photo.width / width) as usize * 3;
        image::Rgb([photo.rgb[at], photo.rgb[at + 1], photo.rgb[at + 2]])
    })
}

/// The RGB values of a pixel.
pub fn pixel(photo: &Photo, x: u32, y: u32) -> [u8; 3] {
    let at = (y * photo.width + x) as usize * 3;
    [photo.rgb[at], photo.rgb[at + 1], photo.rgb[at + 2]]
}
