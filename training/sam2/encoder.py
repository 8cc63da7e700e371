"""Reads the image encoder's tensors from the package's .ort file, which is a flatbuffer."""

import sys
from pathlib import Path

import numpy as np

from .package import PackageError
from .positions import parameters

FLOAT = 1  # ONNX's number for 32-bit floats
# The largest error that the recovered parameters may cause in the table of positions.
TOLERANCE = 1e-5
# Numbers in a formula, such as the square root in a GELU, are not weights. They have at most this
# many values.
FORMULA = 4


def initialisers(path):
    """All float32 initialisers of an .ort file by name.

    The reader is in onnxruntime's wheel.
    """
    import onnxruntime

    reader = Path(onnxruntime.__file__).parent / "tools" / "ort_format_model"
    sys.path.insert(0, str(reader))
    try:
        from ort_flatbuffers_py.fbs import InferenceSession
    except ImportError as error:
        raise PackageError(
            f"onnxruntime has no reader for .ort files in {reader}. "
            "Install the pinned version, see README.md."
        ) from error
    finally:
        sys.path.remove(str(reader))
    graph = (
        InferenceSession.InferenceSession.GetRootAsInferenceSession(bytearray(path.read_bytes()), 0)
        .Model()
        .Graph()
    )
    found = {}
    for i in range(graph.InitializersLength()):
        tensor = graph.Initializers(i)
        raw = tensor.RawDataAsNumpy()
        if tensor.DataType() == FLOAT and not isinstance(raw, int):
            shape = [tensor.Dims(j) for j in range(tensor.DimsLength())]
            found[tensor.Name().decode()] = np.frombuffer(raw.tobytes(), np.float32).reshape(shape)
    return found


def folded(outer, inner):
    """One linear layer (weight and bias in float64) instead of two, of which `inner` is first."""
    return outer[0] @ inner[0], outer[0] @ inner[1] + outer[1]


def tensors(path, encoder):
    """The tensors by their names in the model file; `encoder` is the manifest's description."""
    source = initialisers(path)

    def take(name):
        if name not in source:
            raise PackageError(f"{path.name} has no tensor '{name}'.")
        return source.pop(name)

    def linear(name):
        """A 1 x 1 convolution as weight and bias of a linear layer, in float64."""
        weight, bias = (take(f"{name}.{part}").astype(np.float64) for part in ("weight", "bias"))
        return weight.reshape(len(weight), -1), bias

    found = {}
    neck = {
        stride: linear(f"model.image_encoder.neck.convs.{i}.conv")
        for i, stride in enumerate((32, 16, 8, 4))
    }
    # There is no non-linearity between the neck and the layers after it, so both become one layer.
    # Only the maps of strides 16 and 32 are added to each other. What SAM 2 adds to their sum for
    # an image without memory goes into the bias of one of them.
    neck[4] = folded(linear("model.sam_mask_decoder.conv_s0"), neck[4])
    neck[8] = folded(linear("model.sam_mask_decoder.conv_s1"), neck[8])
    neck[16] = neck[16][0], neck[16][1] + take("no_mem_embed").astype(np.float64).ravel()
    for stride, (weight, bias) in neck.items():
        found[f"image_encoder.neck.stride{stride}.weight"] = weight
        found[f"image_encoder.neck.stride{stride}.bias"] = bias

    weight = take("model.image_encoder.trunk.patch_embed.proj.weight")
    found["image_encoder.trunk.patch_embed.proj.weight"] = weight.transpose(0, 2, 3, 1).reshape(
        len(weight), -1
    )
    table = take("/image_encoder/trunk/Transpose_output_0")[0].transpose(1, 2, 0)
    background, window, error = parameters(
        table, encoder["positionSide"], encoder["stages"][0]["window"]
    )
    if not error <= TOLERANCE:
        raise PackageError(
            "The table of positions is not what was expected: its parameters miss it by "
            f"{error:.2g}, but only {TOLERANCE:.0e} is allowed."
        )
    found["image_encoder.trunk.pos_embed"], found["image_encoder.trunk.pos_embed_window"] = (
        background,
        window,
    )

    for name in list(source):
        if name.startswith("model.image_encoder."):  # biases and norms
            found[name.removeprefix("model.")] = take(name)
        elif name.startswith("/image_encoder/trunk/blocks.") and name.endswith(
            "/Transpose_output_0"
        ):
            inner = name.removeprefix("/").removesuffix("/Transpose_output_0").replace("/", ".")
            found[f"{inner}.weight"] = take(name).T
    left = {name: list(value.shape) for name, value in source.items() if value.size > FORMULA}
    if left:
        raise PackageError(f"{path.name} has unknown tensors: {left}.")
    return found
