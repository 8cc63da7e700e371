"""Keeps SAM 2's candidates of labelled photos on disk, for the scene head; see README.md. Goes on where it was stopped."""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from aims import checkpoint
from aims.config import PIXEL_MEAN, PIXEL_STD, manifest
from aims.grid import ManyPoints
from data import candidates, records

CACHE = Path.home() / ".cache/aims-web"
BATCH = 4  # points; more of them leave the processor's cache


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, default=Path(__file__).parent / "configs/scene.json", help="which sets, in which order")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--weights", type=Path, default=CACHE / "sam2-hiera-tiny.safetensors")
    parser.add_argument("--out", type=Path, default=CACHE / "candidates")
    parser.add_argument("--size", type=int, default=640, help="long side of the input, a multiple of 64")
    parser.add_argument("--grid", type=int, default=16, help="points along each side")
    parser.add_argument("--same", type=float, default=0.9, help="of masks that overlap with at least this IoU, one is kept")
    parser.add_argument("--stable", type=float, default=0.2, help="masks with a lower stability score go")
    parser.add_argument("--most", type=int, default=400, help="candidates of a photo")
    parser.add_argument("--images", type=int, help="only the first so many of each entry")
    return parser.parse_args()


def fitted(pixels, size):
    """The photo with this long side, in zeros to multiples of 64: [1, height, width, 3], and columns and rows of its masks."""
    height, width = pixels.shape[:2]
    columns, rows = (max(1, round(side * size / max(width, height) / 4)) for side in (width, height))
    image = np.asarray(Image.fromarray(pixels).resize((4 * columns, 4 * rows), Image.BICUBIC), np.float32)
    result = np.zeros((1, -(-rows // 16) * 64, -(-columns // 16) * 64, 3), np.float32)
    result[0, : 4 * rows, : 4 * columns] = (image - np.array(PIXEL_MEAN, np.float32)) / np.array(PIXEL_STD, np.float32)
    return torch.from_numpy(result), columns, rows


def grid_points(columns, rows, image, count):
    """[count², 2] in 0..1 of the square on the longer side, evenly over the photo."""
    at = (np.arange(count) + 0.5) / count * 4 / max(image.shape[1:3])
    points = np.stack(np.meshgrid(at * columns, at * rows), -1).reshape(-1, 2)
    return torch.from_numpy(points.astype(np.float32))


@torch.no_grad()
def ask(sam, image, columns, rows, count):
    """The encoder's maps, and of all points' nested masks: bits, areas and SAM's other outputs."""
    encoded = sam.image_encoder(image)
    decoder, found = ManyPoints(sam, encoded), []
    for points in grid_points(columns, rows, image, count).split(BATCH):
        logits, quality, tokens = (x.flatten(0, 1) for x in decoder.nested(points))
        logits = logits[:, :rows, :columns]
        inside, sure, all_ = (logits > limit for limit in (0, 1, -1))
        stable = sure.sum((1, 2)) / all_.sum((1, 2)).clamp(min=1)
        found.append((candidates.packed(inside.numpy()), inside.sum((1, 2)), stable, quality, tokens.half()))
    bits, area, stable, quality, tokens = (np.concatenate(x) for x in zip(*found))
    number = np.arange(len(bits))
    raw = {"area": area, "stable": stable, "quality": quality, "tokens": tokens}
    return encoded, bits, raw | {"point": (number // 3).astype(np.uint16), "token": (number % 3).astype(np.uint8)}


def candidates_of(sam, pixels, options):
    image, columns, rows = fitted(pixels, options.size)
    encoded, bits, raw = ask(sam, image, columns, rows, options.grid)
    order = np.argsort(-raw["quality"] * raw["stable"], kind="stable")
    order = order[(raw["area"][order] >= candidates.FEW) & (raw["stable"][order] > options.stable)]
    kept, repeats = candidates.distinct(bits, order, options.same)
    kept, repeats = kept[: options.most], repeats[: options.most]
    size = (pixels.shape[1], pixels.shape[0], columns, rows)
    return candidates.described(size, bits, kept, repeats, raw, encoded)


def images(config, data, first=None):
    """(image, photos) in the order of the config, each once; of an entry those of validation first."""
    seen = set()
    for entry in config["candidates"]:
        pools = [records.pool(data, entry, split) for split in ("val", "train")]
        names = [(record.image, photos) for pool, photos in pools for record in pool]
        for image, photos in names[: entry.get("first", first)]:
            if image not in seen:
                seen.add(image)
                yield image, photos


def main():
    options = arguments()
    torch.set_num_threads(1)
    sam = checkpoint.sam(manifest("aims-base"), options.weights)
    for image, photos in images(json.loads(options.config.read_text()), options.data, options.images):
        path = candidates.place(options.out, image)
        if path.exists():
            continue
        begun = time.time()
        found = candidates_of(sam, photos.read(image), options)
        found.save(path)
        row = {"image": image, "candidates": len(found.quality), "seconds": round(time.time() - begun, 2), "kilobytes": path.stat().st_size // 1000}
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
