//! SAM's layers of crops: overlapping pieces of the photo that are encoded by themselves.

use super::super::request::GridOptions;
use crate::error::Result;
use crate::mask::BBox;
use crate::photo::{Photo, fit, scale_to};

/// The photo that crops are cut from. Its long side is at most twice the network's input size.
pub(crate) struct CropSource(Photo);

impl CropSource {
    /// The photo itself, or a smaller copy of it if its long side is more than twice `input_size`
    /// pixels.
    pub(crate) fn new(photo: Photo, input_size: u32) -> Result<Self> {
        let most = 2 * input_size;
        if photo.width.max(photo.height) <= most {
            return Ok(Self(photo));
        }
        let (width, height) = fit(photo.width, photo.height, most);
        Ok(Self(scale_to(&photo, width, height)?))
    }

    /// The pixels that it has of `frame`. The frame is in pixels of the photo at its full `width`.
    pub(crate) fn cut(&self, frame: BBox, width: u32) -> Photo {
        let photo = &self.0;
        let scale = f64::from(photo.width) / f64::from(width);
        let to = |at: u32, limit: u32| ((f64::from(at) * scale).round() as u32).min(limit);
        let (x, y) = (to(frame.x, photo.width - 1), to(frame.y, photo.height - 1));
        let right = to(frame.right(), photo.width).max(x + 1);
        let bottom = to(frame.bottom(), photo.height).max(y + 1);
        cut(photo, BBox { x, y, width: right - x, height: bottom - y })
    }
}

/// The pixels of a rectangle of the photo.
pub(crate) fn cut(photo: &Photo, frame: BBox) -> Photo {
    let row = |y: u32| {
        let start = 3 * (y as usize * photo.width as usize + frame.x as usize);
        &photo.rgb[start..start + 3 * frame.width as usize]
    };
    let rgb = (frame.y..frame.bottom()).flat_map(row).copied().collect();
    Photo { width: frame.width, height: frame.height, rgb }
}

/// A piece of the photo that is encoded by itself, and the number of points per side for it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Crop {
    /// The rectangle of the piece, in pixels of the photo.
    pub frame: BBox,
    pub points_per_side: u32,
}

/// The crops of all layers that the options ask for.
pub(super) fn layers((width, height): (u32, u32), options: &GridOptions) -> Vec<Crop> {
    let crops = |number| {
        let divisor = options.crop_n_points_downscale_factor.pow(number);
        let points = (options.points_per_side / divisor).max(1);
        layer(width, height, number, options.crop_overlap_ratio, points)
    };
    (1..=options.crop_n_layers).flat_map(crops).collect()
}

/// The crops of one layer, `2^layer` per side, as the reference's `generate_crop_boxes` cuts them.
fn layer(
    width: u32,
    height: u32,
    layer: u32,
    overlap_ratio: f32,
    points_per_side: u32,
) -> Vec<Crop> {
    let per_side = 1_u32 << layer;
    let overlap = (overlap_ratio * width.min(height) as f32 * (2.0 / per_side as f32)) as u32;
    let length = |side: u32| (overlap * (per_side - 1) + side).div_ceil(per_side);
    let (crop_width, crop_height) = (length(width), length(height));
    let mut crops = Vec::new();
    for row in 0..per_side {
        for column in 0..per_side {
            let x = crop_width.saturating_sub(overlap) * column;
            let y = crop_height.saturating_sub(overlap) * row;
            let frame = BBox {
                x,
                y,
                width: crop_width.min(width.saturating_sub(x)),
                height: crop_height.min(height.saturating_sub(y)),
            };
            if frame.width > 0 && frame.height > 0 {
                crops.push(Crop { frame, points_per_side });
            }
        }
    }
    crops
}

/// Whether the box of a mask ends at an edge of its crop that is not an edge of the photo. Such
/// masks are cut off.
pub(super) fn touches_inner_edge(bbox: &BBox, crop: &BBox, width: u32, height: u32) -> bool {
    /// The distance in pixels at which edges count as the same, as in the reference.
    const NEAR: u32 = 20;
    let near = |a: u32, b: u32| a.abs_diff(b) <= NEAR;
    let inner =
        |edge: u32, of_crop: u32, of_photo: u32| near(edge, of_crop) && !near(edge, of_photo);
    inner(bbox.x, crop.x, 0)
        || inner(bbox.y, crop.y, 0)
        || inner(bbox.right(), crop.right(), width)
        || inner(bbox.bottom(), crop.bottom(), height)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_covers_the_photo_with_overlap() {
        // This is what the reference gives for `generate_crop_boxes((480, 640), 1, 512 / 1500)`.
        let crops = layer(640, 480, 1, 512.0 / 1500.0, 16);
        let corners: Vec<_> = crops.iter().map(|crop| (crop.frame.x, crop.frame.y)).collect();
        assert_eq!(corners, [(0, 0), (239, 0), (0, 159), (239, 159)]);
        let sizes: Vec<_> =
            crops.iter().map(|crop| (crop.frame.width, crop.frame.height)).collect();
        assert_eq!(sizes, [(402, 322), (401, 322), (402, 321), (401, 321)]);
    }

    #[test]
    fn only_inner_edges_cut_masks_off() {
        let crop = BBox { x: 0, y: 0, width: 402, height: 322 };
        let at = |x, width| BBox { x, y: 50, width, height: 50 };
        assert!(!touches_inner_edge(&at(0, 100), &crop, 640, 480));
        assert!(touches_inner_edge(&at(300, 102), &crop, 640, 480));
    }
}
