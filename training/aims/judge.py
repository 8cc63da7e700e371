"""Recall and precision of a photo's masks, as `npm run eval` counts them.

Intervals come from drawing the photos again, with replacement.
"""

from typing import NamedTuple

import numpy as np

THRESHOLDS = np.arange(0.5, 1.0, 0.05)
LIMIT = 100
HIT, MISS, IGNORED = 1, 0, -1


class Judged(NamedTuple):
    """The outcomes of one photo's k masks, best first."""

    scores: np.ndarray  # [k]
    outcomes: np.ndarray  # [k, thresholds]
    targets: int


def judge(masks, scores, truth, ignore, judged=None):
    """Compares the masks of a photo with its labels.

    `masks` are [k, words], best first, and `truth` is [m, words]; all masks are bits in 64-bit
    words. A mask that lies in one of `ignore` is neither right nor wrong. Neither is a mask
    without a counterpart whose larger part is not in `judged` [words].
    """
    masks, scores = masks[:LIMIT], np.asarray(scores[:LIMIT])
    count = lambda x: np.bitwise_count(x).sum(-1, dtype=int)
    area = count(masks).clip(1)
    both = count(masks[:, None] & truth)
    overlap = both / (area[:, None] + count(truth) - both)
    in_ignored = (count(masks[:, None] & ignore) / area[:, None]).max(1, initial=0)
    if judged is not None:
        in_ignored = np.where(count(masks & judged) < 0.5 * area, 1.0, in_ignored)
    return matched(overlap, scores, in_ignored)


def matched(overlap, scores, in_ignored):
    """Lets each of k masks, best first, take the free target that it overlaps most.

    `overlap` [k, m] is the IoU. `in_ignored` [k] is the share of each mask that may be anything.
    """
    outcomes = np.zeros((len(overlap), len(THRESHOLDS)), np.int8)
    targets = overlap.shape[1]
    for t, enough in enumerate(THRESHOLDS):
        free = np.ones(targets, bool)
        for i, row in enumerate(overlap):
            left = np.where(free, row, -1)
            if left.max(initial=-1) >= enough:
                free[left.argmax()] = False
                outcomes[i, t] = HIT
            elif in_ignored[i] >= enough:
                outcomes[i, t] = IGNORED
    return Judged(scores, outcomes, targets)


def recall(photos):
    """AR in percent."""
    hits = sum((photo.outcomes == HIT).sum() for photo in photos)
    return 100 * float(hits) / max(1, len(THRESHOLDS) * sum(photo.targets for photo in photos))


def precision(photos, thresholds=slice(None)):
    """COCO's AP at 101 recall points, in percent."""
    targets = sum(photo.targets for photo in photos)
    scores = np.concatenate([photo.scores for photo in photos])
    outcomes = np.concatenate([photo.outcomes for photo in photos])[
        np.argsort(-scores, kind="stable")
    ]
    found = []
    for column in outcomes.T[thresholds]:
        right = column[column != IGNORED] == HIT
        if not len(right) or not targets:
            found.append(0.0)
            continue
        hits = right.cumsum()
        best = np.maximum.accumulate((hits / np.arange(1, len(right) + 1))[::-1])[::-1]
        at = np.searchsorted(hits / targets, np.linspace(0, 1, 101))
        found.append(np.where(at < len(best), best[at.clip(max=len(best) - 1)], 0).mean())
    return 100 * float(np.mean(found))


def interval(photos, figure, draws=1000, seed=0):
    """The figure and its 95 % interval over photos."""
    rng = np.random.default_rng(seed)
    drawn = [
        figure([photos[i] for i in rng.integers(len(photos), size=len(photos))])
        for _ in range(draws)
    ]
    low, high = np.percentile(drawn, (2.5, 97.5))
    return {
        "value": round(figure(photos), 1),
        "low": round(float(low), 1),
        "high": round(float(high), 1),
    }
