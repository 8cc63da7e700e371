"""SAM 2 (Hiera-Tiny) out of the npm package that has it: one module a step. Needs numpy, onnx and onnxruntime, not PyTorch."""
