//! Non-maximum suppression: of masks that repeat each other only the best-scored stays.

use super::{BBox, BitMask};

/// Greedy suppression by box IoU, as SAM's `batched_nms` with one category.
///
/// Returns the indices of the boxes that stay, best score first; a box goes when its IoU with a better one
/// that stays is above `iou_threshold`. Of equal scores the earlier wins.
pub fn box_nms(boxes: &[BBox], scores: &[f32], iou_threshold: f32) -> Vec<usize> {
    greedy(boxes.len(), scores, |a, b| boxes[a].iou(&boxes[b]) > iou_threshold)
}

/// Greedy suppression by mask IoU; otherwise as [`box_nms`]. Empty masks go.
///
/// # Panics
/// When the masks differ in size.
pub fn mask_nms(masks: &[BitMask], scores: &[f32], iou_threshold: f32) -> Vec<usize> {
    let shapes: Vec<(BBox, u32)> = masks.iter().map(|m| (m.bbox().unwrap_or_default(), m.area())).collect();
    let mut kept = greedy(masks.len(), scores, |a, b| {
        let ((box_a, area_a), (box_b, area_b)) = (shapes[a], shapes[b]);
        // The IoU is at most this ratio, whatever the masks look like inside their boxes.
        let (small, large) = (area_a.min(area_b), area_a.max(area_b));
        let most = box_a.intersection_area(&box_b).min(u64::from(small));
        most as f32 > iou_threshold * large as f32 && masks[a].iou(&masks[b]) > iou_threshold
    });
    kept.retain(|&i| shapes[i].1 > 0);
    kept
}

fn greedy(count: usize, scores: &[f32], repeats: impl Fn(usize, usize) -> bool) -> Vec<usize> {
    let score = |i: usize| scores.get(i).copied().filter(|s| !s.is_nan()).unwrap_or(f32::MIN);
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by(|&a, &b| score(b).total_cmp(&score(a)));
    let mut kept: Vec<usize> = Vec::new();
    for i in order {
        if !kept.iter().any(|&k| repeats(k, i)) {
            kept.push(i);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::testing::arb_mask_sized;
    use proptest::prelude::*;

    fn square(x: u32, width: u32) -> BBox {
        BBox { x, y: 0, width, height: 10 }
    }

    #[test]
    fn the_better_of_two_like_boxes_stays() {
        let boxes = [square(0, 10), square(1, 10), square(40, 10)];
        assert_eq!(box_nms(&boxes, &[0.8, 0.9, 0.7], 0.7), [1, 2]);
        assert_eq!(box_nms(&boxes, &[0.8, 0.9, f32::NAN], 0.9), [1, 0, 2]);
        assert_eq!(box_nms(&boxes, &[0.9, 0.9, 0.7], 0.7), [0, 2]);
    }

    #[test]
    fn masks_in_like_boxes_may_both_stay() {
        let rows = |odd: u32| BitMask::from_fn(64, 10, move |_, y| y % 2 == odd || y == 0 || y == 9);
        let masks = [rows(0), rows(1), rows(0), BitMask::new(64, 10)];
        let boxes: Vec<BBox> = masks[..3].iter().filter_map(BitMask::bbox).collect();
        assert_eq!(box_nms(&boxes, &[0.9, 0.8, 0.7], 0.7), [0]);
        assert_eq!(mask_nms(&masks, &[0.9, 0.8, 0.7, 0.6], 0.7), [0, 1]);
    }

    proptest! {
        #[test]
        fn nms_is_idempotent_and_leaves_no_repeats(
            items in prop::collection::vec((arb_mask_sized(40, 12), 0.0f32..1.0), 0..8),
            threshold in 0.1f32..0.9,
        ) {
            let (masks, scores): (Vec<BitMask>, Vec<f32>) = items.into_iter().unzip();
            let kept = mask_nms(&masks, &scores, threshold);
            prop_assert!(kept.windows(2).all(|k| scores[k[0]] >= scores[k[1]]));
            let again: Vec<BitMask> = kept.iter().map(|&i| masks[i].clone()).collect();
            let again_scores: Vec<f32> = kept.iter().map(|&i| scores[i]).collect();
            prop_assert_eq!(mask_nms(&again, &again_scores, threshold), (0..kept.len()).collect::<Vec<_>>());
            for i in (0..masks.len()).filter(|i| !kept.contains(i) && !masks[*i].is_empty()) {
                let repeats = |&k: &usize| scores[k] >= scores[i] && masks[k].iou(&masks[i]) > threshold;
                prop_assert!(kept.iter().any(repeats), "mask {} went without cause", i);
            }

            let boxes: Vec<BBox> = masks.iter().map(|m| m.bbox().unwrap_or_default()).collect();
            let kept = box_nms(&boxes, &scores, threshold);
            let again: Vec<BBox> = kept.iter().map(|&i| boxes[i]).collect();
            let again_scores: Vec<f32> = kept.iter().map(|&i| scores[i]).collect();
            prop_assert_eq!(box_nms(&again, &again_scores, threshold), (0..kept.len()).collect::<Vec<_>>());
        }
    }
}
