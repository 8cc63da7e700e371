//! JPEG files: which decoder gives the right pixels, and whether all pixels are there.

mod header;

use std::io::Cursor;

use image::codecs::jpeg::JpegDecoder;
use image::metadata::Orientation;
use jpeg_decoder::{ColorTransform, Decoder, PixelFormat};
use sha2::{Digest, Sha256};

use super::Photo;
use super::decode::{MEGAPIXEL_LIMIT, Stored, check_size_within, corrupt, read};
use crate::error::{Error, Result};
use header::{Coding, Colours, Header, Sampling};

/// The most megapixels of a file that is progressive or is read by jpeg-decoder. Such files take
/// about twice as much memory as others.
const LARGE_LIMIT: u32 = MEGAPIXEL_LIMIT / 2;

/// Decodes a JPEG file and turns the photo upright.
///
/// # Errors
/// Those of [`super::decode`].
pub(super) fn decode(bytes: &[u8]) -> Result<Photo> {
    let header = Header::read(bytes)?;
    if header.width == 0 || header.height == 0 {
        // A height of 0 means that the number of rows follows the rows. Nobody writes such files.
        return Err(Error::CorruptImage("it has no pixels".to_string()));
    }
    let is_plain = header.coding == Coding::Sequential && is_usual(&header);
    check_size_within(
        if is_plain { MEGAPIXEL_LIMIT } else { LARGE_LIMIT },
        header.width,
        header.height,
    )?;
    // A file without an end marker was cut somewhere. If a progressive file was cut between two
    // scans, a decoder only shows it coarser, so missing scans are looked for here.
    if !header.has_all_scans && (!header.has_end || header.coding == Coding::Sequential) {
        return Err(too_early());
    }
    let image = if header.has_end {
        let first = pixels(&header, bytes)?;
        let is_grey = ends_in_grey(&first);
        // A file that ends properly is hardly ever cut before its end, so one filler is enough.
        let image = same_followed_by(&FILLERS[1..2], &header, bytes, first)?;
        if is_grey && is_usual(&header) && by_jpeg_decoder(&header, bytes).is_err() {
            return Err(Error::CorruptImage("its pixels cannot be read".to_string()));
        }
        image
    } else {
        let first = followed_by(&header, bytes, FILLERS[0]).map_err(|_| too_early())?;
        same_followed_by(&FILLERS[1..], &header, bytes, first)?
    };
    image.upright()
}

/// Whether the last row is the grey that decoders fill in after what they cannot read.
fn ends_in_grey(image: &Stored) -> bool {
    image.rgb[image.rgb.len() - 3 * image.width as usize..]
        .iter()
        .all(|&value| value.abs_diff(128) <= 1)
}

/// Decodes the file once with each of `fillers` after its pixels, and returns the image if it is
/// always the same as `first`. Decoders fill in what is missing and report success. If nothing is
/// missing, it does not matter what follows the pixels.
///
/// # Errors
/// [`Error::CorruptImage`] if something is missing.
fn same_followed_by(
    fillers: &[u8],
    header: &Header,
    bytes: &[u8],
    first: Stored,
) -> Result<Stored> {
    let expected = Sha256::digest(&first.rgb);
    let mut image = first;
    for filler in fillers {
        // Only one image is in memory at a time.
        image.rgb = Vec::new();
        image = followed_by(header, bytes, *filler).map_err(|_| too_early())?;
        if Sha256::digest(&image.rgb) != expected {
            return Err(too_early());
        }
    }
    Ok(image)
}

/// The bytes that are put after the pixels. They begin with different codes. With the usual tables
/// and with most others, some of these codes mean different pixels.
const FILLERS: [u8; 4] = [0x00, 0xAA, 0xFE, 0x92];
/// This many bytes are enough to be read as pixels if some are missing.
const FILLER_LENGTH: usize = 64;

fn followed_by(header: &Header, bytes: &[u8], filler: u8) -> Result<Stored> {
    let kept = &bytes[..header.pixels_end];
    let kept = kept.strip_suffix(&[0xFF]).unwrap_or(kept);
    pixels(header, &[kept, &[filler; FILLER_LENGTH], &[0xFF, 0xD9]].concat())
}

