"""From queries to masks, as quickly as validation needs them. `src/levels/predicted.rs` does the same at the photo's size, removes
specks, and keeps one relation of a pair of entities."""

import torch

from .config import LEVELS, THRESHOLDS

# Queries below this score are nothing.
MIN_SCORE = dict.fromkeys(LEVELS, THRESHOLDS["candidate_score"])
# A mask that others paint over keeps its place only with this share of its pixels left.
MIN_LEFT = THRESHOLDS["visible"]
# Relations overlap; those that are nearly the same do not both stay.
MAX_OVERLAP = THRESHOLDS["same"]
# Of the logits: a mask that changes much when they all go up or down by this is worth less.
STABILITY_OFFSET = THRESHOLDS["stability_offset"]


def confidence(prediction):
    """The geometric mean of the score and the predicted IoU."""
    return (prediction.score.sigmoid() * prediction.quality.sigmoid()).sqrt()


def stability(logits):
    """SAM's stability score of masks [..., height, width], none of which is padding."""
    return (logits > STABILITY_OFFSET).sum((-2, -1)) / (logits > -STABILITY_OFFSET).sum(
        (-2, -1)
    ).clamp(min=1)


def mask_scores(prediction, shown):
    """By what masks compete: the score, the predicted IoU, which counts twice, and SAM's stability score over the cells that show the photo
    (`shown`: columns and rows of the masks)."""
    columns, rows = shown
    return (
        prediction.score.sigmoid().sqrt()
        * prediction.quality.sigmoid()
        * stability(prediction.logits[..., :rows, :columns])
    )


def masks_of(outputs, row, shown):
    """By level: (masks [n, height / 4, width / 4] of bool, scores [n], their places among all masks [n]), best first; entities and parts
    are disjoint."""
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
    """Better masks paint over worse ones; what is mostly hidden goes."""
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
    """Without those that a better one nearly equals."""
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
