//! Tests small photos of each kind that are damaged.

use crate::make::jpeg::{Jpeg, Transform};
use crate::make::png::{self, Png, crc32};
use crate::make::{exif, webp};
use crate::photos::checked;
use crate::random::fuzz;

/// Corrects the checksums of all chunks of a PNG, so that their contents are read.
fn mend(png: &mut [u8]) {
    let mut at = 8;
    while let Some(length) = png.get(at..at + 4) {
        let length = length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
        let Some(data) = png.get(at + 4..at + 8 + length) else { return };
        let checksum = crc32(data).to_be_bytes();
        let Some(place) = png.get_mut(at + 8 + length..at + 12 + length) else { return };
        place.copy_from_slice(&checksum);
        at += 12 + length;
    }
}

fn files() -> Vec<Vec<u8>> {
    let pixels = |x: u32, y: u32, channel: u32| (x * 31 + y * 17 + channel * 91) as u8;
    let blocks = |x: u16, y: u16, component: u8| pixels(x.into(), y.into(), component.into());
    let palette = Png::new(9, 5, png::PALETTE, 2)
        .with(b"PLTE", (0..12).collect())
        .with(b"tRNS", vec![9, 200]);
    let interlaced = Png { interlaced: true, ..Png::new(9, 5, png::RGBA, 8) };
    let mut files = vec![
        Png::new(9, 5, png::RGB, 8).with(b"eXIf", exif(6)).file(pixels),
        Png::new(9, 5, png::GREY, 8).packed(&png::zeros(50)),
        palette.file(|x, y, _| (x + y) as u8 % 4),
        interlaced.file(pixels),
        webp::LOSSY.to_vec(),
        webp::LOSSY_ALPHA.to_vec(),
        webp::flat(9, 5, [1, 2, 3, 4]),
        webp::riff(&[
            (*b"VP8X", webp::extended(8, 9, 5)),
            (*b"VP8L", webp::lossless(9, 5, [1, 2, 3, 255])),
            (*b"EXIF", exif(6)),
        ]),
    ];
    for (components, transform, separate_scans) in [
        (1, None, false),
        (3, None, false),
        (3, Some(Transform::None), true),
        (4, Some(Transform::Ycck), false),
    ] {
        let exif = Some(exif(6));
        files.push(
            Jpeg { transform, separate_scans, exif, ..Jpeg::new(20, 12, components) }.file(blocks),
        );
    }
    // Real files have all that an encoder does, such as several scans of parts of the coefficients,
    // and codes for many runs.
    let small = crate::photos::small(24, 16);
    let mut jpeg = Vec::new();
    let encoder = image::codecs::jpeg::JpegEncoder::new(&mut jpeg);
    small.write_with_encoder(encoder).expect("a small image encodes");
    let mut lossless = Vec::new();
    let encoder = image::codecs::webp::WebPEncoder::new_lossless(&mut lossless);
    small.write_with_encoder(encoder).expect("a small image encodes");
    files.extend([jpeg, lossless, include_bytes!("../../data/progressive.jpg").to_vec()]);
    files
}

#[test]
fn damaged_photos() {
    let files = files();
    files.iter().for_each(|file| drop(checked(file).expect("they are valid before")));
    fuzz("damaged_photos", 40_000, |random| {
        let mut file = random.pick(&files).clone();
        random.damage(&mut file);
        if file.starts_with(b"\x89PNG") && !random.chance(4) {
            mend(&mut file);
        }
        // This gives a photo or an error, within the allowed memory.
        let _ = checked(&file);
    });
}

/// Files that begin like a known format and continue with noise.
#[test]
fn noise() {
    let starts: [&[u8]; 5] = [
        b"\x89PNG\r\n\x1a\n\0\0\0\x0DIHDR",
        b"\xFF\xD8\xFF",
        b"RIFF\xFF\0\0\0WEBPVP8L",
        b"RIFF\xFF\0\0\0WEBPVP8X",
        b"",
    ];
    fuzz("noise", 20_000, |random| {
        let mut file = random.pick(&starts).to_vec();
        file.extend((0..random.below(400)).map(|_| random.next() as u8));
        let _ = checked(&file);
    });
}
