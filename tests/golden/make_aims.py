"""Writes aims_random.safetensors: a small AIMS head with random weights and what PyTorch makes of random features.

Usage: pip install torch numpy pillow safetensors && python tests/golden/make_aims.py

The sizes are small, so that the file is; the names and the code are those of training and of the product."""

import hashlib
import json
import struct
import sys
from pathlib import Path

import torch
from safetensors.torch import save

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent / "training"))

from aims.config import LEVELS, Config  # noqa: E402
from aims.decoder import mask_logits  # noqa: E402
from aims.model import Aims  # noqa: E402

CONFIG = Config(width=32, heads=2, mask_dim=16, queries=(12, 9, 5))
SIZE = 64


def main():
    torch.manual_seed(7)
    torch.use_deterministic_algorithms(True)
    aims = Aims(CONFIG).eval()
    with torch.no_grad():
        # Zero-initialised layers would hide mistakes, and biases are zero too.
        for parameter in aims.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    features = [torch.randn(1, SIZE // stride, SIZE // stride, channels) for stride, channels in ((4, 64), (8, 128), (16, 320), (16, 256))]
    prompt = torch.zeros(1, SIZE, SIZE, 1)
    prompt[:, 10:41, 5:50] = 1.0
    tensors = {f"aims.{name}": value for name, value in aims.state_dict().items()}
    for name, value in zip(("stride4", "stride8", "stride16", "embedding"), features):
        tensors[f"input.{name}"] = value
    tensors["input.prompt"] = prompt
    for case, mask in (("full", None), ("prompted", prompt), ("everything", torch.ones_like(prompt))):
        with torch.no_grad():
            outputs = aims(features, mask)
        for level in LEVELS:
            said = outputs.predictions[-1][level]
            logits = mask_logits(said.kernels, outputs.map4).flatten(2)
            for name, value in (("logits", logits), ("score", said.score), ("quality", said.quality)):
                tensors[f"{case}.{level}.{name}"] = value
        for name, value in outputs.links.items():
            tensors[f"{case}.{name}"] = value
    for name in [name for name in tensors if name.startswith("everything.")]:
        assert torch.equal(tensors.pop(name), tensors[name.replace("everything", "full")]), "the full image is no prompt"

    # A model file: the checksum is of all that follows the header.
    tensors = {name: value.contiguous() for name, value in tensors.items()}
    manifest = {"format": 2, "model": "aims-random", "precision": "float32", "dataSha256": ""}
    bytes_of = lambda: save(tensors, {"aims-web": json.dumps(manifest)})
    data = bytes_of()
    header = struct.unpack("<Q", data[:8])[0]
    manifest["dataSha256"] = hashlib.sha256(data[8 + header :]).hexdigest()
    (HERE / "aims_random.safetensors").write_bytes(bytes_of())


if __name__ == "__main__":
    main()
