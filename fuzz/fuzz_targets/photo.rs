//! Decodes any bytes: they are a photo of the size that it says, or the error says what is wrong
//! with the image.

#![no_main]

use aims_web::photo::{MEGAPIXEL_LIMIT, decode};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: &[u8]| {
    match decode(file) {
        Ok(photo) => {
            let pixels = photo.width as usize * photo.height as usize;
            assert!(pixels > 0 && pixels <= MEGAPIXEL_LIMIT as usize * 1_000_000);
            assert_eq!(photo.rgb.len(), pixels * 3);
        }
        Err(error) => {
            assert!(
                error.code().ends_with("-image") || error.code() == "image-too-large",
                "{error:?}"
            );
        }
    }
});
