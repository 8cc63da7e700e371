"""Packs what training needs into folders that are small enough to be sent one by one.

    python training/parcels.py --encoder ~/.cache/aims-web/mobile-sam-f32.safetensors

The folders are training/parcels/0, 1, ... On the other machine, copy the contents of all of them
into one folder, and train with `--data THERE --encoder THERE/encoder.safetensors`.
"""

import argparse
import shutil
from pathlib import Path

from aims import checkpoint

LIMIT = 40_000_000
HERE = Path(__file__).parent


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--encoder", type=Path, required=True)
    parser.add_argument("--sets", default="coco,ccp,carparts,faces,balloon,bsds500")
    options = parser.parse_args()

    out = HERE / "parcels"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    encoder = out / "encoder.safetensors"
    weights = checkpoint.read(options.encoder)
    checkpoint.write(encoder, weights)

    names = options.sets.split(",")
    files = [
        file
        for name in names
        for file in [*options.data.glob(f"{name}.*"), *options.data.glob(f"{name}-[0-9]*.tar")]
    ]
    sizes = []  # bytes of each parcel
    for file in sorted([*files, encoder], key=lambda file: -file.stat().st_size):
        size = file.stat().st_size
        place = next((i for i, used in enumerate(sizes) if used + size <= LIMIT), len(sizes))
        if place == len(sizes):
            sizes.append(0)
            (out / str(place)).mkdir()
        sizes[place] += size
        (shutil.move if file == encoder else shutil.copy)(file, out / str(place) / file.name)
    for place, size in enumerate(sizes):
        print(f"{out / str(place)}: {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
