//! Non-maximum suppression: of boxes that overlap strongly, only the one with the best score stays.

use super::BBox;

/// Greedy suppression by the IoU of boxes, as SAM's `batched_nms` does with one category.
///
/// Returns the indices of the boxes that stay, the best score first. A box is dropped if its IoU
/// with a better box that stays is above `iou_threshold`. If scores are equal, the earlier box
/// counts as better.
pub(crate) fn box_nms(boxes: &[BBox], scores: &[f32], iou_threshold: f32) -> Vec<usize> {
    let score = |i: usize| scores.get(i).copied().filter(|s| !s.is_nan()).unwrap_or(f32::MIN);
    let mut order: Vec<usize> = (0..boxes.len()).collect();
    order.sort_by(|&a, &b| score(b).total_cmp(&score(a)));
    let mut kept: Vec<usize> = Vec::new();
    for i in order {
        if !kept.iter().any(|&better| boxes[better].iou(&boxes[i]) > iou_threshold) {
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

    proptest! {
        #[test]
        fn nms_is_idempotent_and_leaves_no_repeats(
            items in prop::collection::vec((arb_mask_sized(40, 12), 0.0f32..1.0), 0..8),
            threshold in 0.1f32..0.9,
        ) {
            let (masks, scores): (Vec<_>, Vec<f32>) = items.into_iter().unzip();
            let boxes: Vec<BBox> = masks.iter().map(|mask| mask.bbox().unwrap_or_default()).collect();
            let kept = box_nms(&boxes, &scores, threshold);
            prop_assert!(kept.windows(2).all(|pair| scores[pair[0]] >= scores[pair[1]]));
            let again: Vec<BBox> = kept.iter().map(|&i| boxes[i]).collect();
            let again_scores: Vec<f32> = kept.iter().map(|&i| scores[i]).collect();
            prop_assert_eq!(box_nms(&again, &again_scores, threshold), (0..kept.len()).collect::<Vec<_>>());
            for i in (0..boxes.len()).filter(|i| !kept.contains(i)) {
                let repeats = |&k: &usize| scores[k] >= scores[i] && boxes[k].iou(&boxes[i]) > threshold;
                prop_assert!(kept.iter().any(repeats), "box {} was dropped without a reason", i);
            }
        }
    }
}
