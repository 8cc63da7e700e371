//! Finds a thing again at full detail: the part of the photo around its mask is encoded by itself,
//! and SAM is asked for the thing once more. This helps with things that cover little of the photo,
//! and with photos that are much larger than the network's input.

use super::grid::cut;
use super::{Point, PointPrompt, Segmenter};
use crate::edges;
use crate::error::{Error, Result};
use crate::levels::{self, LevelRules};
use crate::mask::{BBox, BitMask, deepest};
use crate::photo::Photo;
use crate::progress::Progress;

/// The pixels of the network's input in a cell of a mask's logits, along each axis.
const CELL: f64 = 4.0;
/// The cells must become finer by this factor. With less there is little to gain for the time that
/// the encoder takes.
const LEAST_GAIN: f64 = 2.0;
/// The network sees this share of the mask's longer side around the mask, on each side, because it
/// needs the surroundings to tell what a thing is.
const MARGIN: f64 = 0.25;
/// The IoU with the given mask that the new one must have. The masks of a thing that is only some
/// cells large differ much along its edge, and can have an IoU of 0.65. With less, the network has
/// taken a part of the thing, or more than the thing.
const LEAST_AGREEMENT: f32 = 0.6;

/// A mask that was found again at a higher resolution.
#[derive(Clone, Debug)]
pub struct Zoomed {
    /// The mask, of the photo's size.
    pub mask: BitMask,
    /// The part of the photo that was encoded, in pixels.
    pub frame: BBox,
}

impl Zoomed {
    /// The radius at which the mask's edge is refined, unless the caller says another: twice the
    /// [`edges::default_radius`] of the part that was encoded. The thing fills only about two thirds
    /// of that part, and hair reaches far; `npm run bench:edges -- --set small` compares radii.
    pub fn default_radius(&self) -> f32 {
        2.0 * edges::default_radius(self.frame.width, self.frame.height)
    }
}

impl Segmenter {
    /// Finds the thing of a mask again in the part of the photo around it, which is encoded once
    /// more. The result is `None` if that does not make the cells of a mask at least twice as fine,
    /// or if what is found there is not the same thing; then the given mask is the best there is.
    ///
    /// # Errors
    /// [`Error::SizeMismatch`] if the mask does not have the photo's size, [`Error::Aborted`],
    /// [`Error::DeviceLost`].
    pub async fn zoom(
        &self,
        photo: &Photo,
        mask: &BitMask,
        progress: &Progress<'_>,
    ) -> Result<Option<Zoomed>> {
        let (width, height) = (photo.width, photo.height);
        Error::unless_same_size(mask.size(), (width, height))?;
        let Some(frame) = frame_around(mask, self.input_size) else { return Ok(None) };
        let given =
            BitMask::from_fn(frame.width, frame.height, |x, y| mask.get(frame.x + x, frame.y + y));
        let part = self.encode(cut(photo, frame), &progress.piece(0.0, 0.95)).await?;
        let answers = self.answers(&part, &prompt_for(&given)?).await?;
        progress.checkpoint(1.0).await?;
        let rules = LevelRules::default();
        let found = answers.iter().map(|answer| {
            let scene = levels::single_mask(&answer.candidate, given.size(), None, &rules);
            let mask = scene.masks.first().and_then(|mask| mask.rle.decode().ok());
            mask.unwrap_or_else(|| BitMask::new(frame.width, frame.height))
        });
        let agreeing = found.map(|found| (found.iou(&given), found));
        let best = agreeing.max_by(|(a, _), (b, _)| a.total_cmp(b));
        Ok(best
            .filter(|(agreement, _)| *agreement >= LEAST_AGREEMENT)
            .filter(|(_, found)| !is_cut_off(found, frame, (width, height)))
            .map(|(_, found)| Zoomed { mask: pasted(&found, frame, (width, height)), frame }))
    }
}

