"""Recall and precision during training, at the resolution of the mask logits.

`npm run eval` computes the figures that count.
"""

import torch

THRESHOLDS = torch.arange(0.5, 1.0, 0.05)
LIMIT = 100


class Measure:
    """Recall and precision of one level over several images."""

    def __init__(self):
        self.targets = 0
        self.rows = []  # (score, right at each threshold, judged at each threshold)
        self.best = []

    def add(self, masks, scores, truth, known):
        """Adds an image. Where `known` is false, an unmatched mask does not count."""
        self.targets += len(truth)
        masks, scores = masks[:LIMIT], scores[:LIMIT]
        overlap = ious(masks, truth)
        if len(truth):
            self.best += overlap.amax(0).tolist() if len(masks) else [0.0] * len(truth)
        share = (masks & known).sum((1, 2)) / masks.sum((1, 2)).clamp(min=1)
        taken = torch.zeros(len(THRESHOLDS), len(truth), dtype=torch.bool)
        for i, score in enumerate(scores.tolist()):
            right = torch.zeros(len(THRESHOLDS), dtype=torch.bool)
            for t, threshold in enumerate(THRESHOLDS):
                free = torch.where(taken[t], -1.0, overlap[i])
                if len(truth) and free.max() >= threshold:
                    taken[t, free.argmax()] = True
                    right[t] = True
            self.rows.append((score, right, right | (share[i] > 0.7)))

    def recall(self):
        right = sum(row[1].sum().item() for row in self.rows)
        return 100 * right / max(1, self.targets * len(THRESHOLDS))

    def precision(self):
        """AP over the judged masks, at 101 recall points."""
        rows = sorted(self.rows, key=lambda row: -row[0])
        result = []
        for t in range(len(THRESHOLDS)):
            right = torch.tensor([bool(row[1][t]) for row in rows if row[2][t]])
            if not len(right) or not self.targets:
                result.append(0.0)
                continue
            hits = right.cumsum(0)
            precision = hits / torch.arange(1, len(right) + 1)
            precision = precision.flip(0).cummax(0).values.flip(0)
            at = torch.searchsorted((hits / self.targets).contiguous(), torch.linspace(0, 1, 101))
            result.append(
                torch.where(
                    at < len(right), precision[at.clamp(max=len(right) - 1)], torch.zeros(())
                )
                .mean()
                .item()
            )
        return 100 * sum(result) / len(result)

    def best_iou(self):
        """The mean IoU of each target with its best mask."""
        return sum(self.best) / max(1, len(self.best))


def ious(a, b):
    a, b = a.flatten(1).float(), b.flatten(1).float()
    both = a @ b.t()
    return both / (a.sum(1)[:, None] + b.sum(1) - both).clamp(min=1)
