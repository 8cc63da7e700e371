//! Tests small files that claim to be large, and some that are.

use aims_web::photo::decode;

use super::{MORE, PER_PIXEL, checked, refused};
use crate::make::jpeg::Jpeg;
use crate::make::png::{self, Png, zeros};
use crate::make::webp;
use crate::memory::peak;

/// Returns the error code of a file. Checks that the file takes no more memory than its own size
/// and a little more, which is less than it would unpack to.
fn refused_at_once(file: &[u8]) -> &'static str {
    let (code, bytes) = peak(|| refused(file));
    assert!(bytes <= file.len() as u64 + MORE, "{bytes} bytes for a file of {}", file.len());
    code
}

#[test]
fn too_many_pixels_are_refused_before_they_take_memory() {
    // The file has all these pixels, in less than a megabyte.
    let file = Png::new(30_000, 30_000, png::GREY, 1);
    let file = file.packed(&zeros(file.raw_length()));
    assert!(file.len() < 1 << 20);
    assert_eq!(refused_at_once(&file), "image-too-large");

    assert_eq!(
        refused_at_once(&Png::new(u32::MAX >> 1, 1, png::RGBA, 8).packed(&zeros(100))),
        "image-too-large"
    );
    assert_eq!(
        refused_at_once(&Png::new(10_001, 10_000, png::RGB, 16).packed(&[])),
        "image-too-large"
    );
    assert_eq!(refused_at_once(&Jpeg::new(65_500, 65_500, 3).headers_and_end()), "image-too-large");
    // This is just above 100 megapixels.
    assert_eq!(refused_at_once(&Jpeg::new(12_501, 8_000, 1).headers_and_end()), "image-too-large");
    assert_eq!(refused_at_once(&webp::flat(16_383, 16_383, [1, 2, 3, 255])), "image-too-large");
    // These are more than WebP allows.
    for (width, height, code) in
        [(100_000, 1000, "image-too-large"), (1 << 24, 1 << 24, "corrupt-image")]
    {
        let canvas = webp::extended(0, width, height);
        let small = webp::lossless(1, 1, [1, 2, 3, 255]);
        assert_eq!(refused_at_once(&webp::riff(&[(*b"VP8X", canvas), (*b"VP8L", small)])), code);
    }
}

/// Masks may not have longer sides.
#[test]
fn a_side_may_be_65535_pixels() {
    let file = |width| Png::new(width, 2, png::GREY, 8).file(|_, _, _| 7);
    assert_eq!(refused_at_once(&file(65_536)), "image-too-large");
    assert_eq!(checked(&file(65_535)).expect("the longest side allowed").width, 65_535);
}

#[test]
fn a_header_that_lies_is_corrupt() {
    // The data is much smaller than the header says. It takes no more memory than the declared
    // pixels would.
    let png = Png::new(7_000, 7_000, png::GREY, 8);
    assert_eq!(refused(&png.packed(&zeros(1000))), "corrupt-image");
    // The data has far more zeros than the header says. They become black pixels, as in browsers,
    // but no more than fit.
    let png = Png::new(2, 2, png::GREY, 8);
    assert!(checked(&png.packed(&zeros(100 << 20))).is_ok_and(|photo| photo.rgb == [0; 12]));
    // The image in the file is larger than the canvas.
    let large = webp::lossless(7_000, 7_000, [1, 2, 3, 255]);
    let file = webp::riff(&[(*b"VP8X", webp::extended(0, 1, 1)), (*b"VP8L", large)]);
    assert_eq!(refused_at_once(&file), "corrupt-image");
    let mut large = webp::LOSSY[20..].to_vec();
    large[6..10].copy_from_slice(&[0xFF, 0x3F, 0xFF, 0x3F]);
    let file = webp::riff(&[(*b"VP8X", webp::extended(0, 20, 12)), (*b"VP8 ", large.clone())]);
    assert_eq!(refused_at_once(&file), "corrupt-image");
    assert_eq!(refused_at_once(&webp::riff(&[(*b"VP8 ", large)])), "image-too-large");
}

#[test]
fn what_belongs_to_a_photo_does_not_blow_up() {
    let packed = zeros(1 << 30);
    let label = |text: &[u8]| [text, &packed].concat();
    let chunks = [
        (b"iCCP", label(b"a\0\0")),
        (b"zTXt", label(b"a\0\0")),
        (b"iTXt", label(b"a\0\x01\0\0\0")),
        (b"zTXt", label(b"Raw profile type exif\0\0")),
        (b"iTXt", label(b"XML:com.adobe.xmp\0\x01\0\0\0")),
    ];
    for (name, data) in chunks {
        // Each chunk would unpack to a gigabyte, of which nothing is needed.
        let file = Png::new(1, 1, png::GREY, 8).with(name, data).file(|_, _, _| 50);
        assert_eq!(checked(&file).expect("the photo is sound").rgb, [50; 3]);
    }
    for name in [b"EXIF", b"ICCP", b"XMP ", b"ALPH"] {
        // The chunk claims to have four gigabytes.
        let picture = (*b"VP8L", webp::lossless(1, 1, [1, 2, 3, 255]));
        let mut file = webp::riff(&[
            (*b"VP8X", webp::extended(8 + 4 + 32, 1, 1)),
            picture,
            (*name, vec![0; 8]),
        ]);
        let at = file.len() - 12;
        file[at..at + 4].copy_from_slice(&0xFFFF_FFF0_u32.to_le_bytes());
        assert_eq!(refused_at_once(&file), "corrupt-image");
    }
}

/// The most bytes that decoding any photo takes, apart from its file.
const CAP: u64 = 820_000_000;

/// Photos of the largest size allowed, one of each format, and of the kind that takes most memory.
#[test]
fn the_largest_photos_stay_below_the_cap() {
    const SIDE: u16 = 10_000;
    const UNUSUAL_SIDE: u16 = 7_000;
    let png = Png::new(SIDE.into(), SIDE.into(), png::RGBA, 8);
    let mut jpeg = Jpeg::new(UNUSUAL_SIDE, UNUSUAL_SIDE, 4);
    jpeg.separate_scans = true;
    jpeg.exif = Some(crate::make::exif(5));
    for (name, file) in [
        ("png", png.packed(&zeros(png.raw_length()))),
        ("webp", webp::flat(SIDE.into(), SIDE.into(), [1, 2, 3, 255])),
        ("webp with alpha", webp::flat(SIDE.into(), SIDE.into(), [1, 2, 3, 4])),
        (
            "usual jpeg",
            Jpeg { exif: Some(crate::make::exif(5)), ..Jpeg::new(SIDE, SIDE, 3) }
                .file(|_, _, _| 200),
        ),
        ("unusual jpeg", jpeg.file(|_, _, _| 200)),
    ] {
        let (photo, bytes) = peak(|| decode(&file).expect("within the limits"));
        let a_pixel = bytes as f64 / photo.rgb.len() as f64 * 3.0;
        println!("{name}: {a_pixel:.2} bytes a pixel, a file of {}", file.len());
        assert!(a_pixel <= PER_PIXEL as f64 && bytes <= CAP, "{name}: {bytes}");
    }
}
