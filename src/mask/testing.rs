//! Random masks for the property tests.

use super::BitMask;
use proptest::prelude::*;

/// Any mask of at most the given size: a few rectangles, without the pixels where an even number of
/// them overlap, and with some single pixels inverted.
pub(crate) fn arb_mask(max_width: u32, max_height: u32) -> impl Strategy<Value = BitMask> {
    (1..=max_width, 1..=max_height).prop_flat_map(|(w, h)| arb_mask_sized(w, h))
}

/// Any mask of exactly the given size.
pub(crate) fn arb_mask_sized(w: u32, h: u32) -> impl Strategy<Value = BitMask> {
    let rect = (0..w, 0..h, 1..=w, 1..=h);
    let rects = prop::collection::vec(rect, 0..5);
    let speckle = prop::collection::vec((0..w, 0..h), 0..12);
    (rects, speckle).prop_map(move |(rects, speckle)| {
        BitMask::from_fn(w, h, |x, y| {
            let inside = |&&(rx, ry, rw, rh): &&(u32, u32, u32, u32)| {
                (rx..rx + rw).contains(&x) && (ry..ry + rh).contains(&y)
            };
            (rects.iter().filter(inside).count() % 2 == 1) ^ speckle.contains(&(x, y))
        })
    })
}
