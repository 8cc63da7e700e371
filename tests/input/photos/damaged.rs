//! Tests files that are cut short and files with wrong bytes.

use image::codecs::webp::WebPEncoder;
use rayon::prelude::*;

use super::{PNG, SAMPLES, checked, small};
use crate::make::webp;
use crate::random::fuzz;

const STEP: usize = 37;

/// Cuts the file at every `step`-th byte, and at each of its last 37 bytes. What is accepted must
/// have all its pixels.
fn cut(file: &[u8], step: usize) {
    let whole = checked(file).expect("the whole file is valid");
    let lengths: Vec<usize> =
        (0..file.len()).step_by(step).chain(file.len() - STEP..file.len()).collect();
    lengths.into_par_iter().for_each(|length| {
        let result = checked(&file[..length]);
        match result.as_ref().map_err(aims_web::Error::code) {
            Ok(photo) => assert!(photo.rgb == whole.rgb, "{length} bytes gave other pixels"),
            Err("empty-image") => assert_eq!(length, 0),
            // There are too few bytes to recognise the format.
            Err("unsupported-image") => assert!(length < 12, "{length} bytes"),
            Err(code) => assert_eq!(code, "corrupt-image", "{length} bytes"),
        }
        // These bytes may be missing: of a PNG the last chunk, of a WebP a byte of padding, and of
        // a JPEG the end marker and what makes no difference before it.
        let spare = match file[0] {
            0x89 => 12,
            b'R' => 1,
            _ => 8,
        };
        assert!(result.is_err() || length >= file.len() - spare, "{length} bytes");
    });
}

#[test]
fn a_jpeg_cut_anywhere_is_corrupt() {
    SAMPLES.iter().for_each(|file| cut(file, STEP));
}

/// Programs that repair files close those that were cut.
#[test]
fn a_jpeg_that_is_cut_and_closed_is_corrupt() {
    let inner = SAMPLES[1];
    for file in SAMPLES {
        let whole = checked(file).expect("the whole file is valid");
        for part in 2..20 {
            let kept = &file[..file.len() * part / 20];
            for rest in [&[0xFF, 0xD9][..], inner, &[0x00, 0x00, 0xFF, 0xD9]] {
                match checked(&[kept, rest].concat()) {
                    Ok(photo) => assert!(photo.rgb == whole.rgb, "{part} of 20 parts"),
                    Err(error) => assert_eq!(error.code(), "corrupt-image", "{part} of 20 parts"),
                }
            }
        }
    }
}

#[test]
fn a_png_cut_anywhere_is_corrupt() {
    cut(PNG, STEP);
}

#[test]
fn a_webp_cut_anywhere_is_corrupt() {
    cut(&lossless(), STEP);
    cut(webp::LOSSY, 1);
    cut(webp::LOSSY_ALPHA, 1);
}

fn lossless() -> Vec<u8> {
    let mut file = Vec::new();
    small(120, 80)
        .write_with_encoder(WebPEncoder::new_lossless(&mut file))
        .expect("a small image encodes");
    file
}

#[test]
fn wrong_bits_do_no_harm() {
    let lossless = lossless();
    let files =
        [SAMPLES[0], SAMPLES[1], SAMPLES[2], PNG, &lossless, webp::LOSSY, webp::LOSSY_ALPHA];
    fuzz("wrong_bits_do_no_harm", 1500, |random| {
        let mut file = random.pick(&files).to_vec();
        // Every other time the change is in the headers, which are a small part of a file.
        let limit = if random.chance(2) { file.len() } else { file.len().min(700) };
        let at = random.below(limit);
        file[at] ^= 1 << random.below(8);
        // This gives a photo or an error, within the allowed memory.
        let _ = checked(&file);
    });
}
