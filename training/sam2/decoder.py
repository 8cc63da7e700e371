"""Reads the tensors of the prompt encoder and the mask decoder from the package's .onnx file."""

import numpy as np

from .package import PackageError

# The output tokens, in the order in which the export has joined them.
TOKENS = (("obj_score_token", 1), ("iou_token", 1), ("mask_tokens", 4))
# The export writes norms of channels out as single steps; the step's node names the layer.
NORM_STEPS = {"Mul": "weight", "Add_1": "bias"}


def transposed(weight, bias):
    """A transposed 2 x 2 convolution of stride 2 ([inputs, outputs, 2, 2]) as a linear layer.

    The linear layer [(ky, kx, output), inputs] makes the four pixels of a cell.
    """
    return weight.transpose(2, 3, 1, 0).reshape(-1, len(weight)), np.tile(bias, 4)


def renamed(name):
    """Replaces sam2's names of feed-forward layers by SAM's."""
    for i in (0, 1):
        name = name.replace(f".mlp.layers.{i}.", f".mlp.lin{i + 1}.")
    return name


def anonymous(graph, values):
    """Names the initialisers that the export left without a name, by the node that uses them.

    Returns {name there: (name here, array)}.
    """
    found = {}
    for node in graph.node:
        for name in set(node.input) & values.keys():
            if not name.startswith("onnx::"):
                continue
            path, _, step = node.name.removeprefix("/").rpartition("/")
            if node.op_type == "MatMul" and path.startswith("transformer/"):
                found[name] = f"mask_decoder.{path.replace('/', '.')}.weight", values[name].T
            elif step in NORM_STEPS and path.startswith("mask_downscaling/"):
                found[name] = (
                    f"prompt_encoder.{path.rpartition('/')[2]}.{NORM_STEPS[step]}",
                    values[name].ravel(),
                )
            elif step in NORM_STEPS and path.startswith("output_upscaling."):
                found[name] = f"mask_decoder.{path}.{NORM_STEPS[step]}", values[name].ravel()
            elif node.op_type == "Expand" and values[name].shape == (
                1,
                sum(count for _, count in TOKENS),
                256,
            ):
                found[name] = "tokens", values[name][0]
            elif node.op_type == "Mul" and values[name].shape == (1, 256, 1, 1):
                found[name] = "prompt_encoder.no_mask_embed.weight", values[name].reshape(1, 256)
    return found


def tensors(path):
    """The tensors by their names in the model file."""
    import onnx

    graph = onnx.load(path).graph
    values = {
        initialiser.name: onnx.numpy_helper.to_array(initialiser)
        for initialiser in graph.initializer
    }
    named = anonymous(graph, values)
    found = {}
    for name, value in values.items():
        if name in named:
            name, value = named[name]
        elif not name.startswith(("mask_decoder.", "prompt_encoder.")):
            raise PackageError(f"{path.name} has an unknown tensor: '{name}' {list(value.shape)}.")
        if value.ndim == 4 and "mask_downscaling" in name:
            value = value.transpose(0, 2, 3, 1).reshape(len(value), -1)
        found[renamed(name)] = value
    for layer in ("mask_decoder.output_upscaling.0", "mask_decoder.output_upscaling.3"):
        weight, bias = f"{layer}.weight", f"{layer}.bias"
        found[weight], found[bias] = transposed(found[weight], found[bias])
    tokens, start = found.pop("tokens"), 0
    for name, count in TOKENS:
        found[f"mask_decoder.{name}.weight"] = tokens[start : start + count]
        start += count
    return found
