"""Places where people would click: in the centre of labelled masks or anywhere in them."""

from collections import Counter
from typing import NamedTuple

import numpy as np
import torch

from .answers import LEVELS, fitted
from .candidates import grown
from .samples import MIN_CELLS, seeded

# Distance from the outline in cells; places further inside are equally good.
DEEPEST = 24


class Target(NamedTuple):
    level: int  # index in LEVELS
    number: int  # place among the targets of the level, as in `SceneTarget`
    cells: np.ndarray


def targets_of(record, size, rng):
    """The labelled masks of a photo that can be clicked, in random order; `size` as in `Maps`."""
    columns, rows = size[2:]
    targets, count = [], Counter()
    for mask in record.masks:
        if mask.level in ("part", "entity") and mask.is_exact:
            cells = fitted(mask.pixels(), columns, rows)
            if cells.sum() >= MIN_CELLS:
                targets.append(Target(LEVELS.index(mask.level), count[mask.level], cells))
                count[mask.level] += 1
    rng.shuffle(targets)
    return targets


def meant(record, size):
    """The masks that clicks on a photo mean, by the number of the click.

    Those that are clicked come first, then the others.
    """
    return targets_of(record, size, seeded(record.image))


def places_of(record, size, most):
    """Clicks on at most `most` labelled masks of a photo, always the same: columns and rows.

    In half of the training photos' masks the click is anywhere, otherwise where the outline is
    furthest.
    """
    rng = seeded(record.image)
    place = lambda cells: (
        anywhere(cells, rng) if record.split == "train" and rng.random() < 0.5 else deepest(cells)
    )
    return [place(target.cells) for target in targets_of(record, size, rng)[:most]]


def anywhere(mask, rng):
    row, column = rng.choice(np.argwhere(mask).tolist())
    return column, row


def deepest(mask):
    """The first of the cells that are furthest from the outside.

    What is beyond the photo's edge counts as outside.
    """
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
