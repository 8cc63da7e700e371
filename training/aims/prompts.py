"""The photo and the prompts of the golden tensors, as SAM of either family takes them."""

import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors import safe_open

from .config import PIXEL_MEAN, PIXEL_STD
from .sam import PADDING

TESTS = Path(__file__).resolve().parents[2] / "tests"
SQUARES = (256, 1024)


def photo(size, height=None):
    """The test photo, normalised and padded with zeros to [1, height, size, 3].

    Its long side of 512 becomes `size`. Without a `height`, the result is a square.
    """
    pixels = np.asarray(Image.open(TESTS / "data/photo.png").convert("RGB"))
    times = max(1, size // 512)
    pixels = (
        pixels[:: max(1, 512 // size), :: max(1, 512 // size)].repeat(times, 0).repeat(times, 1)
    )
    image = torch.zeros(1, height or size, size, 3)
    image[0, : len(pixels)] = (
        torch.from_numpy(pixels.copy()).float() - torch.tensor(PIXEL_MEAN)
    ) / torch.tensor(PIXEL_STD)
    return image


def prompts(size):
    """The prompts of `prompts.json`, with SAM 2's filler.

    SAM 2's predictor ends every list of points with a filler, after a box as well. Each prompt has
    `name`, `coords` in pixels, `labels`, and `mask`: logits [size / 4, size / 4] or None.
    """
    with safe_open(TESTS / "golden/decoder_256.safetensors", "np") as file:
        mask = file.get_tensor("mask_input")
    mask = mask.repeat(size // 256, 0).repeat(size // 256, 1)
    found = json.loads((TESTS / "golden/prompts.json").read_text())[str(size)]
    for prompt in found:
        if prompt["labels"][-1] != PADDING:
            prompt["coords"].append([0.0, 0.0])
            prompt["labels"].append(PADDING)
        prompt["mask"] = mask if prompt["mask_input"] else None
    return found


def answer(sam, encoded, prompt, size):
    """Logits [masks, height / 4, width / 4] and predicted IoU [masks] of one prompt.

    `encoded` has the embedding, s0 and s1.
    """
    points = (torch.tensor(prompt["coords"]) + 0.5) / size
    tokens = sam.prompt_encoder.embed(points, torch.tensor(prompt["labels"]))[None, None]
    height, width = (4 * side for side in encoded["embedding"].shape[1:3])
    mask = prompt["mask"]
    if mask is not None:
        mask = sam.prompt_encoder.masks(torch.from_numpy(mask[:height, :width].copy())[None])
    logits, scores = sam.mask_decoder(
        sam.prompt_encoder, encoded["embedding"], tokens, mask, (encoded["s0"], encoded["s1"])
    )
    return logits[0, 0], scores[0, 0]


def encode(sam, image):
    """Encodes an image.

    Returns the encoder's outputs by their names in golden files, and the trunk's maps `stage0` to
    `stage3`.
    """
    found = sam.image_encoder(image)
    s0, s1 = found.high_resolution
    return {"embedding": found.embedding, "s1": s1, "s0": s0}, {
        f"stage{i}": x for i, x in enumerate(found.maps)
    }
