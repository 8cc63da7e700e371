"""What labels say about the box head's output for a photo."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from aims.boxes import BOX_LEVELS, STRIDE, overlap

from .answers import fitted, known
from .samples import MIN_CELLS
from .stored import Stored

CELLS = STRIDE // 4  # cells of masks along a cell of the box head
COVERED = 0.4  # share of a cell that its mask covers


@dataclass
class BoxTargets(Stored):
    """Labels of one photo, by level: part, entity."""

    owner: np.ndarray  # [2, height, width]: the number of the cell's labelled mask, or -1
    known: np.ndarray  # [2, height, width]: whether a box for a cell without mask would be wrong
    boxes: np.ndarray  # [m, 4]: left, top, right, bottom in cells

    @classmethod
    def of(cls, record, size, shape):
        """`size` as in `Maps`, and `shape` is the height and width of the box head's output."""
        columns, rows = size[2:]
        masks = record.masks
        cells = np.stack([fitted(mask.pixels(), columns, rows) for mask in masks])
        large = cells.sum((1, 2)) >= MIN_CELLS
        maps = known(record, cells, large)
        owner = np.full((2, *shape), -1, np.int16)
        least = np.zeros((2, *shape), np.float32)
        boxes = np.zeros((len(masks), 4), np.float32)
        for i, mask in enumerate(masks):
            if not large[i] or mask.level not in BOX_LEVELS or not mask.is_exact:
                continue
            level = BOX_LEVELS.index(mask.level)
            boxes[i] = box_of(mask.pixels(), columns, rows)
            share = coarse(cells[i], shape)
            # A mask has at least the cell that it covers most.
            ours = share >= min(COVERED, share.max())
            ours &= share > least[level]
            owner[level][ours], least[level][ours] = i, share[ours]
        sure = np.stack([coarse(x, shape) > 0.5 for x in maps])
        return cls(owner, sure, boxes)


def coarse(cells, shape):
    """The share of each cell of stride 8 that a mask of stride 4 covers."""
    rows, columns = cells.shape
    whole = np.zeros((shape[0] * CELLS, shape[1] * CELLS), np.float32)
    whole[:rows, :columns] = cells
    return whole.reshape(shape[0], CELLS, shape[1], CELLS).mean((1, 3))


def box_of(pixels, columns, rows):
    """The box of a mask of the photo's size, in cells of stride 8."""
    ys, xs = np.flatnonzero(pixels.any(1)), np.flatnonzero(pixels.any(0))
    height, width = pixels.shape
    scale = np.array([columns / width, rows / height] * 2) / CELLS
    return np.array([xs[0], ys[0], xs[-1] + 1, ys[-1] + 1]) * scale


def mirrored(features, target):
    """A photo's maps and targets, mirrored. The maps of a mirrored photo are much like these."""
    width = target.owner.shape[2]
    flip = lambda x: np.ascontiguousarray(x[:, :, ::-1])
    boxes = target.boxes.copy()
    boxes[:, [0, 2]] = width - target.boxes[:, [2, 0]]
    return [x.flip(1) for x in features], BoxTargets(flip(target.owner), flip(target.known), boxes)


def losses(output, target):
    """The loss of one photo, and its parts by name.

    Each labelled mask counts the same, however many cells it has.
    """
    parts = {}
    for level, name in enumerate(BOX_LEVELS):
        owner = torch.from_numpy(target.owner[level].astype(np.int64))
        known = torch.from_numpy(target.known[level])
        ours, quality = owner >= 0, output.quality[..., level]
        reached, share = torch.zeros_like(quality), torch.zeros_like(quality)
        if ours.any():
            wanted = torch.from_numpy(target.boxes)[owner[ours]]
            iou, generalised = overlap(output.boxes[ours][:, level], wanted)
            reached[ours] = iou.detach()
            each = 1.0 / torch.bincount(owner[ours])[owner[ours]]
            share[ours] = each / each.sum()
            parts[f"{name} box"] = ((1 - generalised) * share[ours]).sum()
        # Of the many wrong cells, those that the head believes in count most.
        wrong = known & ~ours
        hard = quality.sigmoid().detach() ** 2 * wrong / ours.sum().clamp(min=1)
        loss = F.binary_cross_entropy_with_logits(quality, reached, reduction="none")
        parts[f"{name} quality"] = (loss * (share + hard)).sum()
    return sum(parts.values()), parts
