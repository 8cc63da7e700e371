//! Decodes photos, and finds out what is wrong with a file that cannot be used.

use std::io::Cursor;

use image::codecs::{png::PngDecoder, webp::WebPDecoder};
use image::metadata::Orientation;
use image::{ColorType, DynamicImage, ImageDecoder, ImageError, ImageFormat, Limits, RgbImage};

use super::{MAX_SIDE, Photo, background, container, jpeg};
use crate::error::{Error, Result};

/// The most megapixels that an image may have. A larger one would take more than 800 MB of a tab's
/// memory when it is decoded.
pub const MEGAPIXEL_LIMIT: u32 = 100;

/// Decodes a JPEG, PNG or WebP file and turns the photo upright as its EXIF orientation says.
/// Transparent pixels are put on white, or on black or grey if much of what is opaque is nearly
/// white itself.
///
/// Besides the file and what it contains, this takes at most 8 bytes of memory per pixel. For a
/// JPEG that is progressive or of an unusual kind it takes at most 17 bytes, and such a file may
/// have only half as many pixels. A file that is refused because of its size takes no memory.
/// `tests/input/photos` has the exact limits.
///
/// # Errors
/// [`Error::EmptyImage`], [`Error::UnsupportedImage`], [`Error::CorruptImage`],
/// [`Error::ImageTooLarge`], [`Error::AnimatedImage`], [`Error::SixteenBitImage`].
pub fn decode(bytes: &[u8]) -> Result<Photo> {
    if bytes.is_empty() {
        return Err(Error::EmptyImage);
    }
    match image::guess_format(bytes) {
        Ok(ImageFormat::Jpeg) => jpeg::decode(bytes),
        Ok(ImageFormat::Png) => {
            if let Some((width, height)) = container::png_size(bytes) {
                check_size(width, height)?;
            }
            container::check_png(bytes).map_err(Error::CorruptImage)?;
            // A colour profile of a few kilobytes may unpack to gigabytes.
            let mut limits = Limits::no_limits();
            limits.max_alloc = Some(3 * bytes.len() as u64 + PNG_SPARE);
            let decoder = PngDecoder::with_limits(Cursor::new(bytes), limits).map_err(corrupt)?;
            if decoder.is_apng().map_err(corrupt)? {
                return Err(Error::AnimatedImage);
            }
            read(decoder)?.upright()
        }
        Ok(ImageFormat::WebP) => {
            let bytes = container::webp_file(bytes);
            let decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(corrupt)?;
            if decoder.has_animation() {
                return Err(Error::AnimatedImage);
            }
            check_dimensions(&decoder)?;
            container::check_webp(bytes, decoder.dimensions()).map_err(Error::CorruptImage)?;
            read(decoder)?.upright()
        }
        _ => Err(Error::UnsupportedImage),
    }
}

/// The memory in bytes that a PNG decoder may take for a row of pixels and a colour profile. Chunks
/// with text come on top of it and take up to three times their size.
const PNG_SPARE: u64 = 1 << 20;

/// A photo from `width * height` RGBA pixels (not premultiplied), as they come from a canvas.
/// Transparent pixels are treated as in [`decode`].
///
/// # Errors
/// [`Error::EmptyImage`], [`Error::ImageTooLarge`], [`Error::CorruptImage`] if the length does not
/// match.
pub fn from_rgba(rgba: &[u8], width: u32, height: u32) -> Result<Photo> {
    check_size(width, height)?;
    if rgba.len() as u64 != u64::from(width) * u64::from(height) * 4 {
        return Err(Error::CorruptImage(format!(
            "{} bytes are not {width} x {height} RGBA pixels",
            rgba.len()
        )));
    }
    let background_grey = background::choose(rgba);
    let mut rgb = Vec::with_capacity(rgba.len() / 4 * 3);
    for pixel in rgba.chunks_exact(4) {
        rgb.extend(background::blend(background_grey, [pixel[0], pixel[1], pixel[2], pixel[3]]));
    }
    Ok(Photo { width, height, rgb })
}

