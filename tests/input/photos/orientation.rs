//! Tests photos that lie on their side, and what cameras and editors write wrong about it.

use aims_web::photo::Photo;

use super::{checked, pixel};
use crate::make::exif;
use crate::make::jpeg::{Jpeg, Transform};
use crate::make::png::{GREY, Png};
use crate::make::webp;

/// The brightness of a tile of the stored photo. It has 3 x 2 tiles of the values 0, 1, 2 / 3, 4,
/// 5, which are 40 times as bright.
fn tiles(x: u32, y: u32) -> u8 {
    ((y * 3 + x) * 40) as u8
}

/// The columns and the tiles that a viewer sees, row by row, for each orientation from 1 on.
const UPRIGHT: [(u32, [u32; 6]); 8] = [
    (3, [0, 1, 2, 3, 4, 5]),
    (3, [2, 1, 0, 5, 4, 3]),
    (3, [5, 4, 3, 2, 1, 0]),
    (3, [3, 4, 5, 0, 1, 2]),
    (2, [0, 3, 1, 4, 2, 5]),
    (2, [3, 0, 4, 1, 5, 2]),
    (2, [5, 2, 4, 1, 3, 0]),
    (2, [2, 5, 1, 4, 0, 3]),
];

fn check(photo: &Photo, orientation: usize, tile: u32) {
    let (columns, values) = UPRIGHT[orientation - 1];
    let rows = 6 / columns;
    assert_eq!(
        (photo.width, photo.height),
        (columns * tile, rows * tile),
        "orientation {orientation}"
    );
    for (x, y) in (0..photo.height).flat_map(|y| (0..photo.width).map(move |x| (x, y))) {
        let expected = values[(y / tile * columns + x / tile) as usize] * 40;
        assert_eq!(pixel(photo, x, y), [expected as u8; 3], "orientation {orientation}: {x}, {y}");
    }
}

fn jpeg(exif: Vec<u8>) -> Vec<u8> {
    Jpeg { exif: Some(exif), ..Jpeg::new(24, 16, 1) }.file(|x, y, _| tiles(x.into(), y.into()))
}

fn png(exif: Vec<u8>) -> Vec<u8> {
    Png::new(3, 2, GREY, 8).with(b"eXIf", exif).file(|x, y, _| tiles(x, y))
}

#[test]
fn all_orientations_of_a_jpeg() {
    for orientation in 1..=8 {
        check(&checked(&jpeg(exif(orientation))).expect("a valid file"), orientation.into(), 8);
        let colours = Jpeg {
            exif: Some(exif(orientation)),
            transform: Some(Transform::None),
            ..Jpeg::new(24, 16, 3)
        };
        let file = colours.file(|x, y, _| tiles(x.into(), y.into()));
        check(&checked(&file).expect("a valid file"), orientation.into(), 8);
    }
}

#[test]
fn all_orientations_of_a_png() {
    for orientation in 1..=8 {
        check(&checked(&png(exif(orientation))).expect("a valid file"), orientation.into(), 1);
    }
}

#[test]
fn all_orientations_of_a_webp() {
    let rgb = image::RgbImage::from_fn(3, 2, |x, y| image::Rgb([tiles(x, y); 3]));
    let mut still = Vec::new();
    let encoder = image::codecs::webp::WebPEncoder::new_lossless(&mut still);
    rgb.write_with_encoder(encoder).expect("a small image encodes");
    let picture = still[20..].to_vec();
    for orientation in 1..=8 {
        let file = webp::riff(&[
            (*b"VP8X", webp::extended(8, 3, 2)),
            (*b"VP8L", picture.clone()),
            (*b"EXIF", exif(orientation)),
        ]);
        check(&checked(&file).expect("a valid file"), orientation.into(), 1);
    }
}

/// Such a photo is shown as it is stored, as browsers do.
#[test]
fn broken_exif_is_ignored() {
    let mut far = exif(6);
    far[4..8].copy_from_slice(&[0xFF; 4]);
    let mut many = exif(6);
    many[8..10].copy_from_slice(&[0xFF; 2]);
    many[10] = 0x77;
    let mut of_text = exif(6);
    of_text[13] = 2;
    let broken = [
        vec![],
        b"MM".to_vec(),
        b"garbage garbage garbage".to_vec(),
        exif(0),
        exif(9),
        exif(255),
        far,
        many,
        of_text,
    ];
    for exif in broken {
        check(&checked(&jpeg(exif.clone())).expect("the photo is sound"), 1, 8);
        check(&checked(&png(exif)).expect("the photo is sound"), 1, 1);
    }
    for length in 0..20 {
        check(&checked(&jpeg(exif(6)[..length].to_vec())).expect("the photo is sound"), 1, 8);
    }
}
