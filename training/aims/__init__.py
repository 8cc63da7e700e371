"""The AIMS model and its training, in PyTorch. Names and shapes of weights equal those of the Rust model."""
