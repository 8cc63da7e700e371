"""Writes semantic.safetensors: what PyTorch computes with the semantic head.

Usage: pip install torch numpy scipy safetensors && python tests/golden/make_semantic.py

Weights and maps are made here and in `tests/network/generated.rs` from their names alone, so only
the results are stored.
"""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent / "training")]

from make_aims import generated  # noqa: E402

from aims.semantic import PREFIX, SemanticConfig, SemanticHead, segments  # noqa: E402

# The input's height and width, and the columns and rows of masks that show the photo.
HEIGHT, WIDTH = 128, 256
COLUMNS, ROWS = 64, 27
MAPS = {"stride4": (4, 32), "stride8": (8, 64), "deepest": (32, 768), "embedding": (16, 256)}
MAPS |= {"efficient16": (16, 120), "efficient32": (32, 352)}
CONFIG = SemanticConfig(parts=4, entities=3, unions=(((1, 3),), ()), efficient=(120, 352))


@torch.no_grad()
def main():
    network = SemanticHead(CONFIG).eval()
    shapes = {f"{PREFIX}{name}": list(x.shape) for name, x in network.state_dict().items()}
    network.load_state_dict(
        {name.removeprefix(PREFIX): generated(name, shape) for name, shape in shapes.items()}
    )
    features = [
        generated(name, [1, HEIGHT // stride, WIDTH // stride, channels])[0]
        for name, (stride, channels) in MAPS.items()
    ]
    probabilities = network.probabilities(features)
    found = segments(probabilities[:ROWS, :COLUMNS], CONFIG)
    tensors = {
        "probabilities": probabilities,
        "area": found.masks.sum((1, 2)).float(),
        "score": found.score.float(),
        "stability": found.stable.float(),
        "level": found.level.float(),
    }
    print(len(found.masks), "segments of", found.masks.sum((1, 2)).tolist(), "cells")
    tensors = {name: x.contiguous() for name, x in tensors.items()}
    save_file(tensors, HERE / "semantic.safetensors", {"shapes": json.dumps(shapes)})


if __name__ == "__main__":
    main()
