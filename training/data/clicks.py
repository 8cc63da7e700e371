"""Places where people would click: in the middle of labelled masks, and anywhere in them."""

from collections import Counter
from typing import NamedTuple

import numpy as np
import torch

from .answers import LEVELS, fitted
from .candidates import grown
from .samples import MIN_CELLS, seeded

# Cells from the outline; what is deeper is as good a place.
DEEPEST = 24


def is_sure(mask):
    """Whether a mask's outline and level are what people said."""
    return mask.level in ("part", "entity") and not mask.approx and not mask.crowd


class Click(NamedTuple):
    level: int  # place in LEVELS of the mask that is meant
    number: int  # and its place among the targets of the level, as in `Lesson`
    place: tuple  # column and row


def clicks_of(record, size, most):
    """Clicks into at most so many labelled masks of a photo, always the same; `size` as in `Maps`. In half of the training photos' masks they are
    anywhere, otherwise where the outline is furthest."""
    columns, rows = size[2:]
    rng, targets, count = seeded(record.image), [], Counter()
    for mask in filter(is_sure, record.masks):
        cells = fitted(mask.pixels(), columns, rows)
        if cells.sum() >= MIN_CELLS:
            targets.append((LEVELS.index(mask.level), count[mask.level], cells))
            count[mask.level] += 1
    rng.shuffle(targets)
    place = lambda cells: anywhere(cells, rng) if record.split == "train" and rng.random() < 0.5 else deepest(cells)
    return [Click(level, number, place(cells)) for level, number, cells in targets[:most]]


def anywhere(mask, rng):
    row, column = rng.choice(np.argwhere(mask).tolist())
    return column, row


def deepest(mask):
    """The first of the cells that are furthest from the outside; beyond the photo's edge is outside."""
    inside = torch.from_numpy(np.pad(mask, 1)).float()
    for _ in range(DEEPEST):
        less = 1 - grown(1 - inside[None], 1)[0]
        less[[0, -1]] = 0
        less[:, [0, -1]] = 0
        if not less.any():
            break
        inside = less
    row, column = np.argwhere(inside.numpy())[0] - 1
    return int(column), int(row)
