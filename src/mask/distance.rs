//! The exact Euclidean distance transform in linear time, after A. Meijster, J. Roerdink and W.
//! Hesselink, "A General Algorithm for Computing Distance Transforms in Linear Time" (2000). It
//! first finds the distances within each column. Then, for each row, it finds the lower envelope of
//! the parabolas that these distances put on the row.

use super::{BBox, BitMask};

/// The pixel of a mask that is furthest from the outside; `None` if the mask is empty. Everything
/// beyond the photo's edge counts as outside. If several pixels are equally far, it is the first
/// one, row by row.
pub fn deepest(mask: &BitMask) -> Option<(u32, u32)> {
    let bbox = mask.bbox()?;
    let squared = squared_distances(mask, &bbox);
    let deepest = *squared.iter().max()?;
    let index = squared.iter().position(|&distance| distance == deepest)? as u32;
    Some((bbox.x + index % bbox.width, bbox.y + index / bbox.width))
}

/// For each pixel of the mask's box, row by row, the squared distance from its centre to the centre
/// of the nearest pixel outside the mask. Every pixel next to the box is outside the mask, so the
/// search need not go further.
fn squared_distances(mask: &BitMask, bbox: &BBox) -> Vec<i64> {
    let is_outside = |x: usize, y: usize| !mask.get(bbox.x + x as u32, bbox.y + y as u32);
    squared_distances_to(is_outside, bbox.width as usize, bbox.height as usize, 0)
}

/// For each position of a grid, row by row, the squared distance to the nearest position that is a
/// target. The positions just beyond the grid are as far from a target as `beyond` says, in steps.
pub(crate) fn squared_distances_to(
    is_target: impl Fn(usize, usize) -> bool,
    width: usize,
    height: usize,
    beyond: u32,
) -> Vec<i64> {
    let beyond = i64::from(beyond);
    // Each entry becomes the distance within its column. There is one more column on each side.
    let stride = width + 2;
    let mut columns = vec![beyond; stride * height];
    for y in 0..height {
        for x in 0..width {
            let above = if y > 0 { columns[(y - 1) * stride + x + 1] } else { beyond };
            columns[y * stride + x + 1] = if is_target(x, y) { 0 } else { above + 1 };
        }
    }
    for y in (0..height).rev() {
        for x in 1..=width {
            let below = if y + 1 < height { columns[(y + 1) * stride + x] } else { beyond };
            let here = &mut columns[y * stride + x];
            *here = (*here).min(below + 1);
        }
    }
    let mut envelope = Vec::with_capacity(stride);
    columns
        .chunks(stride)
        .flat_map(|row| row_distances(row, &mut envelope)[1..=width].to_vec())
        .collect()
}

/// The squared distances along a row, from the row's distances within columns. `envelope` is
/// scratch space. It holds the parabolas that are the lowest somewhere, each as the column of its
/// apex and the first column where it is the lowest.
fn row_distances(row: &[i64], envelope: &mut Vec<(i64, i64)>) -> Vec<i64> {
    let height = |x: i64, apex: i64| (x - apex).pow(2) + row[apex as usize].pow(2);
    envelope.clear();
    envelope.push((0, 0));
    for apex in 1..row.len() as i64 {
        while envelope.last().is_some_and(|&(last, from)| height(from, last) > height(from, apex)) {
            envelope.pop();
        }
        let from = match envelope.last() {
            Some(&(last, _)) => {
                let squares = height(0, apex) - height(0, last);
                1 + squares.div_euclid(2 * (apex - last))
            }
            None => 0,
        };
        if from < row.len() as i64 {
            envelope.push((apex, from));
        }
    }
    let mut distances = vec![0; row.len()];
    for (x, distance) in distances.iter_mut().enumerate().rev() {
        if let Some(&(apex, from)) = envelope.last() {
            *distance = height(x as i64, apex);
            if from == x as i64 {
                envelope.pop();
            }
        }
    }
    distances
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::testing::arb_mask;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn distances_are_those_to_the_nearest_pixel_outside(mask in arb_mask(30, 20)) {
            let (width, height) = (i64::from(mask.width()), i64::from(mask.height()));
            let is_set = |x: i64, y: i64| x >= 0 && y >= 0 && mask.get(x as u32, y as u32);
            let outside: Vec<(i64, i64)> = (-1..=height)
                .flat_map(|y| (-1..=width).map(move |x| (x, y)))
                .filter(|&(x, y)| !is_set(x, y))
                .collect();
            let Some(bbox) = mask.bbox() else {
                prop_assert_eq!(deepest(&mask), None);
                return Ok(());
            };
            let expected: Vec<i64> = (i64::from(bbox.y)..i64::from(bbox.bottom()))
                .flat_map(|y| (i64::from(bbox.x)..i64::from(bbox.right())).map(move |x| (x, y)))
                .map(|(x, y)| outside.iter().map(|(ox, oy)| (x - ox).pow(2) + (y - oy).pow(2)).min().unwrap_or(0))
                .collect();
            prop_assert_eq!(squared_distances(&mask, &bbox), expected);
        }
    }

    #[test]
    fn the_deepest_place_is_in_the_middle_of_the_broadest_piece() {
        let mask = BitMask::from_fn(100, 60, |x, y| {
            let bar = (2..98).contains(&x) && (50..55).contains(&y);
            let square = (20..41).contains(&x) && (10..31).contains(&y);
            bar || square
        });
        assert_eq!(deepest(&mask), Some((30, 20)));
        assert_eq!(deepest(&BitMask::full(9, 5)), Some((2, 2)), "beyond the edge is outside");
    }
}
