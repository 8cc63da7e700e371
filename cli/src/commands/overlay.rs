//! Draws the masks of one level in colours on the photo.

use aims_web::levels::{Level, Scene};
use aims_web::mask::BitMask;
use aims_web::photo::Photo;
use anyhow::{Context, Result};
use image::RgbImage;

/// The share of the colour inside a mask. The outline of the mask is opaque.
const TINT: f32 = 0.45;

/// Draws the masks of a level on a photo, large ones first, so that small ones stay visible.
pub fn draw(photo: &Photo, scene: &Scene, level: Level) -> Result<RgbImage> {
    let mut image = RgbImage::from_raw(photo.width, photo.height, photo.rgb.clone())
        .context("the photo's pixels do not match its size")?;
    let mut masks: Vec<_> = scene.level(level).collect();
    masks.sort_by_key(|mask| std::cmp::Reverse(mask.area));
    // The outline is thick enough to be seen when a large photo is shown on a screen.
    let line = photo.width.max(photo.height) / 700 + 1;
    for (i, mask) in masks.into_iter().enumerate() {
        paint(&mut image, &mask.rle.decode()?, colour(i), line);
    }
    Ok(image)
}

fn paint(image: &mut RgbImage, mask: &BitMask, colour: [u8; 3], line: u32) {
    let Some(bbox) = mask.bbox() else { return };
    let (width, height) = mask.size();
    for y in bbox.y..bbox.bottom() {
        for x in bbox.x..bbox.right() {
            if !mask.get(x, y) {
                continue;
            }
            let inner = x >= line && y >= line && x + line < width && y + line < height;
            let is_edge = !inner
                || [(x - line, y), (x + line, y), (x, y - line), (x, y + line)]
                    .into_iter()
                    .any(|(x, y)| !mask.get(x, y));
            let share = if is_edge { 1.0 } else { TINT };
            for (value, colour) in image.get_pixel_mut(x, y).0.iter_mut().zip(colour) {
                *value = (f32::from(*value) * (1.0 - share) + f32::from(colour) * share) as u8;
            }
        }
    }
}

/// The colour of the mask at `index`. Hues are a golden angle apart, so that neighbours in the list
/// look different.
fn colour(index: usize) -> [u8; 3] {
    let hue = (index as f32 * 0.618_034).fract() * 6.0;
    let channel = |offset: f32| {
        let distance = ((hue + offset) % 6.0 - 3.0).abs() - 1.0;
        (distance.clamp(0.0, 1.0) * 200.0 + 55.0) as u8
    };
    [channel(0.0), channel(4.0), channel(2.0)]
}
