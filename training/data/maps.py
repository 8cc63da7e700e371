"""The frozen encoder's maps of whole photos, kept on disk.

Everything after the encoder can be trained from these files. A photo keeps its shape: its long side
becomes `side` pixels, and zeros fill both sides up to multiples of 64, or up to a square if the
family needs squares.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from aims.config import PIXEL_MEAN, PIXEL_STD
from aims.hiera import Encoded

from .samples import seeded
from .stored import Stored

# Training photos come in several sizes, so that the model knows all input sizes. Validation photos
# come in one size.
SIDES = (512, 640, 640, 768)
JUDGED_SIDE = 640
# Families that need squares have only one size.
SQUARE_SIDE = 512


@dataclass
class Maps(Stored):
    """The maps of one photo, in 16 bits."""

    compressed = False

    # [4]: width and height of the photo, columns and rows (of stride 4) that show it.
    size: np.ndarray
    stride4: np.ndarray  # [h, w, 32]; aims-tiny has 64 channels
    stride8: np.ndarray  # [h, w, 64]; aims-tiny has 128 channels
    stride16: np.ndarray  # [h, w, 256]: the embedding
    # [h, w, 768]: the trunk's last map; aims-tiny has 320 channels at stride 16.
    stride32: np.ndarray
    # [h, w, 120] and [h, w, 352]: the maps of EfficientNet of strides 16 and 32; [0, 0, 0] if the
    # family has none.
    efficient16: np.ndarray
    efficient32: np.ndarray

    @classmethod
    def of(cls, size, encoded, efficient=()):
        half = lambda x: x[0].half().numpy()
        stride4, stride8 = encoded.high_resolution
        efficient = [half(x) for x in efficient] or 2 * [np.zeros((0, 0, 0), np.float16)]
        return cls(
            np.array(size, np.int32),
            half(stride4),
            half(stride8),
            half(encoded.embedding),
            half(encoded.maps[3]),
            *efficient,
        )

    @property
    def maps(self):
        """What the AIMS head reads."""
        return [
            torch.from_numpy(x) for x in (self.stride4, self.stride8, self.stride32, self.stride16)
        ]

    @property
    def efficient(self):
        """The maps of EfficientNet, if the family has it."""
        some = (self.efficient16, self.efficient32)
        return [torch.from_numpy(x) for x in some if x.size]

    @property
    def semantic(self):
        """What the semantic head reads."""
        return [x.float() for x in (*self.maps, *self.efficient)]

    def encoded(self):
        """The encoder's output for a batch of one; of the trunk's maps it has only the last one."""
        return Encoded.of([x.float()[None] for x in self.maps])


def place(folder, image):
    """The file with the maps of an image, which is named as in the sets: `set/name.jpg`."""
    return Path(folder) / Path(image).with_suffix(".npz")


def side_of(image, split, square=False):
    """The long side of a photo's input, always the same for the same photo."""
    if square:
        return SQUARE_SIDE
    return seeded(image).choice(SIDES) if split == "train" else JUDGED_SIDE


def fitted(pixels, side, square=False):
    """Scales a photo to this long side, and pads it with zeros to multiples of 64 or to a square.

    Returns the input [1, height, width, 3], and the columns and rows of its masks.
    """
    height, width = pixels.shape[:2]
    columns, rows = (
        max(1, round(length * side / max(width, height) / 4)) for length in (width, height)
    )
    image = np.asarray(
        Image.fromarray(pixels).resize((4 * columns, 4 * rows), Image.BICUBIC), np.float32
    )
    shape = (side, side) if square else (-(-rows // 16) * 64, -(-columns // 16) * 64)
    result = np.zeros((1, *shape, 3), np.float32)
    result[0, : 4 * rows, : 4 * columns] = (image - np.array(PIXEL_MEAN, np.float32)) / np.array(
        PIXEL_STD, np.float32
    )
    return torch.from_numpy(result), columns, rows
