//! JPEG files: which decoder has the right pixels, and whether all of them are there.

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

/// Progressive files, and those that jpeg-decoder reads, take about twice the memory of others.
const LARGE_LIMIT: u32 = MEGAPIXEL_LIMIT / 2;

/// # Errors
/// As [`super::decode`].
pub fn decode(bytes: &[u8]) -> Result<Photo> {
    let header = Header::read(bytes)?;
    if header.width == 0 || header.height == 0 {
        // Rows whose number comes behind them: nobody writes such files.
        return Err(Error::CorruptImage("it has no pixels".to_string()));
    }
    let is_plain = header.coding == Coding::Sequential && is_usual(&header);
    check_size_within(
        if is_plain { MEGAPIXEL_LIMIT } else { LARGE_LIMIT },
        header.width,
        header.height,
    )?;
    // What lacks an end was cut somewhere: a progressive file perhaps between two scans, which only makes it coarser.
    if !header.has_all_scans && (!header.has_end || header.coding == Coding::Sequential) {
        return Err(too_early());
    }
    let image = if header.has_end {
        let first = pixels(&header, bytes)?;
        let is_grey = ends_in_grey(&first);
        // Files that end as they should are hardly ever cut before.
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

/// Whether the last row is what a decoder fills in behind what it cannot read.
fn ends_in_grey(image: &Stored) -> bool {
    image.rgb[image.rgb.len() - 3 * image.width as usize..]
        .iter()
        .all(|&value| value.abs_diff(128) <= 1)
}

/// The decoders fill what is missing and call it a success. If nothing is missing, what follows the pixels does not matter.
fn same_followed_by(
    fillers: &[u8],
    header: &Header,
    bytes: &[u8],
    first: Stored,
) -> Result<Stored> {
    let expected = Sha256::digest(&first.rgb);
    let mut image = first;
    for filler in fillers {
        // Only one is in memory at a time.
        image.rgb = Vec::new();
        image = followed_by(header, bytes, *filler).map_err(|_| too_early())?;
        if Sha256::digest(&image.rgb) != expected {
            return Err(too_early());
        }
    }
    Ok(image)
}

/// What may follow the pixels. Each begins with other codes: of the usual tables and of most others some of them mean other pixels.
const FILLERS: [u8; 4] = [0x00, 0xAA, 0xFE, 0x92];
/// Enough to be pixels if some are missing.
const FILLER_LENGTH: usize = 64;

fn followed_by(header: &Header, bytes: &[u8], filler: u8) -> Result<Stored> {
    let kept = &bytes[..header.pixels_end];
    let kept = kept.strip_suffix(&[0xFF]).unwrap_or(kept);
    pixels(header, &[kept, &[filler; FILLER_LENGTH], &[0xFF, 0xD9]].concat())
}

fn too_early() -> Error {
    Error::CorruptImage("it ends too early".to_string())
}

/// zune-jpeg, which `image` uses, is the faster one and right for the files that cameras and programs usually write. It is wrong without an
/// error for others (separate scans, colour that is finer than brightness), which jpeg-decoder has right.
fn pixels(header: &Header, bytes: &[u8]) -> Result<Stored> {
    if is_usual(header) {
        read(JpegDecoder::new(Cursor::new(bytes)).map_err(corrupt)?)
    } else if is_regular(&header.components) {
        // What it cannot read another program may, as the file looked sound so far.
        by_jpeg_decoder(header, bytes).map_err(|_| Error::UnsupportedImage)
    } else {
        Err(Error::UnsupportedImage)
    }
}

/// All components in one scan (of a progressive file: in the first), and the first, which is brightness, finer than the others if any is; no
/// marks of colours that contradict each other.
fn is_usual(header: &Header) -> bool {
    let one = Sampling { horizontal: 1, vertical: 1 };
    let (first, others) = (header.components[0], &header.components[1..]);
    let is_common =
        first.horizontal <= 2 && first.vertical <= 2 && others.iter().all(|&other| other == one);
    is_common && header.has_clear_colours && header.first_scan == header.components.len()
}

/// jpeg-decoder is right if one component is the finest in both directions.
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
        PixelFormat::CMYK32 => on_paper(pixels),
        PixelFormat::L16 => return Err(jpeg_decoder::Error::Format("it has 16 bits".to_string())),
    };
    let orientation = decoder.exif_data().and_then(Orientation::from_exif_chunk);
    let orientation = orientation.unwrap_or(Orientation::NoTransforms);
    Ok(Stored { width: info.width.into(), height: info.height.into(), rgb, orientation })
}

/// Inks, 255 for all of it, to RGB in the same memory.
fn on_paper(mut pixels: Vec<u8>) -> Vec<u8> {
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
