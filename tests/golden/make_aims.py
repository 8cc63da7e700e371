"""Writes what PyTorch computes with the AIMS head.

aims_random.safetensors and aims_random_base.safetensors (with a wide input) come from generated
weights and features. aims_shipped.safetensors comes from the weights of
`models/aims-tiny-q8.safetensors`, and goes from the photo to the links.

Usage: pip install torch numpy pillow safetensors && python tests/golden/make_aims.py [--shipped]

Generated tensors are made here and in `tests/network/generated.rs` from their names alone, so only
the results are stored.
"""

import json
import math
import sys
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import save_file

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent / "training"))

from aims import checkpoint, model  # noqa: E402
from aims.config import LEVELS, PIXEL_MEAN, PIXEL_STD, PRESETS  # noqa: E402
from aims.model import Network  # noqa: E402
from aims.sam import MaskDecoder  # noqa: E402

# Height and width of the generated inputs.
SIZES = {"tiny": (64, 64), "base": (64, 128)}
# More rounds than the engine asks before it reads anything back, and an input with room for their
# queries.
MANY_ROUNDS = 8
MANY_SIZE = (128, 256)
MANY_STEP = 61
SHIPPED_SIZE = 256
GROUP = 32


def generated(name, shape):
    """A tensor whose numbers depend only on its name and shape.

    Each number is a hash of its index, scaled so that activations stay near 1.
    """
    count = int(np.prod(shape))
    seed = 0x811C9DC5
    for byte in name.encode():  # FNV-1a
        seed = (seed ^ byte) * 0x01000193 % 2**32
    with np.errstate(over="ignore"):
        h = np.arange(count, dtype=np.uint32) * np.uint32(2654435761) + np.uint32(seed)
        for _ in range(2):
            h = (h ^ (h >> np.uint32(16))) * np.uint32(0x45D9F3B)
        h ^= h >> np.uint32(16)
    # In -1..1, exact in 32 bits.
    values = (h >> np.uint32(8)).astype(np.float32) / np.float32(2**23) - np.float32(1)
    if len(shape) == 1:
        values = values * np.float32(0.125) + np.float32(name.endswith("weight"))
    elif len(shape) == 2:
        values = values * np.float32(1.5) / np.sqrt(np.float32(shape[1]))
    return torch.from_numpy(values.reshape(shape).copy())


def results(outputs, step):
    """Every `step`-th logit, and all other outputs."""
    tensors = dict(outputs.links)
    for level in LEVELS:
        said = outputs.predictions[level]
        tensors[f"{level}.logits"] = said.logits.flatten()[::step]
        tensors[f"{level}.score"] = said.score
        tensors[f"{level}.quality"] = said.quality
    if outputs.nested:
        # In each round, the first masks of all queries come first, then the second ones.
        by_round = lambda x: x[0].unflatten(0, (-1, PRESETS["base"].round_queries)).transpose(1, 2)
        logits, quality, _ = (by_round(x) for x in outputs.nested)
        tensors["nested.logits"] = logits.flatten()[::step]
        tensors["nested.score"], tensors["nested.quality"] = (
            quality.flatten().logit(),
            quality.flatten().logit(),
        )
    return tensors


def write(path, cases, facts):
    tensors = {
        f"{case}.{name}": value.contiguous()
        for case, found in cases.items()
        for name, value in found.items()
    }
    save_file(tensors, HERE / path, facts)


def features_of(config, height, width):
    strides, channels = (4, 8, config.deepest, 16), (*config.maps, 256)
    return [
        generated(f"input.{name}", [1, height // stride, width // stride, count])
        for name, stride, count in zip(
            ("stride4", "stride8", "deepest", "embedding"), strides, channels
        )
    ]


def many_rounds(network):
    """The results of all rounds, however low the objectness is."""
    aims = network.aims
    config, aims.config = aims.config, replace(aims.config, rounds=MANY_ROUNDS)
    with mock.patch.object(model, "MIN_OBJECTNESS", -math.inf):
        found = aims.segment(features_of(config, *MANY_SIZE), network, None)
    aims.config = config
    assert found.points.shape[1] == MANY_ROUNDS * config.round_queries
    return results(found, MANY_STEP)


def random(preset, path):
    config, (height, width) = PRESETS[preset], SIZES[preset]
    network = Network(config).eval()
    state = {
        name: tensor
        for name, tensor in network.state_dict().items()
        if not name.startswith("image_encoder.")
    }
    shapes = {checkpoint.file_name(name): list(tensor.shape) for name, tensor in state.items()}
    shapes |= {
        f"mask_decoder.{name}": list(tensor.shape)
        for name, tensor in MaskDecoder(config.sam).state_dict().items()
    }
    network.load_state_dict(
        {
            name: generated(checkpoint.file_name(name), list(tensor.shape))
            for name, tensor in state.items()
        },
        strict=False,
    )
    features = features_of(config, height, width)
    prompt = torch.zeros(1, height, width, 1)
    prompt[:, 10:41, 5:50] = 1.0
    with torch.no_grad():
        cases = {
            case: results(network.aims.segment(features, network, mask), 1)
            for case, mask in (
                ("full", None),
                ("prompted", prompt),
                ("everything", torch.ones_like(prompt)),
            )
        }
        if config.sam.high_resolution:
            cases["many"] = many_rounds(network)
    everything = cases.pop("everything")
    assert all(torch.equal(value, cases["full"][name]) for name, value in everything.items()), (
        "a prompt of the full image changes nothing"
    )
    write(path, cases, {"shapes": json.dumps(shapes)})


def dequantised(path):
    """The float32 weights that a quantised model file stands for."""
    weights = {}
    with safe_open(path, "pt") as file:
        for name in file.keys():
            if name.endswith(".scales"):
                continue
            value = file.get_tensor(name).float()
            if f"{name}.scales" in file.keys():
                scales = file.get_tensor(f"{name}.scales").float()
                value = (value.view(len(value), -1, GROUP) * scales[..., None]).flatten(1)
            weights[name] = value
    return weights


def shipped():
    network = Network().eval()
    checkpoint.load(network, dequantised(HERE.parent.parent / "models/aims-tiny-q8.safetensors"))
    photo = Image.open(HERE.parent / "data/photo.png").convert("RGB")
    step = max(photo.size) // SHIPPED_SIZE
    pixels = torch.from_numpy(np.asarray(photo)[::step, ::step].copy()).float()
    image = torch.zeros(1, SHIPPED_SIZE, SHIPPED_SIZE, 3)
    image[0, : pixels.shape[0], : pixels.shape[1]] = (
        pixels - torch.tensor(PIXEL_MEAN)
    ) / torch.tensor(PIXEL_STD)
    with torch.no_grad():
        write("aims_shipped.safetensors", {"full": results(network(image), 101)}, {})


if __name__ == "__main__":
    random("tiny", "aims_random.safetensors")
    random("base", "aims_random_base.safetensors")
    if "--shipped" in sys.argv:
        shipped()
