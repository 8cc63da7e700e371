"""Writes edges.safetensors: what OpenCV and pymatting compute on a small picture with soft edges.

Usage: pip install numpy safetensors pymatting opencv-contrib-python-headless
       python tests/golden/make_edges.py

`tests/network/edges.rs` compares `src/edges` with it.
"""

from pathlib import Path

import cv2
import numpy as np
from pymatting import estimate_alpha_cf, estimate_foreground_ml
from safetensors.numpy import save_file

WIDTH, HEIGHT = 56, 44
RADIUS, EPSILON = 3, 1e-3
MATTING_EPSILON = 1e-5


def picture():
    """A disc with hairs in front of a gradient with stripes: colours and the true alpha."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float64)
    alpha = np.clip(14 - np.hypot(x - 24, y - 22), 0, 1)
    for angle in np.linspace(-0.8, 0.8, 7):
        along = (x - 24) * np.cos(angle) + (y - 22) * np.sin(angle)
        across = np.abs(-(x - 24) * np.sin(angle) + (y - 22) * np.cos(angle))
        hair = np.clip(1.2 - across, 0, 1) * (along > 10) * np.clip((30 - along) / 12, 0, 1)
        alpha = np.maximum(alpha, 0.8 * hair)
    front = np.stack([0.75 + 0.1 * np.sin(x / 5), 0.45 + 0 * x, 0.2 + 0.1 * np.cos(y / 7)], -1)
    back = np.stack([0.2 + 0.002 * x, 0.35 + 0.05 * np.sin((x + y) / 4), 0.6 + 0.004 * y], -1)
    image = alpha[..., None] * front + (1 - alpha[..., None]) * back
    return np.round(image * 255) / 255, alpha


def main():
    image, alpha = picture()
    mask = (alpha > 0.5).astype(np.float64)
    near = cv2.dilate((np.abs(alpha - 0.5) < 0.499).astype(np.uint8), np.ones((5, 5)))
    trimap = np.where(near > 0, 0.5, mask)
    # OpenCV is only exact for colours from 0 to 255.
    guided = cv2.ximgproc.guidedFilter(
        (255 * image).astype(np.float32), mask.astype(np.float32), RADIUS, 255**2 * EPSILON
    )
    # The alphas that make the quadratic form smallest, found exactly.
    matte = estimate_alpha_cf(
        image,
        trimap,
        laplacian_kwargs={"epsilon": MATTING_EPSILON},
        cg_kwargs={"rtol": 1e-9, "maxiter": 20000},
    )
    front, back = estimate_foreground_ml(image, alpha, return_background=True)
    values = {
        "image": image,
        "mask": mask,
        "trimap": trimap,
        "true_alpha": alpha,
        "guided": guided,
        "matte": matte,
        "foreground": front,
        "background": back,
    }
    values = {name: np.ascontiguousarray(x, dtype=np.float32) for name, x in values.items()}
    save_file(values, Path(__file__).parent / "edges.safetensors")
    print({name: (x.shape, float(x.mean())) for name, x in values.items()})


if __name__ == "__main__":
    main()
