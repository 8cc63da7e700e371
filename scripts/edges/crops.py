"""Draws crops of the benchmark's pictures at 200 %, for docs/edges.

Each shows the photo, and then on a plain ground what the mask, the quick way and the careful way
cut out. Run it after the benchmark: python scripts/edges/crops.py [FOLDER OF THE MATTES].
"""

import sys
from pathlib import Path

import numpy as np
from compose import ROOT, drawn_cases, read
from PIL import Image
from scipy import ndimage

CACHE = Path.home() / ".cache/aims-web/edges"
SIDE = 180
GROUND = np.array([0.25, 0.55, 0.45], np.float32)
SHOWN = (
    "long-hair,curly-hair,hair-in-wind,teddy,white-fur,feather,grass,plant,wine-glass,knot".split(
        ","
    )
)


def window(alpha, mask):
    """The window with the most soft pixels that are near the mask's edge."""
    near = ndimage.uniform_filter(mask, 61)
    soft = (alpha > 0.1) & (alpha < 0.9) & (near > 0) & (near < 1)
    share = ndimage.uniform_filter(soft.astype(np.float32), SIDE, mode="constant")
    y, x = np.unravel_index(share.argmax(), share.shape)
    top, left = (
        min(max(0, at - SIDE // 2), length - SIDE) for at, length in zip((y, x), alpha.shape)
    )
    return slice(top, top + SIDE), slice(left, left + SIDE)


def crops(case, folder):
    """The crops of one picture, side by side."""
    mask = read(folder / f"{case.name}-mask.png", "L")
    part = window(case.alpha, mask)
    photo, mask = read(case.photo)[part], mask[part][..., None]
    views = [photo, mask * photo + (1 - mask) * GROUND]
    for way in ("quick", "careful"):
        rgba = read(folder / f"{case.name}-{way}.png", "RGBA")[part]
        views.append(rgba[..., 3:] * rgba[..., :3] + (1 - rgba[..., 3:]) * GROUND)
    row = np.concatenate(views, 1)
    picture = Image.fromarray(np.round(255 * row).astype(np.uint8))
    return picture.resize((2 * picture.width, 2 * picture.height), Image.NEAREST)


def main():
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else CACHE / "drawn-model"
    out = ROOT / "docs/edges"
    out.mkdir(exist_ok=True)
    for case in drawn_cases(CACHE / "subjects", CACHE / "photos"):
        if case.name in SHOWN:
            crops(case, folder).save(out / f"{case.name}.jpg", quality=58)


if __name__ == "__main__":
    main()
