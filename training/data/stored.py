"""Keeps the arrays of one photo in one file."""

import os
from dataclasses import fields

import numpy as np


class Stored:
    """A dataclass of numpy arrays that is kept in an .npz file."""

    compressed = True

    def save(self, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{os.getpid()}")
        with open(partial, "wb") as file:
            write = np.savez_compressed if self.compressed else np.savez
            write(file, **{field.name: getattr(self, field.name) for field in fields(self)})
        partial.replace(path)

    @classmethod
    def load(cls, path, without=()):
        """Reads the arrays; those named in `without` are None."""
        with np.load(path) as file:
            return cls(
                **{
                    field.name: None if field.name in without else file[field.name]
                    for field in fields(cls)
                }
            )
