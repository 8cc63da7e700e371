//! JPEG files: which decoder has the right pixels, and whether all of them are there.

mod header;

use std::io::Cursor;

use image::codecs::jpeg::JpegDecoder;
use image::metadata::Orientation;
use jpeg_decoder::{ColorTransform, Decoder, PixelFormat};
use sha2::{Digest, Sha256};

use super::Photo;
use super::decode::{MEGAPIXEL_LIMIT, check_size, check_size_within, corrupt, read, upright};
use crate::error::{Error, Result};
use header::{Coding, Colours, Header, Sampling};

/// # Errors
/// As [`super::decode`].
pub fn decode(bytes: &[u8]) -> Result<Photo> {
    let header = Header::read(bytes)?;
    if header.width == 0 || header.height == 0 {
        // Rows whose number comes behind them: nobody writes such files.
        return Err(Error::CorruptImage("it has no pixels".to_string()));
    }
    check_size(header.width, header.height)?;
    if header.has_end {
        if header.coding == Coding::Sequential && !header.has_all_scans {
            return Err(too_early());
        }
        return pixels(&header, bytes);
    }
    if !header.has_all_scans {
        return Err(too_early());
    }
    // The decoders fill what is missing and call it a success. If nothing is missing, what follows the file does not matter.
    let bytes = bytes.strip_suffix(&[0xFF]).unwrap_or(bytes);
    let followed_by = |filler: u8| {
        let end = [&[filler; FILLER_LENGTH][..], &[0xFF, 0xD9]].concat();
        pixels(&header, &[bytes, &end].concat())
    };
    let digest = |photo: &Photo| Sha256::digest(&photo.rgb);
    let [first, others @ .., last] = FILLERS;
    let expected = digest(&followed_by(first)?);
    for filler in others {
        if digest(&followed_by(filler)?) != expected {
            return Err(too_early());
        }
    }
    let photo = followed_by(last)?;
    if digest(&photo) == expected { Ok(photo) } else { Err(too_early()) }
}

/// What may follow a file without an end. Each begins with other codes: of the usual tables and of most others some of them mean other pixels.
const FILLERS: [u8; 4] = [0x00, 0xAA, 0xFE, 0x92];
/// Enough to be pixels if some are missing.
const FILLER_LENGTH: usize = 64;

fn too_early() -> Error {
    Error::CorruptImage("it ends too early".to_string())
}

/// zune-jpeg, which `image` uses, is the faster one and right for the files that cameras and programs usually write. It is wrong without an
/// error for others (separate scans, colour that is finer than brightness), which jpeg-decoder has right.
fn pixels(header: &Header, bytes: &[u8]) -> Result<Photo> {
    if is_usual(header) {
        read(JpegDecoder::new(Cursor::new(bytes)).map_err(corrupt)?)
    } else if is_regular(&header.components) {
        unusual(header, bytes)
    } else {
        Err(Error::UnsupportedImage)
    }
}

/// All components in one scan (of a progressive file: in the first), and the first, which is brightness, finer than the others if any is.
fn is_usual(header: &Header) -> bool {
    let one = Sampling { horizontal: 1, vertical: 1 };
    let (first, others) = (header.components[0], &header.components[1..]);
    let is_common = first.horizontal <= 2 && first.vertical <= 2 && others.iter().all(|&other| other == one);
    is_common && header.first_scan == header.components.len()
}

/// jpeg-decoder is right if one component is the finest in both directions.
fn is_regular(components: &[Sampling]) -> bool {
    let finest = |side: fn(&Sampling) -> u8| components.iter().map(side).max();
    let (horizontal, vertical) = (finest(|c| c.horizontal), finest(|c| c.vertical));
    components.iter().any(|c| Some(c.horizontal) == horizontal && Some(c.vertical) == vertical)
}

/// jpeg-decoder takes about twice the memory.
const UNUSUAL_LIMIT: u32 = MEGAPIXEL_LIMIT / 2;

/// By jpeg-decoder. What it cannot read another program may, as the file looked sound so far.
fn unusual(header: &Header, bytes: &[u8]) -> Result<Photo> {
    check_size_within(UNUSUAL_LIMIT, header.width, header.height)?;
    let mut decoder = Decoder::new(bytes);
    decoder.set_color_transform(match header.colours {
        Colours::Grey => ColorTransform::Grayscale,
        Colours::Rgb => ColorTransform::RGB,
        Colours::YCbCr => ColorTransform::YCbCr,
        Colours::Cmyk => ColorTransform::CMYK,
        Colours::Ycck => ColorTransform::YCCK,
    });
    decoder.set_max_decoding_buffer_size(UNUSUAL_LIMIT as usize * 1_000_000 * 4);
    let pixels = decoder.decode().map_err(|_| Error::UnsupportedImage)?;
    let info = decoder.info().ok_or(Error::UnsupportedImage)?;
    let rgb = match info.pixel_format {
        PixelFormat::L8 => pixels.iter().flat_map(|&grey| [grey; 3]).collect(),
        PixelFormat::RGB24 => pixels,
        PixelFormat::CMYK32 => on_paper(pixels),
        PixelFormat::L16 => return Err(Error::UnsupportedImage),
    };
    let orientation = decoder.exif_data().and_then(Orientation::from_exif_chunk);
    upright(
        u32::from(info.width),
        u32::from(info.height),
        rgb,
        orientation.unwrap_or(Orientation::NoTransforms),
    )
}

/// Inks, 255 for all of it, to RGB in the same memory.
fn on_paper(mut pixels: Vec<u8>) -> Vec<u8> {
    let light = |ink: u8| 255 - u32::from(ink);
    let count = pixels.len() / 4;
    for i in 0..count {
        let [cyan, magenta, yellow, black] = [0, 1, 2, 3].map(|channel| pixels[i * 4 + channel]);
        let rgb = [cyan, magenta, yellow].map(|ink| ((light(ink) * light(black) + 127) / 255) as u8);
        pixels[i * 3..][..3].copy_from_slice(&rgb);
    }
    pixels.truncate(count * 3);
    pixels.shrink_to_fit();
    pixels
}
