"""Keeps the frozen encoder's maps of labelled photos on disk; see README.md.

Resumes where it was stopped.
"""

import argparse
import json
import time
from pathlib import Path

import torch

from aims import checkpoint
from aims.config import manifest
from aims.efficient_net import EfficientNet
from aims.hiera import Encoded
from data import maps, records

CACHE = Path.home() / ".cache/aims-web"
WEIGHTS = Path(__file__).parent / "weights"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--config",
        type=Path,
        default=Path(__file__).parent / "configs/scene.json",
        help="config with the sets and their order",
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--family", choices=("aims-base", "aims-tiny"), default="aims-base")
    parser.add_argument(
        "--weights",
        type=Path,
        help="float32 weights of the family; by default those in ~/.cache/aims-web",
    )
    parser.add_argument(
        "--out", type=Path, default=CACHE / "maps", help="folder to write; one for each family"
    )
    parser.add_argument("--images", type=int, help="the most photos of each entry of the config")
    parser.add_argument(
        "--half",
        action="store_true",
        help="multiplies in bfloat16, except for validation photos; three times as fast with AMX",
    )
    parser.add_argument("--of", type=int, default=1, help="number of processes that share the work")
    parser.add_argument("--number", type=int, default=0, help="number of this process, from 0")
    return parser.parse_args()


@torch.no_grad()
def main():
    options = arguments()
    torch.set_num_threads(1)
    family = manifest(options.family)
    square = family["input"].get("square", True)
    sam = checkpoint.sam(family, options.weights or checkpoint.cached(options.family))
    efficient = None
    if "efficientNet" in family:
        efficient = EfficientNet.read(
            family, WEIGHTS / f"{options.family}-efficient-net.safetensors"
        )
    entries = json.loads(options.config.read_text())["candidates"]
    for number, (record, photos) in enumerate(
        records.in_order(entries, options.data, options.images)
    ):
        path = maps.place(options.out, record.image)
        if number % options.of != options.number or path.exists():
            continue
        begun = time.time()
        pixels = photos.read(record.image)
        input_, columns, rows = maps.fitted(
            pixels, maps.side_of(record.image, record.split, square), square
        )
        with torch.autocast("cpu", torch.bfloat16, enabled=options.half and record.split != "val"):
            encoded = sam.image_encoder(input_)
            more = efficient(input_) if efficient else ()
        if not isinstance(encoded, Encoded):
            encoded = Encoded.of(encoded)
        maps.Maps.of((pixels.shape[1], pixels.shape[0], columns, rows), encoded, more).save(path)
        row = {
            "image": record.image,
            "seconds": round(time.time() - begun, 2),
            "kilobytes": path.stat().st_size // 1000,
        }
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
