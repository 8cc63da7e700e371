"""Reads and writes weights in the project's own float32 file.

`cargo run --release -- convert --bits 32` makes such a file.
"""

import json
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import save_file

from .sam import MaskDecoder, Sam

CACHED = {"aims-tiny": "mobile-sam-f32.safetensors", "aims-base": "sam2-hiera-tiny.safetensors"}


def cached(family):
    """The file of SAM's float32 weights that a family starts from, where `scripts` puts it."""
    return Path.home() / ".cache/aims-web" / CACHED[family]


def read(path):
    """All tensors of a file by name."""
    with safe_open(path, "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}


# SAM's mask tokens give nested masks, from small to large. Each head starts from one of them.
FIRST = {"part": 1, "entity": 2, "relation": 2, "small_entity": 1}


def load_sam(network, path):
    """Loads SAM's weights of the family.

    The encoders take them as they are. The level decoders start from SAM's mask decoder.
    """
    weights = read(path)
    network.image_encoder.load_state_dict(below(weights, "image_encoder."))
    network.prompt_encoder.load_state_dict(below(weights, "prompt_encoder."))
    decoder = network.aims.decoder
    if network.aims.has_side_decoder:
        network.mask_decoder.load_state_dict(below(weights, "mask_decoder."))
        decoder.start(network.mask_decoder.transformer)
    else:
        decoder.transformer.load_state_dict(below(weights, "mask_decoder.transformer."))
        decoder.upscale.load_state_dict(below(weights, "mask_decoder.output_upscaling."))
    decoder.quality_token.data.copy_(weights["mask_decoder.iou_token.weight"])
    for name, value in below(weights, "mask_decoder.iou_prediction_head.").items():
        if not name.startswith("layers.2"):
            decoder.quality_head.get_parameter(name).data.copy_(value)
    for name, number in FIRST.items():
        token = network.aims.config.nested[number]
        head = network.aims.decoders[name]
        head.token.data.copy_(weights["mask_decoder.mask_tokens.weight"][token : token + 1])
        head.hypernetwork.load_state_dict(
            below(weights, f"mask_decoder.output_hypernetworks_mlps.{token}.")
        )


def teacher(path, config):
    """SAM's mask decoder as it is; the level decoders learn from it at points without labels."""
    whole = MaskDecoder(config)
    whole.load_state_dict(below(read(path), "mask_decoder."))
    return whole.requires_grad_(False)


def sam(manifest, path):
    """The whole SAM of a family for inference.

    `path` is a float32 file with the names of the model file.
    """
    network = Sam(manifest)
    network.load_state_dict(read(path))
    return network.eval().requires_grad_(False)


# Layers that the level decoders share with SAM, and which the model file has only once.
SHARED = "aims.decoder.transformer.layers."


def file_name(name):
    """A tensor's name in the model file."""
    if name.startswith(SHARED) and ".mlp." in name:
        return name.replace("aims.decoder.", "mask_decoder.", 1)
    return name


def load(network, weights):
    """Loads all tensors of the network from `weights`, which have the names of the model file."""
    network.load_state_dict({name: weights[file_name(name)] for name in network.state_dict()})


def below(weights, prefix):
    return {
        name[len(prefix) :]: tensor for name, tensor in weights.items() if name.startswith(prefix)
    }


def write(path, weights, **facts):
    """Writes a plain safetensors file with the names of the model file.

    The Rust command `convert` makes the model file from it.
    """
    weights = {
        file_name(name): tensor.detach().float().contiguous().cpu()
        for name, tensor in weights.items()
    }
    save_file(weights, path, {"training": json.dumps(facts)})
