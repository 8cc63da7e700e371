"""Writes tests/data/average_recall_pycocotools.json.

The file has masks, and the recall and precision that pycocotools measures.

Usage: pip install numpy pycocotools==2.0.11 && python tests/golden/make_average_recall.py
"""

import json
import random
from pathlib import Path

import numpy as np
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

HEIGHT, WIDTH = 24, 32


def rectangle(rng):
    x, y = rng.randrange(WIDTH - 4), rng.randrange(HEIGHT - 4)
    return [x, y, rng.randint(3, WIDTH - x), rng.randint(3, HEIGHT - y)]


def shifted(rng, rect):
    """A rectangle like another one, with each number changed by at most 1."""
    x, y, w, h = (v + rng.choice([-1, 0, 0, 0, 1]) for v in rect)
    return [max(x, 0), max(y, 0), max(w, 1), max(h, 1)]


def encode(rect):
    x, y, w, h = rect
    pixels = np.zeros((HEIGHT, WIDTH), dtype=np.uint8, order="F")
    pixels[y : y + h, x : x + w] = 1
    code = coco_mask.encode(pixels)
    return {"size": [HEIGHT, WIDTH], "counts": code["counts"].decode("ascii")}


def image(rng, targets, good, random_ones):
    """The targets and predictions of a photo.

    Targets overlap, and every fourth is a crowd. Predictions are close to a target or random, and
    their scores repeat.
    """
    rects = [rectangle(rng) for _ in range(targets)]
    guesses = [shifted(rng, rng.choice(rects)) for _ in range(good if rects else 0)]
    guesses += [rectangle(rng) for _ in range(random_ones)]
    rng.shuffle(guesses)
    return {
        "targets": [{"rle": encode(r), "crowd": i % 4 == 3} for i, r in enumerate(rects)],
        "predictions": [{"rle": encode(r), "score": rng.randint(1, 16) / 16} for r in guesses],
    }


def evaluate(images):
    truth, found = COCO(), []
    truth.dataset = {"images": [], "annotations": [], "categories": [{"id": 1}], "info": {}}
    for i, entry in enumerate(images, 1):
        truth.dataset["images"].append({"id": i, "height": HEIGHT, "width": WIDTH})
        for target in entry["targets"]:
            annotations = truth.dataset["annotations"]
            area = int(coco_mask.area(target["rle"]))
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": i,
                    "category_id": 1,
                    "iscrowd": int(target["crowd"]),
                }
                | {"segmentation": target["rle"], "area": area}
            )
        found += [
            {"image_id": i, "category_id": 1, "segmentation": dict(p["rle"]), "score": p["score"]}
            for p in entry["predictions"]
        ]
    truth.createIndex()
    evaluation = COCOeval(truth, truth.loadRes(found), "segm")
    evaluation.params.maxDets = [100]
    evaluation.params.areaRng, evaluation.params.areaRngLbl = [[0, 1e10]], ["all"]
    evaluation.params.useCats = 0
    evaluation.evaluate()
    evaluation.accumulate()
    recall, precision = evaluation.eval["recall"], evaluation.eval["precision"]
    return {
        "average_recall": float(recall.mean()),
        "recall_at_half": float(recall[0].mean()),
        "average_precision": float(precision.mean()),
    }


rng = random.Random(7)
images = [
    image(rng, 6, 8, 4),
    image(rng, 9, 20, 0),
    image(rng, 3, 0, 5),
    image(rng, 0, 0, 4),
    image(rng, 5, 0, 0),
    image(rng, 12, 60, 70),
    image(rng, 1, 1, 0),
    image(rng, 8, 12, 6),
]
target = Path(__file__).parents[1] / "data" / "average_recall_pycocotools.json"
target.write_text(
    json.dumps({"expected": evaluate(images), "images": images}, separators=(",", ":")) + "\n"
)
