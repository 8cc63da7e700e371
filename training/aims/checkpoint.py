"""Weights to and from the project's own float file (`cargo run --release -- convert --float32`)."""

import json

from safetensors import safe_open
from safetensors.torch import save_file


def read(path):
    """All tensors by name."""
    with safe_open(path, "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}


def load_encoder(network, path):
    """MobileSAM's image encoder into the network."""
    prefix = "image_encoder."
    weights = {name[len(prefix) :]: tensor for name, tensor in read(path).items() if name.startswith(prefix)}
    network.image_encoder.load_state_dict(weights)


def write(path, weights, **facts):
    """A plain safetensors file; `convert` in Rust makes the model file from it."""
    weights = {name: tensor.detach().float().contiguous().cpu() for name, tensor in weights.items()}
    save_file(weights, path, {"training": json.dumps(facts)})
