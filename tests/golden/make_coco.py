"""Writes tests/data/coco_pycocotools.json.

The file has masks as rows of text, and the RLE, area and box that pycocotools gives them.

Usage: pip install numpy pycocotools==2.0.11 && python tests/golden/make_coco.py
"""

import json
import random
from pathlib import Path

import numpy as np
from pycocotools import mask as coco


def case(name, pixels):
    code = coco.encode(np.asfortranarray(pixels.astype(np.uint8)))
    return {
        "name": name,
        "rows": ["".join(".#"[int(v)] for v in row) for row in pixels],
        "area": int(coco.area(code)),
        "bbox": [int(v) for v in coco.toBbox(code)],
        "rle": {"size": [int(v) for v in code["size"]], "counts": code["counts"].decode("ascii")},
    }


def blobs(seed, height, width, count, specks):
    """A mask of ellipses, of which every third is cut out, and of single flipped pixels."""
    rng = random.Random(seed)
    y, x = np.mgrid[:height, :width]
    pixels = np.zeros((height, width), dtype=bool)
    for i in range(count):
        cx, cy = rng.randrange(width), rng.randrange(height)
        rx, ry = rng.randint(1, width // 4), rng.randint(1, height // 4)
        pixels[(x - cx) ** 2 * ry**2 + (y - cy) ** 2 * rx**2 <= rx**2 * ry**2] = i % 3 != 2
    for _ in range(specks):
        pixels[rng.randrange(height), rng.randrange(width)] ^= True
    return pixels


edge = np.zeros((9, 13), dtype=bool)
edge[8, 4] = edge[0, 5] = True
cases = [
    case("empty", np.zeros((6, 9), dtype=bool)),
    case("full", np.ones((6, 9), dtype=bool)),
    case("last pixel", np.arange(54).reshape(6, 9) == 53),
    case("a run over a column's foot", edge),
    case("blob", blobs(1, 40, 60, 4, 0)),
    case("blobs with holes", blobs(2, 61, 47, 24, 0)),
    case("blobs and specks", blobs(3, 50, 70, 7, 60)),
    case("wide", blobs(4, 12, 150, 9, 10)),
    case("tall", blobs(5, 150, 12, 9, 10)),
]
target = Path(__file__).parents[1] / "data" / "coco_pycocotools.json"
target.write_text("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]\n")
