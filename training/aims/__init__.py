"""The AIMS model and its training in PyTorch.

Weights have the same names and shapes as in the Rust model.
"""
