"""Writes tests/data/polygons_pycocotools.json.

The file has annotations of polygons, boxes and uncompressed runs, and the RLE that pycocotools
makes of them.

Usage: pip install numpy pycocotools==2.0.11 && python tests/golden/make_polygons.py
"""

import json
import math
import random
from pathlib import Path

from pycocotools import mask as coco


def case(name, height, width, annotation):
    """An annotation and its RLE, made as COCO.annToRLE does it."""
    shape = annotation.get("segmentation") or [box_ring(annotation["bbox"])]
    code = coco.frPyObjects(shape, height, width)
    if isinstance(code, list):
        code = coco.merge(code)
    size = [int(v) for v in code["size"]]
    return {
        "name": name,
        "annotation": annotation,
        "rle": {"size": size, "counts": code["counts"].decode("ascii")},
    }


def box_ring(box):
    x, y, w, h = box
    return [x, y, x, y + h, x + w, y + h, x + w, y]


def star(rng, height, width, corners, digits):
    """Corners around a centre at random distances, which may lie outside the photo."""
    cx, cy = rng.uniform(0, width), rng.uniform(0, height)
    ring = []
    for i in range(corners):
        angle, radius = 2 * math.pi * i / corners, rng.uniform(0, 0.7) * min(height, width)
        ring += [
            round(cx + radius * math.cos(angle), digits),
            round(cy + radius * math.sin(angle), digits),
        ]
    return ring


def scrawl(rng, height, width, corners, digits):
    """Corners anywhere in or near the photo, so that edges cross each other."""
    return [
        round(rng.uniform(-0.3, 1.3) * side, digits)
        for _ in range(corners)
        for side in (width, height)
    ]


cases = [
    case("square", 6, 8, {"segmentation": [[2, 1, 5, 1, 5, 4, 2, 4]]}),
    case(
        "square between pixels", 6, 8, {"segmentation": [[2.5, 1.5, 5.5, 1.5, 5.5, 4.5, 2.5, 4.5]]}
    ),
    case("the whole photo and more", 6, 8, {"segmentation": [[-5, -5, 20, -5, 20, 20, -5, 20]]}),
    case("outside", 6, 8, {"segmentation": [[10, 1, 15, 1, 15, 4]]}),
    case("a line", 6, 8, {"segmentation": [[1, 1, 6, 5, 1, 1]]}),
    case("one corner three times", 6, 8, {"segmentation": [[3, 3, 3, 3, 3, 3]]}),
    case(
        "two that overlap",
        9,
        9,
        {"segmentation": [[1, 1, 6, 1, 6, 6, 1, 6], [4, 4, 8, 4, 8, 8, 4, 8]]},
    ),
    case("box", 6, 8, {"bbox": [1.2, 0.7, 4.4, 3.1]}),
    case("box beside an empty segmentation", 6, 8, {"segmentation": [], "bbox": [-1, 2, 4, 9]}),
    case(
        "uncompressed runs", 6, 8, {"segmentation": {"size": [6, 8], "counts": [7, 3, 20, 10, 8]}}
    ),
]
rng = random.Random(1)
for i in range(60):
    height, width = rng.randint(1, 40), rng.randint(1, 40)
    make, digits = (star, scrawl)[i % 2], (0, 1, 2, 6)[i // 2 % 4]
    rings = [
        make(rng, height, width, rng.randint(3, 12), digits)
        for _ in range(rng.choice([1, 1, 2, 3]))
    ]
    cases.append(
        case(f"{make.__name__} {i}, {digits} digits", height, width, {"segmentation": rings})
    )
cases.append(case("large star", 480, 640, {"segmentation": [star(rng, 480, 640, 40, 2)]}))
target = Path(__file__).parents[1] / "data" / "polygons_pycocotools.json"
target.write_text("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]\n")
