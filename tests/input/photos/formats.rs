//! Tests every kind of pixel that a file may have, and files of other kinds.

use aims_web::photo::from_rgba;
use image::codecs::webp::WebPEncoder;

use super::{checked, pixel, refused, small};
use crate::make::jpeg::{Jpeg, Transform};
use crate::make::png::{self, GREY, GREY_ALPHA, PALETTE, Png, RGB, RGBA};
use crate::make::webp;

/// The grey values that transparent pixels may be put on.
const GROUNDS: [u8; 3] = [255, 0, 128];

fn put_on(ground: u8, value: u8, alpha: u8) -> u8 {
    let share = f64::from(alpha) / 255.0;
    (f64::from(value) * share + f64::from(ground) * (1.0 - share)).round() as u8
}

#[test]
fn pngs_of_every_kind_have_the_right_pixels() {
    let colours: Vec<u8> = (0..=255_u8).flat_map(|i| [i, i ^ 0x55, i.wrapping_mul(3)]).collect();
    let alphas: Vec<u8> = (0..=255).rev().collect();
    let kinds =
        [(GREY, 1), (GREY, 2), (GREY, 4), (GREY, 8), (PALETTE, 1), (PALETTE, 2), (PALETTE, 4)];
    let kinds = kinds.into_iter().chain([(PALETTE, 8), (RGB, 8), (GREY_ALPHA, 8), (RGBA, 8)]);
    for (colour, depth) in kinds {
        for (width, height) in [(1, 1), (3, 5), (13, 9), (33, 2)] {
            for variant in 0..4 {
                let (interlaced, has_key) = (variant % 2 == 1, variant / 2 == 1);
                let entries = 1 << depth;
                let sample = |x: u32, y: u32, channel: u32| {
                    ((x * 31 + y * 17 + channel * 91) % (1 << depth.min(8))) as u8
                };
                let mut file = Png { interlaced, ..Png::new(width, height, colour, depth) };
                if colour == PALETTE {
                    file = file.with(b"PLTE", colours[..entries * 3].to_vec());
                }
                // Transparency may be stored next to the pixels: that of each entry of the palette,
                // or one colour that means transparent.
                let key = [0, sample(0, 0, 0), 0, sample(0, 0, 1), 0, sample(0, 0, 2)];
                let key = match colour {
                    PALETTE => &alphas[..entries],
                    GREY => &key[..2],
                    RGB => &key[..],
                    _ => &[],
                };
                let has_key = has_key && !key.is_empty();
                if has_key {
                    file = file.with(b"tRNS", key.to_vec());
                }
                let expected = |ground: u8, x: u32, y: u32| {
                    let at = |channel| sample(x, y, channel);
                    let is_key =
                        |channels: u32| has_key && (0..channels).all(|c| at(c) == sample(0, 0, c));
                    let opaque = |is_none: bool| if is_none { 0 } else { 255 };
                    let grey = (u32::from(at(0)) * 255 / (entries as u32 - 1)) as u8;
                    let entry = usize::from(at(0));
                    let (rgb, alpha) = match colour {
                        GREY => ([grey; 3], opaque(is_key(1))),
                        PALETTE => (
                            [colours[entry * 3], colours[entry * 3 + 1], colours[entry * 3 + 2]],
                            if has_key { alphas[entry] } else { 255 },
                        ),
                        RGB => ([at(0), at(1), at(2)], opaque(is_key(3))),
                        GREY_ALPHA => ([at(0); 3], at(1)),
                        _ => ([at(0), at(1), at(2)], at(3)),
                    };
                    rgb.map(|value| put_on(ground, value, alpha))
                };
                let case = format!("{colour}, {depth} bits, {width} x {height}, variant {variant}");
                let photo =
                    checked(&file.file(sample)).unwrap_or_else(|error| panic!("{case}: {error}"));
                assert_eq!((photo.width, photo.height), (width, height));
                let places = || (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
                let is_on = |ground: &u8| {
                    places().all(|(x, y)| pixel(&photo, x, y) == expected(*ground, x, y))
                };
                assert!(GROUNDS.iter().any(is_on), "{case}: {:?}", photo.rgb);
            }
        }
    }
}

#[test]
fn sixteen_bits_are_refused() {
    for colour in [GREY, RGB, GREY_ALPHA, RGBA] {
        let file = Png::new(2, 2, colour, 16);
        assert_eq!(refused(&file.packed(&png::zeros(file.raw_length()))), "sixteen-bit-image");
    }
}

#[test]
fn jpegs_of_every_kind_have_the_right_pixels() {
    // The last block of a row is cut.
    let values =
        |x: u16, y: u16, component: u8| (x * 80 + y * 13 + u16::from(component) * 50) as u8;
    let times = |a: u8, b: u8| ((u32::from(a) * u32::from(b) + 127) / 255) as u8;
    // This is JFIF's conversion.
    let rgb = |[y, cb, cr]: [u8; 3]| {
        let (y, cb, cr) = (f64::from(y), f64::from(cb) - 128.0, f64::from(cr) - 128.0);
        [y + 1.402 * cr, y - 0.344_136 * cb - 0.714_136 * cr, y + 1.772 * cb]
            .map(|value| value.round() as u8)
    };
    let kinds = [
        (1, None),
        (3, None),
        (3, Some(Transform::YCbCr)),
        (3, Some(Transform::None)),
        // CMYK is assumed to be inverted, with Adobe's marker and without it, as browsers do.
        (4, None),
        (4, Some(Transform::None)),
        (4, Some(Transform::Ycck)),
    ];
    for (components, transform) in kinds {
        for (separate_scans, width) in [(false, 20), (components > 1, 20), (components > 1, 200)] {
            let jpeg = Jpeg { transform, separate_scans, ..Jpeg::new(width, 16, components) };
            let photo = checked(&jpeg.file(values)).expect("a valid file");
            for (x, y) in (0..16).flat_map(|y| (0..u32::from(width)).map(move |x| (x, y))) {
                let at = |component| values((x / 8) as u16, (y / 8) as u16, component);
                let first = [at(0), at(1), at(2)];
                let expected = match (components, transform) {
                    (1, _) => [at(0); 3],
                    (3, Some(Transform::None)) => first,
                    (3, _) => rgb(first),
                    (_, Some(Transform::Ycck)) => rgb(first).map(|value| times(255 - value, at(3))),
                    _ => first.map(|value| times(value, at(3))),
                };
                let found = pixel(&photo, x, y);
                let differs = found.iter().zip(&expected).any(|(a, b)| a.abs_diff(*b) > 1);
                assert!(
                    !differs,
                    "{components} {separate_scans}, {x} {y}: {found:?}, not {expected:?}"
                );
            }
        }
    }
    // JFIF's marker says YCbCr, whatever Adobe's marker says as well.
    let file = Jpeg { transform: Some(Transform::None), ..Jpeg::new(20, 16, 3) }.file(values);
    let jfif = b"\xFF\xE0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00";
    let photo = checked(&[&file[..2], jfif, &file[2..]].concat()).expect("a valid file");
    let expected = rgb([values(0, 0, 0), values(0, 0, 1), values(0, 0, 2)]);
    assert!(pixel(&photo, 3, 3).iter().zip(&expected).all(|(a, b)| a.abs_diff(*b) <= 1));
    // Nobody writes files with two components.
    assert_eq!(refused(&Jpeg::new(16, 16, 2).file(values)), "unsupported-image");
}

#[test]
fn webps_of_every_kind_have_the_right_pixels() {
    let image = small(60, 40);
    let mut file = Vec::new();
    image.write_with_encoder(WebPEncoder::new_lossless(&mut file)).expect("a small image encodes");
    assert!(checked(&file).is_ok_and(|photo| photo.rgb == image.into_raw()));
    assert_eq!(checked(&webp::flat(1, 1, [10, 20, 30, 0])).expect("a valid file").rgb, [255; 3]);
    let flat = checked(&webp::flat(5, 7, [10, 20, 30, 255])).expect("a valid file");
    assert_eq!(flat.rgb, [10, 20, 30].repeat(35));

    for (file, below) in [(webp::LOSSY, [200, 60, 90]), (webp::LOSSY_ALPHA, [255; 3])] {
        let photo = checked(file).expect("a valid file");
        assert_eq!((photo.width, photo.height), (20, 12));
        let close = |a: [u8; 3], b: [u8; 3]| a.iter().zip(b).all(|(a, b)| a.abs_diff(b) < 20);
        assert!(close(pixel(&photo, 2, 2), [200, 60, 90]), "{:?}", pixel(&photo, 2, 2));
        assert!(close(pixel(&photo, 17, 2), [30, 60, 90]), "{:?}", pixel(&photo, 17, 2));
        assert!(close(pixel(&photo, 2, 10), below), "{:?}", pixel(&photo, 2, 10));
    }
}

/// `fuzz::photos` found this: the decoder panics.
#[test]
fn a_palette_of_broken_colours_is_corrupt() {
    for length in [0, 1, 2, 4, 5, 767, 769, 771] {
        let file = Png::new(2, 2, PALETTE, 8).with(b"PLTE", vec![7; length]);
        assert_eq!(refused(&file.file(|_, _, _| 0)), "corrupt-image", "{length} bytes");
    }
    let none = Png::new(2, 2, PALETTE, 8).file(|_, _, _| 0);
    assert_eq!(refused(&none), "corrupt-image");
    // A colour that the palette does not have is black.
    let file = Png::new(1, 1, PALETTE, 8).with(b"PLTE", vec![7; 3]).file(|_, _, _| 9);
    assert_eq!(checked(&file).expect("a valid file").rgb, [0; 3]);
}

#[test]
fn animations_are_told_apart() {
    let control = [[0, 0, 0, 2], [0; 4]].concat();
    let png = Png::new(2, 2, GREY, 8).with(b"acTL", control);
    assert_eq!(refused(&png.file(|_, _, _| 0)), "animated-image");

    let mut frame = vec![0; 6];
    frame.extend([0, 0, 0, 0, 0, 0, 100, 0, 0, 0]);
    frame.extend(&webp::flat(1, 1, [1, 2, 3, 255])[12..]);
    let file = webp::riff(&[
        (*b"VP8X", webp::extended(2, 1, 1)),
        (*b"ANIM", vec![0; 6]),
        (*b"ANMF", frame.clone()),
        (*b"ANMF", frame),
    ]);
    assert_eq!(refused(&file), "animated-image");
}

#[test]
fn other_files_are_refused() {
    let brand = |name: &[u8]| [b"\0\0\0\x18ftyp", name, b"\0\0\0\0mif1", name].concat();
    let files: [&[u8]; 16] = [
        b"GIF89a\x02\0\x02\0\x80\0\0\0\0\0\xFF\xFF\xFF!\xFF\x0BNETSCAPE2.0\x03\x01\0\0\0",
        b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>",
        b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>",
        &brand(b"heic"),
        &brand(b"avif"),
        b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n",
        b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0",
        b"II*\0\x08\0\0\0\0\0\0\0",
        b"\0\0\x01\0\x01\0\x10\x10\0\0",
        b"\xFF\x0A\0\0\0\0\0\0",
        b"8BPS\0\x01\0\0\0\0\0\0\0\x03",
        b"RIFF\x10\0\0\0WAVEfmt ",
        b"{\"not\": \"an image\"}",
        b"\0",
        b"\xFF\xD8",
        b"\x89PNG",
    ];
    for file in files {
        assert_eq!(refused(file), "unsupported-image", "{file:?}");
    }
    assert_eq!(refused(b""), "empty-image");
    // These files have the start of a format and nothing else of it.
    for file in [
        &b"\x89PNG\r\n\x1a\n"[..],
        b"\xFF\xD8\xFF",
        b"RIFF\x10\0\0\0WEBP",
        b"\xFF\xD8\xFF\xE0garbage",
    ] {
        assert_eq!(refused(file), "corrupt-image", "{file:?}");
    }
}

#[test]
fn no_pixels_are_refused() {
    for (width, height) in [(0, 1), (1, 0), (0, 0)] {
        assert_eq!(
            refused(&Png::new(width, height, GREY, 8).packed(&png::zeros(0))),
            "empty-image"
        );
        // Zero rows would mean that their number comes later. Nobody writes such files.
        assert_eq!(
            refused(&Jpeg::new(width as u16, height as u16, 3).headers_and_end()),
            "corrupt-image"
        );
        assert_eq!(from_rgba(&[], width, height).expect_err("no pixels").code(), "empty-image");
    }
    assert_eq!(from_rgba(&[0; 8], 1, 1).expect_err("one pixel too many").code(), "corrupt-image");
    assert_eq!(from_rgba(&[0; 3], 1, 1).expect_err("a byte is missing").code(), "corrupt-image");
    assert_eq!(from_rgba(&[], u32::MAX, u32::MAX).expect_err("too many").code(), "image-too-large");
}
