"""Candidates of a photo: a decoder's masks at some points, and what the scene head reads of each.

Each photo has one file. Masks are bits at a quarter of the input's size, only where it shows the
photo. All overlaps are counts of these cells.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from .stored import Stored

# The tokens that masks come from: SAM's in its order, then those of the level decoders.
KINDS = ("large", "small", "medium", "part", "entity", "relation", "small_entity")
RING = 8  # width of the ring around a mask, in cells
FEW = 9  # cells; smaller masks are left out


@dataclass
class Candidates(Stored):
    """n masks of one photo, sorted by the decoder's own scores, the best first."""

    size: np.ndarray  # [4]: width and height of the photo, columns and rows of the masks
    masks: np.ndarray  # [n, bytes]: bits, row by row
    quality: np.ndarray  # [n]: the predicted IoU
    score: np.ndarray  # [n]: the level decoders' score; for SAM's masks, the predicted IoU again
    stable: np.ndarray  # [n]: SAM's stability score
    repeats: np.ndarray  # [n]: how many masks it stands for: itself and its dropped repeats
    point: np.ndarray  # [n]: the number of the prompt
    kind: np.ndarray  # [n]: the index in KINDS
    tokens: np.ndarray  # [n, 256]: the mask tokens after the decoder
    inside: np.ndarray  # [n, 256]: the embedding's mean in the mask
    around: np.ndarray  # [n, 256]: the embedding's mean in the ring around the mask
    deep: np.ndarray  # [n, 768]: the mean of the trunk's last map in the mask
    # [n, 352]: the mean of the last map of EfficientNet in the mask; without one, [n, 0].
    efficient: np.ndarray
    # [n, classes]: the mean probabilities of the semantic head's classes; without one, [n, 0].
    classes: np.ndarray
    # [n, 8]: area, centre (y, x), box (top, left, bottom, right) and outline, as shares of the
    # photo.
    shape: np.ndarray
    both: np.ndarray  # [n, n]: cells that two masks share
    contact: np.ndarray  # [n, n]: cells of the row's outline next to or in the column's mask

    def pixels(self):
        """The masks, [n, rows, columns] of bool."""
        return unpacked(self.masks, *self.size[2:][::-1])


def place(folder, image):
    """The file with the candidates of an image, which is named as in the sets: `set/name.jpg`."""
    return Path(folder) / Path(image).with_suffix(".npz")


def packed(masks):
    """Packs masks [n, rows, columns] of bool into bits."""
    # The length is written out, because numpy cannot infer it if there are no masks.
    return np.packbits(masks.reshape(len(masks), int(np.prod(masks.shape[1:]))), axis=1)


def unpacked(bits, rows, columns):
    return np.unpackbits(bits, axis=1, count=rows * columns).reshape(-1, rows, columns).astype(bool)


def words(bits):
    """Puts bits [n, bytes] into 64-bit words, padded with zeros."""
    padded = np.pad(bits, ((0, 0), (0, -bits.shape[1] % 8)))
    return padded.view(np.uint64).reshape(len(bits), padded.shape[1] // 8)


def distinct(bits, order, same):
    """Drops masks that repeat an earlier one in this order, with an IoU of at least `same`.

    Returns the masks that are kept, and how many masks each of them stands for.
    """
    bits = words(bits)
    areas = np.bitwise_count(bits).sum(1)
    left, kept, repeats = np.asarray(order), [], []
    while len(left):
        first = left[0]
        both = np.bitwise_count(bits[first] & bits[left]).sum(1)
        repeat = both >= same * (areas[first] + areas[left] - both)
        kept.append(first)
        repeats.append(int(repeat.sum()))
        left = left[~repeat]
    return np.array(kept, int), np.array(repeats, np.float32)


def pooled(cells, features):
    """The means [n, c] of a map [height, width, c] under masks [n, rows, columns].

    The masks are as fine as the map or finer.
    """
    height, width, channels = features.shape
    cells = F.avg_pool2d(cells, cells.shape[1] // height)
    weight = cells.flatten(1)
    return weight @ features.reshape(-1, channels) / weight.sum(1, keepdim=True).clamp(min=1e-3)


def shapes(masks, outline):
    """The `Candidates.shape` of masks [n, rows, columns]."""
    n, rows, columns = masks.shape
    ys, xs = masks.sum(2), masks.sum(1)
    area = ys.sum(1)
    at = lambda sums: (
        (sums * (torch.arange(sums.shape[1]) + 0.5)).sum(1) / sums.sum(1) / sums.shape[1]
    )
    first = lambda sums: (sums > 0).float().argmax(1) / sums.shape[1]
    last = lambda sums: 1 - first(sums.flip(1))
    edges = outline.flatten(1).sum(1) / (rows + columns)
    found = (
        area / (rows * columns),
        at(ys),
        at(xs),
        first(ys),
        first(xs),
        last(ys),
        last(xs),
        edges,
    )
    return torch.stack(found, 1).numpy().astype(np.float32)


def grown(masks, cells):
    """Masks [n, rows, columns] of 0 and 1, grown by this many cells in all directions."""
    result = masks > 0
    for axis in (1, 2):
        reach, length = 0, masks.shape[axis]
        while reach < cells:
            # What lies beyond the edge is lost, so one side alone must leave no gap.
            step = min(reach + 1, cells - reach)
            rest, before = max(0, length - step), result.clone()
            result.narrow(axis, length - rest, rest).logical_or_(before.narrow(axis, 0, rest))
            result.narrow(axis, 0, rest).logical_or_(before.narrow(axis, length - rest, rest))
            reach += step
    return result.float()


def overlaps(a, b):
    """How many cells masks have in common, [n, m] of 16-bit counts."""
    return (a.flatten(1) @ b.flatten(1).T).round().numpy().astype(np.uint16)


def described(size, bits, kept, repeats, raw, encoded, efficient=None, probabilities=None):
    """The `Candidates` of the masks `kept`.

    `raw` has the decoder's outputs for all masks, and `encoded` has the maps (a batch of one).
    `efficient` is the last map of EfficientNet, and `probabilities` [rows, columns, classes] are
    those of the semantic head, if there are such networks.
    """
    columns, rows = size[2:]
    masks = torch.from_numpy(unpacked(bits[kept], rows, columns)).float()
    height, width = encoded.embedding.shape[1:3]
    whole = F.pad(masks, (0, 4 * width - columns, 0, 4 * height - rows))
    ring = grown(masks, RING) - masks
    outline = masks * grown(1 - masks, 1)
    around = F.pad(ring, (0, 4 * width - columns, 0, 4 * height - rows))
    half, none = lambda x: x.numpy().astype(np.float16), masks.new_zeros(len(masks), 0)
    return Candidates(
        size=np.array(size, np.int32),
        masks=bits[kept],
        repeats=repeats,
        **{
            name: raw[name][kept]
            for name in ("quality", "score", "stable", "point", "kind", "tokens")
        },
        inside=half(pooled(whole, encoded.embedding[0])),
        around=half(pooled(around, encoded.embedding[0])),
        deep=half(pooled(whole, encoded.maps[3][0])),
        efficient=half(none if efficient is None else pooled(whole, efficient)),
        classes=half(none if probabilities is None else pooled(masks, probabilities)),
        shape=shapes(masks, outline),
        both=overlaps(masks, masks),
        contact=overlaps(outline, grown(masks, 1)),
    )