/// Pixels as a file has them, without transparency, and how they must be turned.
pub(super) struct Stored {
    pub width: u32,
    pub height: u32,
    pub rgb: Vec<u8>,
    /// How the pixels must be turned to be upright.
    pub orientation: Orientation,
}

/// The pixels that a decoder gives.
///
/// # Errors
/// Those of [`decode`].
pub(super) fn read(mut decoder: impl ImageDecoder) -> Result<Stored> {
    check_dimensions(&decoder)?;
    use ColorType::{L16, La16, Rgb16, Rgb32F, Rgba16, Rgba32F};
    if matches!(decoder.color_type(), L16 | La16 | Rgb16 | Rgba16 | Rgb32F | Rgba32F) {
        return Err(Error::SixteenBitImage);
    }
    let mut limits = Limits::default();
    limits.max_alloc = Some(u64::from(MEGAPIXEL_LIMIT) * 1_000_000 * 8);
    decoder.set_limits(limits).map_err(corrupt)?;
    // If the EXIF block of a file cannot be read, the photo stays as it is stored, as in browsers.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let image = DynamicImage::from_decoder(decoder).map_err(corrupt)?;
    let (width, height) = (image.width(), image.height());
    let rgb = if image.color().has_alpha() {
        flatten(image.into_rgba8().into_raw())
    } else {
        image.into_rgb8().into_raw()
    };
    Ok(Stored { width, height, rgb, orientation })
}

impl Stored {
    /// Turns the pixels upright.
    ///
    /// # Errors
    /// [`Error::Internal`] if there are too few pixels.
    pub(super) fn upright(self) -> Result<Photo> {
        let image = RgbImage::from_raw(self.width, self.height, self.rgb);
        let image =
            image.ok_or_else(|| Error::Internal("the decoder gave too few pixels".to_string()))?;
        let mut image = DynamicImage::ImageRgb8(image);
        image.apply_orientation(self.orientation);
        let image = image.into_rgb8();
        Ok(Photo { width: image.width(), height: image.height(), rgb: image.into_raw() })
    }
}

/// RGBA pixels as RGB pixels on a background, in the same memory.
fn flatten(mut pixels: Vec<u8>) -> Vec<u8> {
    let background_grey = background::choose(&pixels);
    let count = pixels.len() / 4;
    for i in 0..count {
        let rgba = [0, 1, 2, 3].map(|channel| pixels[i * 4 + channel]);
        pixels[i * 3..][..3].copy_from_slice(&background::blend(background_grey, rgba));
    }
    pixels.truncate(count * 3);
    pixels.shrink_to_fit();
    pixels
}

fn check_dimensions(decoder: &impl ImageDecoder) -> Result<()> {
    let (width, height) = decoder.dimensions();
    check_size(width, height)
}

/// Checks the size of an image against [`MEGAPIXEL_LIMIT`].
///
/// # Errors
/// [`Error::EmptyImage`], [`Error::ImageTooLarge`].
pub(super) fn check_size(width: u32, height: u32) -> Result<()> {
    check_size_within(MEGAPIXEL_LIMIT, width, height)
}

/// Checks the size of an image against another limit in megapixels.
///
/// # Errors
/// Those of [`check_size`].
pub(super) fn check_size_within(limit_megapixels: u32, width: u32, height: u32) -> Result<()> {
    if width == 0 || height == 0 {
        return Err(Error::EmptyImage);
    }
    let is_long = width.max(height) > MAX_SIDE;
    if is_long || u64::from(width) * u64::from(height) > u64::from(limit_megapixels) * 1_000_000 {
        return Err(Error::ImageTooLarge { width, height, limit_megapixels });
    }
    Ok(())
}

