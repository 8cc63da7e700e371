"""Turns queries into masks, as quickly as validation needs it.

`src/levels/by_score.rs` does the same at the photo's size. It also removes specks, and keeps only
one relation of each pair of entities.
"""

import torch

from .config import LEVELS, THRESHOLDS

# Masks with a lower score are left out.
MIN_SCORE = dict.fromkeys(LEVELS, THRESHOLDS["candidate_score"])
# A mask that better ones paint over is kept only if this share of its pixels is left.
MIN_LEFT = THRESHOLDS["visible"]
# Relations may overlap, but of two with a higher IoU only the better one stays.
MAX_OVERLAP = THRESHOLDS["same"]
# A mask is worth less if it changes much when all its logits go up or down by this.
STABILITY_OFFSET = THRESHOLDS["stability_offset"]


def confidence(prediction):
    """The geometric mean of the score and the predicted IoU."""
    return (prediction.score.sigmoid() * prediction.quality.sigmoid()).sqrt()


def stability(logits):
    """SAM's stability score of masks [..., height, width] without padding."""
    return (logits > STABILITY_OFFSET).sum((-2, -1)) / (logits > -STABILITY_OFFSET).sum(
        (-2, -1)
    ).clamp(min=1)


def mask_scores(prediction, shown):
    """The values by which masks compete.

    They combine the score, the predicted IoU, which counts twice, and SAM's stability score over
    the cells that show the photo (`shown`: columns and rows of the masks).
    """
    columns, rows = shown
    return (
        prediction.score.sigmoid().sqrt()
        * prediction.quality.sigmoid()
        * stability(prediction.logits[..., :rows, :columns])
    )


def masks_of(outputs, row, shown):
    """The masks of one image by level, best first; entities and parts are disjoint.

    Each level has (masks [n, height / 4, width / 4] of bool, scores [n], their places among all
    masks [n]).
    """
    result = {}
    for level in LEVELS:
        prediction = outputs.predictions[level]
        scores = mask_scores(prediction, shown)[row].float()
        order = scores.argsort(descending=True)
        order = order[scores[order] >= MIN_SCORE[level]]
        found = prediction.logits[row, order] > 0
        masks, kept = distinct(found) if level == "relation" else disjoint(found)
        result[level] = (masks, scores[order][kept], order[kept])
    return result


def disjoint(masks):
    """Lets better masks paint over worse ones, and drops masks of which too little is left."""
    free = torch.ones_like(masks[0]) if len(masks) else None
    left, kept = [], []
    for i, mask in enumerate(masks):
        visible = mask & free
        area = int(mask.sum())
        if area and int(visible.sum()) >= MIN_LEFT * area:
            left.append(visible)
            kept.append(i)
            free &= ~mask
    return (torch.stack(left) if left else masks[:0]), torch.tensor(
        kept, dtype=torch.long, device=masks.device
    )


def distinct(masks):
    """Drops masks that are nearly equal to a better one."""
    left, kept = [], []
    for i, mask in enumerate(masks):
        area = int(mask.sum())
        repeats = any(
            int((mask & other).sum()) > MAX_OVERLAP * int((mask | other).sum()) for other in left
        )
        if area and not repeats:
            left.append(mask)
            kept.append(i)
    return (torch.stack(left) if left else masks[:0]), torch.tensor(
        kept, dtype=torch.long, device=masks.device
    )
