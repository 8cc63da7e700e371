"""Writes the part of an ONNX graph that computes one of its tensors: cut_onnx.py FROM TENSOR TO."""

import sys

from onnx.utils import extract_model

source, tensor, target = sys.argv[1:]
extract_model(source, target, ["input"], [tensor], check_model=False)