/// The error of a decoder as one of this crate's.
pub(super) fn corrupt(error: ImageError) -> Error {
    match error {
        ImageError::Unsupported(_) => Error::UnsupportedImage,
        error => Error::CorruptImage(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use image::codecs::jpeg::JpegEncoder;
    use image::{ImageBuffer, ImageEncoder, Rgb, Rgba};

    use super::*;

    fn jpeg() -> Vec<u8> {
        let image = ImageBuffer::from_fn(64, 48, |x, y| Rgb([(x * 4) as u8, (y * 5) as u8, 128]));
        let mut bytes = Vec::new();
        JpegEncoder::new(&mut bytes).encode_image(&image).expect("a small image encodes");
        bytes
    }

    #[test]
    fn a_jpeg_cut_anywhere_is_corrupt() {
        let whole = jpeg();
        assert!(decode(&whole).is_ok());
        for length in (3..whole.len() - 2).step_by(7) {
            let result = decode(&whole[..length]);
            assert!(
                matches!(result, Err(Error::CorruptImage(_))),
                "{length} bytes gave {result:?}"
            );
        }
    }

    #[test]
    fn bytes_after_the_end_do_no_harm() {
        let mut bytes = jpeg();
        bytes.extend([0; 100]);
        assert!(decode(&bytes).is_ok());
    }

    #[test]
    fn sixteen_bits_animation_and_other_formats_are_told_apart() {
        let deep = DynamicImage::ImageRgb16(ImageBuffer::from_pixel(2, 2, Rgb([1, 2, 3])));
        let mut png = Vec::new();
        deep.write_to(&mut Cursor::new(&mut png), ImageFormat::Png).expect("a small image encodes");
        assert!(matches!(decode(&png), Err(Error::SixteenBitImage)));

        assert!(matches!(decode(b"GIF89a......"), Err(Error::UnsupportedImage)));
        assert!(matches!(decode(b"hello, this is text"), Err(Error::UnsupportedImage)));
        assert!(matches!(decode(&[]), Err(Error::EmptyImage)));
        assert!(matches!(decode(&animated_png()), Err(Error::AnimatedImage)));
    }

    /// A PNG with an `acTL` chunk after its header.
    fn animated_png() -> Vec<u8> {
        let still = DynamicImage::ImageRgb8(ImageBuffer::from_pixel(2, 2, Rgb([1, 2, 3])));
        let mut png = Vec::new();
        still
            .write_to(&mut Cursor::new(&mut png), ImageFormat::Png)
            .expect("a small image encodes");
        // The signature and IHDR take 33 bytes. The chunk says two frames, played endlessly, and
        // ends with its checksum.
        let chunk =
            [0, 0, 0, 8, b'a', b'c', b'T', b'L', 0, 0, 0, 2, 0, 0, 0, 0, 0xF3, 0x8D, 0x93, 0x70];
        png.splice(33..33, chunk);
        png
    }

    #[test]
    fn a_huge_header_is_refused_before_decoding() {
        // The PNG header says 20,001 x 5,000 pixels, but no pixels follow it.
        let mut header = Vec::new();
        image::codecs::png::PngEncoder::new(&mut header)
            .write_image(&[0; 3], 1, 1, image::ExtendedColorType::Rgb8)
            .expect("one pixel encodes");
        header[16..24].copy_from_slice(&[0, 0, 0x4E, 0x21, 0, 0, 0x13, 0x88]);
        let checksum = crc32(&header[12..29]);
        header[29..33].copy_from_slice(&checksum.to_be_bytes());
        assert!(matches!(
            decode(&header),
            Err(Error::ImageTooLarge { width: 20_001, height: 5_000, .. })
        ));
    }

    fn crc32(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(!0, |crc: u32, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 * (crc & 1)))
        })
    }

    #[test]
    fn transparency_becomes_white() {
        let image = ImageBuffer::from_pixel(1, 1, Rgba([0, 0, 0, 0]));
        let mut png = Vec::new();
        DynamicImage::ImageRgba8(image)
            .write_to(&mut Cursor::new(&mut png), ImageFormat::Png)
            .expect("one pixel encodes");
        assert_eq!(decode(&png).expect("a valid file").rgb, [255, 255, 255]);
        assert_eq!(from_rgba(&[10, 20, 30, 255], 1, 1).expect("one pixel").rgb, [10, 20, 30]);
    }
}
