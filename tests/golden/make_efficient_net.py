"""Writes efficient_net.safetensors: what EfficientNet's own code computes with our weights.

Usage: pip install torch safetensors efficientnet-lite-pytorch==0.1.0 &&
    python tests/golden/make_efficient_net.py

The image is made here and in `tests/network/generated.rs` from its name alone, so only the results
are stored.
"""

import sys
from pathlib import Path

import torch
from efficientnet_lite_pytorch import EfficientNet
from safetensors.torch import load_file, save_file

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent / "training")]

from make_aims import generated  # noqa: E402

from aims.efficient_net import PREFIX  # noqa: E402

WEIGHTS = HERE.parent.parent / "training/weights/aims-base-efficient-net.safetensors"
HEIGHT, WIDTH = 128, 192
# The blocks whose results are the maps of strides 16 and 32.
ENDS = (14, 20)


def own(network, weights):
    """Puts folded weights into the network of the package, whose batch norms then do nothing."""
    state = network.state_dict()
    for name in state:
        if name.endswith("running_var"):
            state[name] = torch.full_like(state[name], 1 - 1e-3)
        elif name.endswith("running_mean"):
            state[name] = torch.zeros_like(state[name])
        elif "_bn" in name and name.endswith("weight"):
            state[name] = torch.ones_like(state[name])
    stem = weights["stem.weight"].view(-1, 4, 4, 3)[:, 1:, 1:].permute(0, 3, 1, 2)
    state["_conv_stem.weight"], state["_bn0.bias"] = stem, weights["stem.bias"]
    norms = {"expand": "_bn0", "depthwise": "_bn1", "project": "_bn2"}
    for name, value in weights.items():
        if name.startswith("stem"):
            continue
        _, number, layer, kind = name.split(".")
        block = f"_blocks.{number}"
        if kind == "bias":
            state[f"{block}.{norms[layer]}.bias"] = value
        else:
            like = state[f"{block}._{layer}_conv.weight"]
            value = value.t() if layer == "depthwise" else value
            state[f"{block}._{layer}_conv.weight"] = value.reshape(like.shape)
    network.load_state_dict(state)
    return network.eval()


@torch.no_grad()
def main():
    weights = {name.removeprefix(PREFIX): x.float() for name, x in load_file(WEIGHTS).items()}
    network = own(EfficientNet.from_name("efficientnet-lite2"), weights)
    image = generated("image", [1, HEIGHT, WIDTH, 3]).permute(0, 3, 1, 2)
    x, maps = network._swish(network._bn0(network._conv_stem(image))), []
    for number, block in enumerate(network._blocks):
        x = block(x)
        if number in ENDS:
            maps.append(x.permute(0, 2, 3, 1)[0].contiguous())
    print([x.abs().max().item() for x in maps])
    stride16, stride32 = maps
    save_file({"stride16": stride16, "stride32": stride32}, HERE / "efficient_net.safetensors")


if __name__ == "__main__":
    main()
