//! Outlines of masks, and masks that are grown in four directions.

use super::BitMask;

/// The pixels of a mask of which one of the four neighbours is not in the mask. Everything beyond
/// the photo's edge counts as outside.
pub fn boundary(mask: &BitMask) -> BitMask {
    let (width, height) = mask.size();
    let mut outline = BitMask::new(width, height);
    for y in 0..height {
        let row = mask.row(y);
        let inner = outline.row_mut(y);
        for (i, out) in inner.iter_mut().enumerate() {
            let (left, right) = neighbours(row, i);
            let above = if y > 0 { mask.row(y - 1)[i] } else { 0 };
            let below = if y + 1 < height { mask.row(y + 1)[i] } else { 0 };
            *out = row[i] & !(left & right & above & below);
        }
    }
    outline
}

/// The mask grown by `steps` pixels in city-block distance.
pub fn dilate(mask: &BitMask, steps: u32) -> BitMask {
    let (width, height) = mask.size();
    let beyond = if width % 64 == 0 { 0 } else { u64::MAX << (width % 64) };
    let mut grown = mask.clone();
    for _ in 0..steps {
        let before = grown.clone();
        for y in 0..height {
            let row = before.row(y);
            for (i, out) in grown.row_mut(y).iter_mut().enumerate() {
                let (left, right) = neighbours(row, i);
                let above = if y > 0 { before.row(y - 1)[i] } else { 0 };
                let below = if y + 1 < height { before.row(y + 1)[i] } else { 0 };
                *out |= left | right | above | below;
            }
            if let Some(last) = grown.row_mut(y).last_mut() {
                *last &= !beyond;
            }
        }
    }
    grown
}

/// For each bit of word `i`, the bit to its left and the bit to its right. Beyond the row they are
/// 0.
pub(super) fn neighbours(row: &[u64], i: usize) -> (u64, u64) {
    let before = if i > 0 { row[i - 1] >> 63 } else { 0 };
    let after = row.get(i + 1).map_or(0, |next| next << 63);
    (row[i] << 1 | before, row[i] >> 1 | after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::testing::{arb_mask, arb_mask_sized};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn boundary_equals_the_neighbour_rule(mask in arb_mask(130, 20)) {
            let expected = BitMask::from_fn(mask.width(), mask.height(), |x, y| {
                let neighbours = [(x.wrapping_sub(1), y), (x + 1, y), (x, y.wrapping_sub(1)), (x, y + 1)];
                mask.get(x, y) && neighbours.iter().any(|&(x, y)| !mask.get(x, y))
            });
            prop_assert_eq!(boundary(&mask), expected);
        }

        #[test]
        fn dilation_equals_the_distance_rule(b in arb_mask_sized(70, 9), gap in 0u32..4) {
            let near = BitMask::from_fn(70, 9, |x, y| {
                let within = |bx: u32, by: u32| x.abs_diff(bx) + y.abs_diff(by) <= gap && b.get(bx, by);
                (0..9).any(|by| (0..70).any(|bx| within(bx, by)))
            });
            prop_assert_eq!(&dilate(&b, gap), &near);
        }
    }

    #[test]
    fn squares_side_by_side() {
        let square = |left: u32| {
            BitMask::from_fn(30, 12, move |x, y| {
                (left..left + 5).contains(&x) && (3..8).contains(&y)
            })
        };
        assert_eq!(boundary(&square(0)).area(), 16);
        let contact = |left: u32, gap: u32| {
            boundary(&square(0)).intersection_area(&dilate(&square(left), gap))
        };
        assert_eq!((contact(5, 1), contact(7, 2), contact(7, 3)), (5, 0, 5));
    }
}
