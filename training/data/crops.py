"""Crops of labelled photos, which count as photos of their own.

A photo `set/name.jpg` has the crops `set/name@1.jpg`, `set/name@2.jpg` and so on. The first one is
the whole photo, mirrored. The others show a random part of it, which is always the same for the
same name, and half of them are mirrored.
"""

import random
import re
from dataclasses import dataclass, replace

import numpy as np

from . import rle

# Widths and heights of crops, as shares of the photo's.
SHARES = (0.5, 0.9)
NUMBER = re.compile(r"@(\d+)(?=\.\w+$)")


def photo_of(image):
    """The name of the photo that an image is a crop of, or its own if it is a whole photo."""
    return NUMBER.sub("", image)


@dataclass(frozen=True)
class Crop:
    """A part of a photo. The numbers are shares of the photo's width and height."""

    left: float
    top: float
    width: float
    height: float
    mirrored: bool

    @classmethod
    def of(cls, image):
        """The crop of an image with this name, or None if it is a whole photo."""
        number = NUMBER.search(image)
        if not number:
            return None
        if number[1] == "1":
            return cls(0, 0, 1, 1, True)
        rng = random.Random(image)
        width, height = rng.uniform(*SHARES), rng.uniform(*SHARES)
        return cls(
            rng.uniform(0, 1 - width), rng.uniform(0, 1 - height), width, height, rng.random() < 0.5
        )

    def pixels(self, whole):
        """Returns the part of an array [height, width, ...] that the crop shows."""
        rows, columns = whole.shape[:2]
        across = slice(round(self.left * columns), round((self.left + self.width) * columns))
        down = slice(round(self.top * rows), round((self.top + self.height) * rows))
        part = whole[down, across]
        return part[:, ::-1] if self.mirrored else part

    def mask(self, mask):
        """Returns the part of a labelled mask that the crop shows. It may be empty."""
        return replace(mask, rle=rle.encode(self.pixels(mask.pixels())))


def cropped(record, number):
    """The record of a crop.

    It has all masks of the photo in their order, even those that it does not show.
    """
    image = re.sub(r"(?=\.\w+$)", f"@{number}", record.image)
    crop = Crop.of(image)
    height, width = crop.pixels(np.empty((record.height, record.width, 0))).shape[:2]
    masks = [crop.mask(mask) for mask in record.masks]
    return replace(record, image=image, width=width, height=height, masks=masks, whole=record)
