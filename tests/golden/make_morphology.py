"""Writes tests/data/morphology_scipy.json.

The file has masks and pairs of masks, and what SciPy, scikit-image and pycocotools make of them.

    pip install numpy scipy==1.17.1 scikit-image==0.26.0 pycocotools==2.0.11
    python tests/golden/make_morphology.py
"""

import json
from pathlib import Path

import numpy as np
from pycocotools import mask as coco
from scipy import ndimage
from skimage.morphology import remove_small_objects


def encode(pixels):
    code = coco.encode(np.asfortranarray(pixels.astype(np.uint8)))
    return {"size": [int(v) for v in code["size"]], "counts": code["counts"].decode("ascii")}


def counts(pixels):
    return encode(pixels)["counts"]


def grow(pixels, radius):
    """Grows a mask. Distances are between centres of pixels; an empty mask stays empty."""
    return ndimage.distance_transform_edt(~pixels) <= radius if pixels.any() else pixels


def smooth(pixels, radius):
    """Takes the majority in a disc. Pixels beyond the borders have no vote."""
    side = int(radius)
    y, x = np.mgrid[-side : side + 1, -side : side + 1]
    votes = ndimage.convolve(
        2 * pixels.astype(int) - 1, (x**2 + y**2 <= radius**2).astype(int), mode="constant"
    )
    return (votes > 0) | ((votes == 0) & pixels)


def fill_holes(pixels, largest):
    labels, number = ndimage.label(~pixels)
    border = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    holes = [i for i in range(1, number + 1) if i not in border and (labels == i).sum() <= largest]
    return pixels | np.isin(labels, holes)


def largest_island(pixels):
    """The largest island; of several, the one that is furthest to the left.

    Labels are numbered row by row, so the mask is transposed.
    """
    labels, number = ndimage.label(pixels.T)
    areas = ndimage.sum(pixels.T, labels, range(1, number + 1))
    return (labels == 1 + np.argmax(areas)).T if number else pixels


def case(name, pixels):
    return {
        "name": name,
        "rle": encode(pixels),
        "invert": counts(~pixels),
        "grow": {r: counts(grow(pixels, r)) for r in RADII},
        "shrink": {r: counts(~grow(~pixels, r)) for r in RADII},
        "smooth": {r: counts(smooth(pixels, r)) for r in RADII},
        "fillHoles": {"all": counts(ndimage.binary_fill_holes(pixels))}
        | {n: counts(fill_holes(pixels, n)) for n in AREAS},
        "dropIslands": {"largest": counts(largest_island(pixels))}
        | {n: counts(remove_small_objects(pixels, max_size=n - 1, connectivity=1)) for n in AREAS},
    }


def pair(first, second):
    codes = [coco.encode(np.asfortranarray(p.astype(np.uint8))) for p in (first, second)]
    return {
        "masks": [encode(first), encode(second)],
        "union": coco.merge(codes)["counts"].decode("ascii"),
        "intersect": coco.merge(codes, intersect=True)["counts"].decode("ascii"),
        "subtract": counts(first & ~second),
    }


def blobs(seed, height, width, count, noise):
    """A mask of discs, of which every third is cut out, with a share `noise` of flipped pixels."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    pixels = np.zeros((height, width), dtype=bool)
    for i in range(count):
        cx, cy, radius = (
            rng.uniform(0, width),
            rng.uniform(0, height),
            rng.uniform(1, min(height, width) / 3),
        )
        pixels[(x - cx) ** 2 + (y - cy) ** 2 < radius**2] = i % 3 != 2
    return pixels ^ (rng.random((height, width)) < noise)


RADII = [0, 0.9, 1, 1.5, 2, 3.7, 5, 13]
AREAS = [1, 2, 3, 10, 40]
dot = np.zeros((9, 14), dtype=bool)
dot[4, 5] = True
ring = np.zeros((11, 11), dtype=bool)
ring[2:9, 2:9] = True
ring[4:7, 4:7] = False
ring[5, 5] = True
open_at_corner = ring.copy()
open_at_corner[3, 3] = open_at_corner[2, 2] = False
masks = {
    "empty": np.zeros((7, 5), dtype=bool),
    "full": np.ones((7, 5), dtype=bool),
    "one pixel photo": np.ones((1, 1), dtype=bool),
    "dot": dot,
    "all but a dot": ~dot,
    "ring around a dot": ring,
    "open at a corner only": open_at_corner,
    "chequers": np.indices((9, 12)).sum(axis=0) % 2 == 0,
    "one row": (np.arange(40) % 7 > 2)[None],
    "one column": (np.arange(40) % 7 > 2)[:, None],
    "discs": blobs(1, 37, 52, 9, 0),
    "discs with specks": blobs(2, 45, 38, 9, 0.06),
    "noise": blobs(3, 30, 33, 1, 0.4),
    "thin": blobs(4, 60, 9, 6, 0.05),
}
pairs = [
    pair(blobs(seed, 31, 44, 7, noise), blobs(seed + 50, 31, 44, 7, noise))
    for seed, noise in [(10, 0), (11, 0.02), (12, 0.4)]
]
pairs += [
    pair(masks["empty"], masks["full"]),
    pair(masks["full"], masks["empty"]),
    pair(masks["full"], masks["full"]),
]
data = {"cases": [case(name, pixels) for name, pixels in masks.items()], "pairs": pairs}
text = "{" + ",\n".join(
    f'"{key}": [\n' + ",\n".join(json.dumps(item, separators=(",", ":")) for item in items) + "\n]"
    for key, items in data.items()
)
(Path(__file__).parents[1] / "data" / "morphology_scipy.json").write_text(text + "}\n")
