"""Writes scene.safetensors.

The file has what PyTorch computes with the scene head, from generated weights and inputs, and what
`training/data` computes for the scene head from a few masks.

Usage: pip install torch numpy pillow safetensors && python tests/golden/make_scene.py

Generated tensors are made here and in `tests/network/generated.rs` from their names alone, so only
the results are stored.
"""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from safetensors.torch import save_file

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent / "training")]

from make_aims import generated  # noqa: E402

from aims.hiera import Encoded  # noqa: E402
from aims.scene import SceneConfig, SceneHead  # noqa: E402
from data import candidates  # noqa: E402
from data.scenes import Scene  # noqa: E402

COUNT = 12
CLASSES = 7
SOURCES = {"tokens": 256, "inside": 256, "around": 256, "deep": 768, "efficient": 352}
SOURCES |= {"classes": CLASSES}
# Rows and columns of the masks' grid, then those of the cells that show the photo.
ROWS, COLUMNS = 32, 64
SHOWN_ROWS, SHOWN_COLUMNS = 30, 64


def head():
    network = SceneHead(SceneConfig(efficient=352, classes=CLASSES)).eval()
    names = {name: f"scene.{name}" for name in network.state_dict()}
    network.load_state_dict(
        {name: generated(names[name], list(x.shape)) for name, x in network.state_dict().items()}
    )
    shapes = {names[name]: list(x.shape) for name, x in network.state_dict().items()}
    inputs = {name: generated(f"input.{name}", [COUNT, width]) for name, width in SOURCES.items()}
    geometry, pairs = (
        generated("input.geometry", [COUNT, 32]),
        generated("input.pairs", [COUNT, COUNT, 8]),
    )
    scene = SimpleNamespace(**inputs, geometry=lambda: geometry, pairs=lambda: pairs)
    with torch.no_grad():
        said = network(scene)
    return {f"said.{name}": x.sigmoid() for name, x in said._asdict().items()}, shapes


def blobs():
    """Masks that overlap, touch and reach the borders.

    The first two are nested, and the last is one cell thick.
    """
    y, x = np.mgrid[:SHOWN_ROWS, :SHOWN_COLUMNS]
    masks = [(y - 12) ** 2 + (x - 20) ** 2 < r**2 for r in (9, 4)]
    masks += [x < 15, (y > 20) & (x > 30), (x >= 15) & (x < 28) & (y < 9), y == 17]
    return np.stack(masks)


def description():
    masks = blobs()
    n = len(masks)
    map_ = lambda name, stride, channels: generated(
        f"map.{name}", [1, ROWS // stride, COLUMNS // stride, channels]
    )
    encoded = Encoded(map_("embedding", 4, 256), (), [None, None, None, map_("deepest", 8, 768)])
    number = np.arange(n)
    raw = {
        name: generated(f"mask.{name}", [n, 1]).abs().numpy()[:, 0]
        for name in ("quality", "score", "stable")
    }
    raw |= {
        "tokens": np.zeros((n, 256), np.float16),
        "point": number.astype(np.int16),
        "kind": number.astype(np.uint8),
    }
    probabilities = map_("classes", 1, CLASSES)[0, :SHOWN_ROWS, :SHOWN_COLUMNS]
    size = (4 * SHOWN_COLUMNS, 4 * SHOWN_ROWS, SHOWN_COLUMNS, SHOWN_ROWS)
    found = candidates.described(
        size,
        candidates.packed(masks),
        number,
        (number + 1).astype(np.float32),
        raw,
        encoded,
        None,
        probabilities,
    )
    scene = Scene.of(found)
    within, covers = (torch.from_numpy(x) for x in prompted(masks))
    results = {
        "inside": scene.inside,
        "around": scene.around,
        "deep": scene.deep,
        "classes": scene.classes,
        "geometry": scene.geometry(),
        "pairs": scene.pairs(),
    }
    results["prompted"] = scene.prompted(within, covers).geometry()
    return {f"described.{name}": x.float() for name, x in results.items()} | {
        "masks": torch.from_numpy(masks.astype(np.uint8))
    }


def prompted(masks):
    """The share of each mask that lies in the left half, and the share of the half in each mask."""
    both = masks[:, :, : SHOWN_COLUMNS // 2].sum((1, 2)).astype(np.float32)
    return both / masks.sum((1, 2)), both / (SHOWN_ROWS * SHOWN_COLUMNS // 2)


def main():
    said, shapes = head()
    tensors = {name: x.contiguous() for name, x in (said | description()).items()}
    save_file(tensors, HERE / "scene.safetensors", {"shapes": json.dumps(shapes)})


if __name__ == "__main__":
    main()
