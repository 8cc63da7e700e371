//! Scales photos to the network's input.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use super::Photo;
use crate::error::{Error, Result};

/// The width and height that bring the long side to `size` pixels, rounded as SAM rounds them.
pub fn fit(width: u32, height: u32, size: u32) -> (u32, u32) {
    let scale = f64::from(size) / f64::from(width.max(height));
    let scaled = |side: u32| ((f64::from(side) * scale + 0.5) as u32).clamp(1, size);
    (scaled(width), scaled(height))
}

/// Scales with a bilinear filter, which is widened when the photo shrinks so that there is no
/// aliasing. SAM's preprocessing does the same.
pub fn scale_to(photo: &Photo, width: u32, height: u32) -> Result<Photo> {
    if (width, height) == (photo.width, photo.height) {
        return Ok(photo.clone());
    }
    let internal =
        |error: &dyn std::fmt::Display| Error::Internal(format!("scaling failed: {error}"));
    let from = ImageRef::new(photo.width, photo.height, &photo.rgb, PixelType::U8x3)
        .map_err(|error| internal(&error))?;
    let mut to = Image::new(width, height, PixelType::U8x3);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
    Resizer::new().resize(&from, &mut to, &options).map_err(|error| internal(&error))?;
    Ok(Photo { width, height, rgb: to.into_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_long_side_fits_exactly() {
        assert_eq!(fit(4000, 3000, 1024), (1024, 768));
        assert_eq!(fit(480, 640, 1024), (768, 1024));
        assert_eq!(fit(10_000, 1, 1024), (1024, 1));
    }

    #[test]
    fn shrinking_averages() {
        let rgb =
            (0..16).flat_map(|i| [if (i % 4 + i / 4) % 2 == 0 { 255 } else { 0 }; 3]).collect();
        let board = Photo { width: 4, height: 4, rgb };
        let small = scale_to(&board, 1, 1).expect("valid sizes");
        assert!(small.rgb.iter().all(|value| value.abs_diff(128) <= 2), "{:?}", small.rgb);
    }
}
