//! Masks that are grown in all eight directions.

use super::BitMask;
use super::contact::neighbours;

/// The mask grown by `steps` pixels, also diagonally. Nothing beyond the photo counts.
pub(crate) fn grow(mask: &BitMask, steps: u32) -> BitMask {
    let (width, height) = mask.size();
    // These are the bits of a row's last word that are not pixels.
    let beyond = if width % 64 == 0 { 0 } else { u64::MAX << (width % 64) };
    let mut wide = mask.clone();
    for y in 0..height {
        for _ in 0..steps {
            let before = wide.row(y).to_vec();
            for (i, word) in wide.row_mut(y).iter_mut().enumerate() {
                let (left, right) = neighbours(&before, i);
                *word |= left | right;
            }
            if let Some(last) = wide.row_mut(y).last_mut() {
                *last &= !beyond;
            }
        }
    }
    let mut grown = BitMask::new(width, height);
    for y in 0..height {
        for near in y.saturating_sub(steps)..=(y + steps).min(height.saturating_sub(1)) {
            let row = wide.row(near);
            grown.row_mut(y).iter_mut().zip(row).for_each(|(word, other)| *word |= other);
        }
    }
    grown
}

/// The pixels of a mask of which one of the eight neighbours is not in the mask. The photo's edge
/// does not count as outside.
pub(crate) fn rim(mask: &BitMask) -> BitMask {
    let (width, height) = mask.size();
    let mut outside = BitMask::full(width, height);
    outside.subtract(mask);
    let mut rim = grow(&outside, 1);
    rim.intersect_with(mask);
    rim
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::testing::arb_mask_sized;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn grows_to_all_pixels_that_are_near(mask in arb_mask_sized(70, 9), steps in 0u32..4) {
            let near = |x: u32, y: u32, steps: u32| {
                let within = |bx: u32, by: u32| x.abs_diff(bx).max(y.abs_diff(by)) <= steps;
                (0..9).any(|by| (0..70).any(|bx| within(bx, by) && mask.get(bx, by)))
            };
            prop_assert_eq!(grow(&mask, steps), BitMask::from_fn(70, 9, |x, y| near(x, y, steps)));
            let free = |x: u32, y: u32| {
                (0..9).any(|by| (0..70).any(|bx| x.abs_diff(bx).max(y.abs_diff(by)) <= 1 && !mask.get(bx, by)))
            };
            prop_assert_eq!(rim(&mask), BitMask::from_fn(70, 9, |x, y| mask.get(x, y) && free(x, y)));
        }
    }
}