/// The part of the photo to encode; `None` if the mask is empty or the part has not much finer
/// cells than the photo.
fn frame_around(mask: &BitMask, input_size: u32) -> Option<BBox> {
    let bbox = mask.bbox()?;
    let longer = f64::from(bbox.width.max(bbox.height));
    // In a smaller part, cells would be finer than the photo's pixels.
    let least = f64::from(input_size) / CELL;
    let margin = (MARGIN * longer).max((least - longer) / 2.0).ceil() as u32;
    let frame = bbox.grown(margin, mask.width(), mask.height());
    let cell = |width: u32, height: u32| {
        (f64::from(width.max(height)) * CELL / f64::from(input_size)).max(1.0)
    };
    let gain = cell(mask.width(), mask.height()) / cell(frame.width, frame.height);
    (gain >= LEAST_GAIN).then_some(frame)
}

/// The prompt for the thing of a mask of the part's size: its box and its innermost point. The mask
/// itself is not passed on as logits, because the answer would then keep its coarse edge.
fn prompt_for(given: &BitMask) -> Result<PointPrompt> {
    let bbox = given.bbox().ok_or(Error::EmptyPrompt)?;
    let (x, y) = deepest(given).ok_or(Error::EmptyPrompt)?;
    let point = Point { x: f64::from(x) + 0.5, y: f64::from(y) + 0.5, label: 1 };
    let shape = [bbox.x, bbox.y, bbox.width, bbox.height].map(f64::from);
    Ok(PointPrompt { points: vec![point], ..PointPrompt::around(shape) })
}

/// Whether the mask ends at an edge of the part that is not an edge of the photo. The thing goes on
/// there, so the part was chosen too small.
fn is_cut_off(found: &BitMask, frame: BBox, (width, height): (u32, u32)) -> bool {
    found.bbox().is_some_and(|bbox| {
        (bbox.x == 0 && frame.x > 0)
            || (bbox.y == 0 && frame.y > 0)
            || (bbox.right() == frame.width && frame.right() < width)
            || (bbox.bottom() == frame.height && frame.bottom() < height)
    })
}

