"""Writes boxes.safetensors: what PyTorch computes with the box head.

Usage: pip install torch numpy safetensors && python tests/golden/make_boxes.py

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

from aims.boxes import PREFIX, BoxHead, prompt_boxes  # noqa: E402

# The input's height and width, and the columns and rows of masks that show the photo.
HEIGHT, WIDTH = 128, 256
COLUMNS, ROWS = 64, 27
MOST = 24
MAPS = {"stride4": (4, 32), "stride8": (8, 64), "deepest": (32, 768), "embedding": (16, 256)}


@torch.no_grad()
def main():
    network = BoxHead().eval()
    shapes = {f"{PREFIX}{name}": list(x.shape) for name, x in network.state_dict().items()}
    network.load_state_dict(
        {name.removeprefix(PREFIX): generated(name, shape) for name, shape in shapes.items()}
    )
    features = [
        generated(name, [1, HEIGHT // stride, WIDTH // stride, channels])[0]
        for name, (stride, channels) in MAPS.items()
    ]
    output = network(features)
    asked = prompt_boxes(output, COLUMNS, ROWS, MOST)
    tensors = {
        "quality": output.quality.sigmoid(),
        "corners": output.boxes,
        "asked.quality": asked.quality,
        "asked.corners": asked.boxes,
        "asked.level": asked.level.float(),
    }
    tensors = {name: x.contiguous() for name, x in tensors.items()}
    save_file(tensors, HERE / "boxes.safetensors", {"shapes": json.dumps(shapes)})


if __name__ == "__main__":
    main()
