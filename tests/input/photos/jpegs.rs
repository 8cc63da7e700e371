//! Compares JPEG files of every kind that libjpeg-turbo writes with its own pixels
//! (`tests/golden/make_jpegs.py`).

use std::collections::BTreeMap;
use std::io::Read;

use image::RgbImage;
use rayon::prelude::*;

use super::{PNG, checked, refused};

const FILES: &[u8] = include_bytes!("../../data/jpegs.tar");
/// A file whose components have separate scans, which made a decoder panic.
const SEPARATE_SCANS: &[u8] = include_bytes!("../../data/separate_scans.jpg");
/// The largest difference of a channel, which comes from rounding in the transforms.
const TOLERANCE: u8 = 4;

struct Case {
    name: String,
    file: Vec<u8>,
    pixels: RgbImage,
}

fn cases() -> Vec<Case> {
    let mut contents = BTreeMap::new();
    for entry in tar::Archive::new(FILES).entries().expect("an archive") {
        let mut entry = entry.expect("a whole archive");
        let path = entry.path().expect("a name").display().to_string();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).expect("a whole archive");
        contents.insert(path, bytes);
    }
    let names: Vec<String> =
        contents.keys().filter_map(|path| Some(path.strip_suffix(".jpg")?.to_string())).collect();
    let case = |name: String| {
        let pixels =
            image::load_from_memory(&contents[&format!("{name}.png")]).expect("a PNG").into_rgb8();
        Case { file: contents[&format!("{name}.jpg")].clone(), pixels, name }
    };
    names.into_iter().map(case).collect()
}

impl Case {
    fn is_arithmetic(&self) -> bool {
        self.name.contains("arithmetic")
    }

    /// Whether the file must be decoded: it has usual sampling, and one scan or several that begin
    /// with one of all components.
    fn must_be_decoded(&self) -> bool {
        let usual = ["11_11_11", "21_11_11", "12_11_11", "22_11_11"];
        !self.is_arithmetic() && usual.iter().any(|sampling| self.name.contains(sampling))
    }
}

#[test]
fn pixels_are_those_of_libjpeg_or_the_file_is_refused() {
    let cases = cases();
    let mut unsupported = Vec::new();
    for case in &cases {
        match checked(&case.file) {
            Ok(photo) => {
                assert_eq!((photo.width, photo.height), case.pixels.dimensions(), "{}", case.name);
                let differences =
                    photo.rgb.iter().zip(case.pixels.as_raw()).map(|(a, b)| a.abs_diff(*b));
                let most = differences.max().expect("pixels");
                assert!(most <= TOLERANCE, "{}: {most}", case.name);
                assert!(!case.is_arithmetic());
            }
            Err(error) => {
                assert_eq!(error.code(), "unsupported-image", "{}: {error}", case.name);
                assert!(!case.must_be_decoded(), "{}", case.name);
                unsupported.push(&case.name);
            }
        }
    }
    assert!(
        unsupported.len() * 4 < cases.len(),
        "{} of {}: {unsupported:?}",
        unsupported.len(),
        cases.len()
    );
}

/// Phones write panoramas that end with a block of the manufacturer instead of the end marker.
#[test]
fn a_missing_end_marker_does_no_harm() {
    for case in cases().iter().filter(|case| case.must_be_decoded()) {
        let whole = checked(&case.file).expect("it is decoded");
        let open = &case.file[..case.file.len() - 2];
        let maker = b"\x00\x00SEFHj\x00\x00\x00\x01\x00\x00\x00 Panorama_Shot_Info";
        // This looks like a scan of other components.
        let scan = b"\x00\xFF\xDA\x00\x0C\x03\x09\x00\x0A\x11\x0B\x11\x00\x3F\x00";
        let trailers: [&[u8]; 5] = [b"", b"\xFF", maker, scan, &PNG[..300]];
        for trailer in trailers {
            let photo = checked(&[open, trailer].concat());
            let photo =
                photo.unwrap_or_else(|error| panic!("{} and {trailer:?}: {error}", case.name));
            assert!(photo == whole, "{}", case.name);
        }
    }
}

/// Each file that is cut at every third byte is refused or has all its pixels.
#[test]
fn missing_pixels_are_never_made_up() {
    cases().par_iter().filter(|case| !case.is_arithmetic()).for_each(|case| {
        let whole = checked(&case.file);
        for length in (3..case.file.len()).step_by(3) {
            match (checked(&case.file[..length]), &whole) {
                (Ok(photo), Ok(whole)) => {
                    assert!(photo == *whole, "{} cut to {length} bytes", case.name);
                }
                (Ok(_), Err(error)) => {
                    panic!("{} cut to {length} bytes is decoded, but whole: {error}", case.name)
                }
                (Err(error), _) => assert!(
                    matches!(error.code(), "corrupt-image" | "unsupported-image"),
                    "{} cut to {length} bytes: {error}",
                    case.name
                ),
            }
        }
    });
}

#[test]
fn what_cannot_be_decoded_is_unsupported_and_not_damaged() {
    let usual = &cases()[0].file;
    let frame = usual.windows(2).position(|pair| pair == [0xFF, 0xC0]).expect("a frame");
    let with = |at: usize, value: u8| {
        let mut file = usual.clone();
        file[frame + at] = value;
        file
    };
    // These are lossless, hierarchical and arithmetic coding; below, 12 bits per sample.
    for marker in [0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF] {
        assert_eq!(refused(&with(1, marker)), "unsupported-image", "{marker:x}");
    }
    assert_eq!(refused(&with(4, 12)), "unsupported-image");
}

#[test]
fn a_file_that_made_a_decoder_panic() {
    if let Err(error) = checked(SEPARATE_SCANS) {
        assert_eq!(error.code(), "unsupported-image");
    }
}
