"""Writes tests/data/rle_pycocotools.json: masks with the RLE that pycocotools gives them.

Usage: pip install numpy pycocotools==2.0.11 && python tests/golden/make_rle.py
"""

import json
import random
from pathlib import Path

import numpy as np
from pycocotools import mask as coco


def case(name, height, width, rects):
    """A mask and its RLE; the mask is the XOR of [x, y, width, height] rectangles."""
    pixels = np.zeros((height, width), dtype=np.uint8)
    for x, y, w, h in rects:
        pixels[y : y + h, x : x + w] ^= 1
    code = coco.encode(np.asfortranarray(pixels))
    return {
        "name": name,
        "rects": rects,
        "area": int(pixels.sum()),
        "rle": {"size": [int(v) for v in code["size"]], "counts": code["counts"].decode("ascii")},
    }


def speckle(seed, height, width, count):
    rng = random.Random(seed)
    return [[rng.randrange(width), rng.randrange(height), 1, 1] for _ in range(count)]


def blocks(seed, height, width, count):
    rng = random.Random(seed)
    rects = []
    for _ in range(count):
        x, y = rng.randrange(width), rng.randrange(height)
        rects.append([x, y, rng.randint(1, width - x), rng.randint(1, height - y)])
    return rects


cases = [
    case("empty", 5, 7, []),
    case("full", 5, 7, [[0, 0, 7, 5]]),
    case("one pixel photo, clear", 1, 1, []),
    case("one pixel photo, set", 1, 1, [[0, 0, 1, 1]]),
    case("first pixel", 9, 11, [[0, 0, 1, 1]]),
    case("last pixel", 9, 11, [[10, 8, 1, 1]]),
    case("one row", 1, 131, [[3, 0, 60, 1], [64, 0, 1, 1]]),
    case("one column", 131, 1, [[0, 3, 1, 60], [0, 64, 1, 1]]),
    case("whole columns", 8, 130, [[62, 0, 5, 8]]),
    case("run over a column's foot", 6, 6, [[2, 3, 1, 3], [3, 0, 1, 2]]),
    case("odd size, speckle", 37, 67, speckle(1, 37, 67, 300)),
    case("odd size, blocks", 129, 193, blocks(2, 129, 193, 9)),
    case("chequers", 4, 5, [[x, y, 1, 1] for x in range(5) for y in range(4) if (x + y) % 2]),
    case("long runs, empty", 4000, 6000, []),
    case("long runs, full", 4000, 6000, [[0, 0, 6000, 4000]]),
    case(
        "long runs, far blocks",
        3000,
        4000,
        [[3, 0, 900, 3000], [3999, 2999, 1, 1], [2000, 17, 1, 5]],
    ),
]
target = Path(__file__).parents[1] / "data" / "rle_pycocotools.json"
target.write_text("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]\n")
