"""Runs the package's own two files with onnxruntime, as a reference from outside this project.

Inputs are 1024 x 1024. All arrays here are channels last, as in the model.
"""

import os
from pathlib import Path

import numpy as np

from .package import DECODER, ENCODER, check

SIZE = 1024
# All four masks and scores, before the export drops the first ones and limits the logits to
# -32..32.
LOGITS, SCORES = "/Reshape_8_output_0", "/iou_prediction_head/Sigmoid_output_0"


def folder():
    """The folder in which `extract.py --keep` has put the two files."""
    return Path(os.environ.get("SAM2_PACKAGE") or Path.home() / ".cache/aims-web/sam2-package")


def session(model):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = min(2, os.cpu_count() or 1)
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def channels_first(x):
    return np.ascontiguousarray(np.moveaxis(x, -1, 1), dtype=np.float32)


class Reference:
    def __init__(self, path=None):
        import onnx

        path = path or folder()
        check(path)
        self.encoder = session(str(path / ENCODER))
        decoder = onnx.load(path / DECODER)
        del decoder.graph.output[:]
        for name in (LOGITS, SCORES):
            decoder.graph.output.append(
                onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None)
            )
        self.decoder = session(decoder.SerializeToString())

    def encode(self, image):
        """Encodes a normalised image [1, 1024, 1024, 3].

        Returns the embedding, and what is added at strides 8 (s1) and 4 (s0).
        """
        names = {"embedding": "image_embed", "s1": "high_res_feats_1", "s0": "high_res_feats_0"}
        found = self.encoder.run(list(names.values()), {"image": channels_first(image)})
        return {name: np.ascontiguousarray(np.moveaxis(x, 1, -1)) for name, x in zip(names, found)}

    def decode(self, encoded, coords, labels, mask=None):
        """Answers a prompt.

        Points are in pixels of the input, without SAM's shift by half a pixel. They have no filler
        at the end, because the file appends it itself. A mask prompt is [256, 256]. Returns logits
        [4, 256, 256] and predicted IoU [4].
        """
        inputs = {
            "image_embed": channels_first(encoded["embedding"]),
            "high_res_feats_0": channels_first(encoded["s0"]),
            "high_res_feats_1": channels_first(encoded["s1"]),
            "point_coords": np.array([coords], np.float32),
            "point_labels": np.array([labels], np.float32),
            "mask_input": np.zeros((1, 1, 256, 256), np.float32)
            if mask is None
            else np.float32(mask)[None, None],
            "has_mask_input": np.array([mask is not None], np.float32),
        }
        logits, scores = self.decoder.run([LOGITS, SCORES], inputs)
        return logits[0], scores[0]