/// A mask of a part as a mask of the photo.
fn pasted(found: &BitMask, frame: BBox, (width, height): (u32, u32)) -> BitMask {
    let mut mask = BitMask::new(width, height);
    for (x, y) in found.pixels() {
        mask.set(frame.x + x, frame.y + y, true);
    }
    mask
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(width: u32, height: u32, bbox: BBox) -> BitMask {
        let is_inside =
            |x, y| (bbox.x..bbox.right()).contains(&x) && (bbox.y..bbox.bottom()).contains(&y);
        BitMask::from_fn(width, height, is_inside)
    }

    #[test]
    fn only_what_becomes_much_finer_is_encoded_again() {
        let square = |side| BBox { x: 900, y: 600, width: side, height: side };
        let frame = |side, input| frame_around(&mask(2000, 1500, square(side)), input);
        // A cell of the photo has 12.5 pixels; one of the part has 3.75.
        assert_eq!(frame(400, 640), Some(BBox { x: 800, y: 500, width: 600, height: 600 }));
        // With its surroundings it is more than half as long as the photo.
        assert_eq!(frame(700, 640), None);
        // The part of a tiny thing has cells of one pixel.
        assert_eq!(frame(10, 640).map(|frame| frame.width), Some(160));
        assert_eq!(frame_around(&BitMask::new(2000, 1500), 640), None);
        // Cells of the photo are finer than two pixels.
        let small = mask(300, 200, BBox { x: 100, y: 100, width: 20, height: 20 });
        assert_eq!(frame_around(&small, 640), None);
    }

    #[test]
    fn a_mask_that_ends_inside_the_photo_at_the_edge_of_the_part_is_cut_off() {
        let frame = BBox { x: 10, y: 0, width: 20, height: 30 };
        let cut_off = |x, y, width, height| {
            is_cut_off(&mask(20, 30, BBox { x, y, width, height }), frame, (100, 30))
        };
        assert!(!cut_off(5, 0, 10, 30), "these are edges of the photo");
        assert!(cut_off(0, 5, 10, 10) && cut_off(5, 5, 15, 10));
    }

    #[test]
    fn a_part_goes_back_where_it_was_cut() {
        let thing = BBox { x: 7, y: 4, width: 5, height: 6 };
        let whole = mask(30, 20, thing);
        let frame = thing.grown(2, 30, 20);
        let part =
            BitMask::from_fn(frame.width, frame.height, |x, y| whole.get(frame.x + x, frame.y + y));
        assert_eq!(pasted(&part, frame, (30, 20)), whole);
        let rgb = (0..30 * 20 * 3).map(|i| (i % 251) as u8).collect();
        let photo = Photo { width: 30, height: 20, rgb };
        let part = cut(&photo, frame);
        assert_eq!((part.width, part.height, part.rgb.len()), (9, 10, 9 * 10 * 3));
        assert_eq!(part.rgb[..3], photo.rgb[3 * (2 * 30 + 5)..][..3]);
    }

    /// A star of many colours on a photo, small enough that its mask has few cells.
    #[cfg(not(target_family = "wasm"))]
    fn star_on_coffee() -> (Photo, BitMask) {
        use crate::mask::rasterise_polygon;
        use crate::photo::{decode, scale_to};

        let corner = |i: u32| {
            let angle = f64::from(i) * std::f64::consts::PI / 7.0;
            let length = if i.is_multiple_of(2) { 90.0 } else { 45.0 };
            [250.0 + length * angle.sin(), 160.0 - length * angle.cos()]
        };
        let corners: Vec<[f64; 2]> = (0..14).map(corner).collect();
        let truth = rasterise_polygon(&corners, 1200, 800).expect("the corners are sound");
        let coffee = decode(include_bytes!("../../www/public/samples/coffee.jpg")).expect("sound");
        let mut photo = scale_to(&coffee, 1200, 800).expect("a sound size");
        for (i, pixel) in (0..).zip(photo.rgb.chunks_exact_mut(3)) {
            let (x, y) = (i % 1200, i / 1200);
            if truth.get(x, y) {
                pixel.copy_from_slice(&[40, (x / 2) as u8, 160 + (y * 7 % 40) as u8]);
            }
        }
        (photo, truth)
    }

    #[test]
    #[cfg(not(target_family = "wasm"))]
    fn a_small_thing_in_a_large_photo_gets_a_finer_mask() {
        use crate::{DeviceKind, Prompt, Request};

        const BASE: &[u8] = include_bytes!("../../models/aims-base-q4.safetensors");
        let (photo, truth) = star_on_coffee();
        pollster::block_on(async {
            let none = Progress::none();
            let segmenter = Segmenter::new(DeviceKind::Cpu, BASE, Some(256)).await.expect("sound");
            let encoded = segmenter.encode(photo.clone(), &none).await.expect("a sound photo");
            let bbox = truth.bbox().expect("it is not empty");
            let shape = [bbox.x, bbox.y, bbox.width, bbox.height].map(f64::from);
            let request = Request {
                prompt: Prompt::Points(PointPrompt::around(shape)),
                ..Request::default()
            };
            let scene = segmenter.segment(&encoded, &request, &none).await.expect("sound");
            let coarse = scene.masks[0].rle.decode().expect("it was just encoded");
            let zoomed = segmenter.zoom(&photo, &coarse, &none).await.expect("sound");
            let (before, after) =
                (coarse.iou(&truth), zoomed.expect("the same thing").mask.iou(&truth));
            assert!(after > 0.8 && after > before + 0.1, "{after} after {before}");

            let whole = BitMask::full(1200, 800);
            assert!(segmenter.zoom(&photo, &whole, &none).await.expect("sound").is_none());
            let other = BitMask::full(800, 1200);
            let result = segmenter.zoom(&photo, &other, &none).await;
            assert!(matches!(result, Err(Error::SizeMismatch { .. })));
            let stop = Progress::new(|_| std::future::ready(false));
            let result = segmenter.zoom(&photo, &coarse, &stop).await;
            assert!(matches!(result, Err(Error::Aborted)));
        });
    }
}