fn too_early() -> Error {
    Error::CorruptImage("it ends too early".to_string())
}

/// Decodes the pixels with the decoder that is right for the file. zune-jpeg, which `image` uses,
/// is the faster one, and it is right for the files that cameras and programs usually write. For
/// other files (separate scans, or colour that is finer than brightness) it gives wrong pixels
/// without an error. jpeg-decoder is right for these.
fn pixels(header: &Header, bytes: &[u8]) -> Result<Stored> {
    if is_usual(header) {
        read(JpegDecoder::new(Cursor::new(bytes)).map_err(corrupt)?)
    } else if is_regular(&header.components) {
        // Another program may be able to read what jpeg-decoder cannot, because the file has looked
        // sound so far.
        by_jpeg_decoder(header, bytes).map_err(|_| Error::UnsupportedImage)
    } else {
        Err(Error::UnsupportedImage)
    }
}

/// Whether a file is of the usual kind: all components are in one scan (in a progressive file, in
/// the first one); the first component, which is brightness, is finer than the others if any is;
/// and the marks of colours do not contradict one another.
fn is_usual(header: &Header) -> bool {
    let one = Sampling { horizontal: 1, vertical: 1 };
    let (first, others) = (header.components[0], &header.components[1..]);
    let is_common =
        first.horizontal <= 2 && first.vertical <= 2 && others.iter().all(|&other| other == one);
    is_common && header.has_clear_colours && header.first_scan == header.components.len()
}

/// Whether one component is the finest in both directions. jpeg-decoder is right for such files.
fn is_regular(components: &[Sampling]) -> bool {
    let finest = |side: fn(&Sampling) -> u8| components.iter().map(side).max();
    let (horizontal, vertical) = (finest(|c| c.horizontal), finest(|c| c.vertical));
    components.iter().any(|c| Some(c.horizontal) == horizontal && Some(c.vertical) == vertical)
}

fn by_jpeg_decoder(header: &Header, bytes: &[u8]) -> Result<Stored, jpeg_decoder::Error> {
    let mut decoder = Decoder::new(bytes);
    decoder.set_color_transform(match header.colours {
        Colours::Grey => ColorTransform::Grayscale,
        Colours::Rgb => ColorTransform::RGB,
        Colours::YCbCr => ColorTransform::YCbCr,
        Colours::Cmyk => ColorTransform::CMYK,
        Colours::Ycck => ColorTransform::YCCK,
    });
    decoder.set_max_decoding_buffer_size(MEGAPIXEL_LIMIT as usize * 1_000_000 * 4);
    let pixels = decoder.decode()?;
    let info =
        decoder.info().ok_or_else(|| jpeg_decoder::Error::Format("it has no frame".to_string()))?;
    let rgb = match info.pixel_format {
        PixelFormat::L8 => pixels.iter().flat_map(|&grey| [grey; 3]).collect(),
        PixelFormat::RGB24 => pixels,
        PixelFormat::CMYK32 => cmyk_to_rgb(pixels),
        PixelFormat::L16 => return Err(jpeg_decoder::Error::Format("it has 16 bits".to_string())),
    };
    let orientation = decoder.exif_data().and_then(Orientation::from_exif_chunk);
    let orientation = orientation.unwrap_or(Orientation::NoTransforms);
    Ok(Stored { width: info.width.into(), height: info.height.into(), rgb, orientation })
}

/// CMYK inks (255 is full ink) as RGB, in the same memory.
fn cmyk_to_rgb(mut pixels: Vec<u8>) -> Vec<u8> {
    let light = |ink: u8| 255 - u32::from(ink);
    let count = pixels.len() / 4;
    for i in 0..count {
        let [cyan, magenta, yellow, black] = [0, 1, 2, 3].map(|channel| pixels[i * 4 + channel]);
        let rgb =
            [cyan, magenta, yellow].map(|ink| ((light(ink) * light(black) + 127) / 255) as u8);
        pixels[i * 3..][..3].copy_from_slice(&rgb);
    }
    pixels.truncate(count * 3);
    pixels.shrink_to_fit();
    pixels
}
