"""Draws the subjects with Skia: straight colours and exact alpha, one PNG file each."""

from pathlib import Path

import numpy as np
import skia
from geometry import Scene
from PIL import Image
from scipy import ndimage
from subjects import Subject, missing

# Each pixel is the mean of this many samples a side, and a lens blurs it by this many pixels.
SAMPLES = 4
BLUR = 0.6
TILE = 1000


def draw_all(folder: Path):
    """Draws the subjects whose file is missing."""
    for subject, rng, file in missing(folder):
        Image.fromarray(np.round(255 * draw(subject, rng)).astype(np.uint8)).save(file)


def draw(subject: Subject, rng: np.random.Generator) -> np.ndarray:
    """The subject in a square, with straight colours and alpha from 0 to 1."""
    scene = Scene(rng)
    subject.build(scene, rng)
    size = subject.size
    vertices = projected(scene, size)
    rgba = np.empty((size, size, 4), np.float32)
    for top in range(0, size, TILE):
        for left in range(0, size, TILE):
            tile = rgba[top : top + TILE, left : left + TILE]
            tile[:] = rastered(vertices, left, top, *tile.shape[1::-1])
    rgba = ndimage.gaussian_filter(rgba, (BLUR, BLUR, 0))
    alpha = rgba[..., 3:]
    return np.concatenate([rgba[..., :3] / np.maximum(alpha, 1e-4), alpha], -1).clip(0, 1)


def projected(scene: Scene, size: int) -> skia.Vertices:
    """The triangles as the camera sees them, those far away first."""
    corners, colours = np.concatenate(scene.corners), np.concatenate(scene.colours)
    order = np.argsort(-corners[..., 1].mean(1))
    # The camera looks along y, a little from above.
    plane = np.stack([corners[..., 0], -corners[..., 2] - 0.14 * corners[..., 1]], -1)[order]
    low, high = plane.min((0, 1)), plane.max((0, 1))
    scale = size / (1.15 * (high - low).max())
    plane = (plane - (low + high) / 2) * scale + size / 2
    # Light adds up, so colours were mixed in linear light.
    shown = np.clip(colours[order], 0, 1)
    shown[..., :3] = shown[..., :3] ** (1 / 2.2)
    red, green, blue, alpha = np.moveaxis(np.round(255 * shown).astype(np.uint32), -1, 0)
    packed = alpha << 24 | red << 16 | green << 8 | blue
    points = [skia.Point(x, y) for x, y in plane.reshape(-1, 2).tolist()]
    mode = skia.Vertices.kTriangles_VertexMode
    return skia.Vertices(mode, points, None, packed.ravel().tolist())


def rastered(vertices: skia.Vertices, left: int, top: int, width: int, height: int) -> np.ndarray:
    """A part of the picture, with colours times alpha."""
    pixels = np.zeros((SAMPLES * height, SAMPLES * width, 4), np.uint8)
    canvas = skia.Canvas(
        pixels, colorType=skia.kRGBA_8888_ColorType, alphaType=skia.kPremul_AlphaType
    )
    canvas.scale(SAMPLES, SAMPLES)
    canvas.translate(-left, -top)
    canvas.drawVertices(vertices, skia.Paint(), skia.BlendMode.kDst)
    samples = pixels.reshape(height, SAMPLES, width, SAMPLES, 4)
    return samples.mean((1, 3), dtype=np.float32) / 255
