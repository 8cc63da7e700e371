"""Takes SAM 2 (Hiera-Tiny) out of the npm package that has it; each step is a module.

Needs numpy, onnx and onnxruntime, not PyTorch.
"""
