"""Makes scenes of labelled cut-outs on other photos.

In these every entity and part is known, and entities that touch are a relation.
"""

import numpy as np
from PIL import Image, ImageFilter

from .records import Mask, Record

CANVAS = (640, 480)
# A cut-out is not asked for if others hide more than this share of it.
MAX_HIDDEN = 0.6
SMALLEST_SIDE = 48


class PixelMask(Mask):
    """A mask that is stored as pixels."""

    def __init__(self, level, array, parent=None):
        super().__init__(level, rle={}, parent=parent)
        self.array = array

    def pixels(self):
        return self.array


class OnePhoto:
    """The photo of a composed record; stands in for `Photos`."""

    def __init__(self, pixels):
        self.pixels = pixels

    def read(self, _name):
        return self.pixels


class Composer:
    """Draws scenes from pools of (records, photos)."""

    def __init__(self, pools):
        self.backgrounds = [(record, photos) for records, photos in pools for record in records]
        self.things = [
            (record, index, photos)
            for records, photos in pools
            for record in records
            for index, mask in enumerate(record.masks)
            if mask.level == "entity" and mask.thing and not mask.approx
        ]
        # Entities with parts weigh more, so that photos with many entities do not outweigh them.
        self.weights = [
            3.0 if any(mask.parent == index for mask in record.masks) else 1.0
            for record, index, _ in self.things
        ]

    def scene(self, rng):
        """A composed record and its photo."""
        record, photos = rng.choice(self.backgrounds)
        background = Image.fromarray(photos.read(record.image)).resize(CANVAS, Image.BICUBIC)
        # A background that is not blurred shows things of its own, which nobody has labelled.
        blurred = rng.random() < 0.6
        if blurred:
            background = background.filter(ImageFilter.GaussianBlur(rng.uniform(8, 25)))
        canvas = np.asarray(background).copy()

        pasted = []  # (visible entity, visible parts, area when pasted)
        for _ in range(rng.randint(2, 6)):
            cut = self.cut_out(rng)
            if cut is None:
                continue
            pixels, entity, parts = cut
            place = self.place(entity.shape, pasted, rng)
            entity, *parts = (on_canvas(mask, place) for mask in (entity, *parts))
            visible = on_canvas(pixels, place)
            canvas[entity] = visible[entity]
            pasted = [
                (old & ~entity, [part & ~entity for part in old_parts], area)
                for old, old_parts, area in pasted
            ]
            pasted.append((entity, parts, entity.sum()))

        masks = []
        for entity, parts, area in pasted:
            if entity.sum() < max(200, (1 - MAX_HIDDEN) * area):
                # Too little is left to be sure what it is, so it is neither asked for nor wrong.
                masks.append(PixelMask("region", entity))
                continue
            parent = len(masks)
            masks.append(PixelMask("entity", entity))
            masks += [PixelMask("part", part, parent) for part in parts if part.sum() >= 30]
        name = "composed" if blurred else "pasted"
        made = Record(name, f"{name}/scene", "train", *CANVAS, scope=None, masks=masks)
        return made, OnePhoto(canvas)

    def cut_out(self, rng):
        """A random cut-out, scaled: (pixels, mask, part masks), or None if it is too small."""
        record, index, photos = rng.choices(self.things, self.weights)[0]
        whole = record.masks[index].pixels()
        ys, xs = np.nonzero(whole)
        if not len(ys) or max(np.ptp(ys), np.ptp(xs)) < SMALLEST_SIDE:
            return None
        window = np.s_[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1]
        parts = [mask.pixels()[window] for mask in record.masks if mask.parent == index]
        pixels = photos.read(record.image)[window]
        whole = whole[window]
        longest = rng.uniform(0.25, 0.9) * CANVAS[1]
        # A larger factor would show the pixels.
        factor = min(1.5, longest / max(whole.shape))
        size = [max(8, round(side * factor)) for side in whole.shape[::-1]]
        mirrored = rng.random() < 0.5

        def scaled(array, method):
            array = np.asarray(Image.fromarray(array).resize(size, method))
            return array[:, ::-1] if mirrored else array

        mask = lambda array: scaled(array.astype(np.uint8) * 255, Image.BILINEAR) > 127
        return scaled(pixels, Image.BICUBIC), mask(whole), [mask(part) for part in parts]

    def place(self, shape, pasted, rng):
        """Top and left of the cut-out: anywhere, or next to an earlier one so that they touch."""
        height, width = shape
        if pasted and rng.random() < 0.6:
            other, *_ = rng.choice(pasted)
            ys, xs = np.nonzero(other)
            if len(ys):
                n = rng.randrange(len(ys))
                return round(ys[n] - height * rng.random()), round(xs[n] - width * rng.random())
        return rng.randint(-height // 4, CANVAS[1] - height * 3 // 4), rng.randint(
            -width // 4, CANVAS[0] - width * 3 // 4
        )


def on_canvas(array, place):
    """Puts an array of pixels or of a mask on an empty canvas."""
    result = np.zeros((CANVAS[1], CANVAS[0], *array.shape[2:]), array.dtype)
    top, left = place
    y0, x0 = max(0, top), max(0, left)
    y1, x1 = min(CANVAS[1], top + array.shape[0]), min(CANVAS[0], left + array.shape[1])
    if y1 > y0 and x1 > x0:
        result[y0:y1, x0:x1] = array[y0 - top : y1 - top, x0 - left : x1 - left]
    return result
