"""Writes tests/data/jpegs.tar: small JPEG files of every kind that libjpeg-turbo writes.

The archive also has the pixels that libjpeg-turbo reads from them.

    apt-get install libjpeg-turbo-progs
    python tests/golden/make_jpegs.py    # needs numpy and Pillow

The name of a file has the kind of coding (base: one scan; progressive; separate: a scan for each
component; arithmetic), the sampling factors of the three components, and `restart` if there are
restart markers.
"""

import io
import random
import subprocess
import tarfile
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

OUT = Path(__file__).parent.parent / "data/jpegs.tar"
ONES = ((1, 1), (1, 1), (1, 1))
# Sampling factors that cameras and programs write, then some that other decoders are reported to
# decode wrongly.
USUAL = [ONES, ((2, 1), *ONES[1:]), ((1, 2), *ONES[1:]), ((2, 2), *ONES[1:])]
COARSE_BRIGHTNESS = [
    ((1, 1), (2, 2), (2, 2)),
    ((1, 1), (3, 1), (3, 1)),
    ((1, 2), (2, 2), (1, 1)),
    ((1, 1), (4, 2), (1, 1)),
]
KINDS = ("base", "progressive", "separate")


def samplings(count):
    """Random factors: 1 to 4 in both directions, and at most ten blocks a unit, as JPEG allows."""
    for _ in range(count):
        while True:
            found = tuple((random.randint(1, 4), random.randint(1, 4)) for _ in range(3))
            if sum(a * b for a, b in found) <= 10:
                yield found
                break


def picture(width, height, rng):
    y, x = np.mgrid[0:height, 0:width]
    periods = rng.uniform(4, 30, 3)
    waves = [np.sin(x / periods[0]), np.cos(y / periods[1]), np.sin((x + y) / periods[2])]
    return Image.fromarray(
        np.clip(
            128 + 100 * np.stack(waves, -1) + rng.normal(0, 3, (height, width, 3)), 0, 255
        ).astype(np.uint8)
    )


def coded(image, kind, sampling, options, folder):
    """The JPEG file, or None if libjpeg-turbo refuses to write it."""
    source, scans, out = folder / "in.ppm", folder / "scans.txt", folder / "out.jpg"
    image.save(source)
    scans.write_text("0;\n1;\n2;\n")
    way = {
        "base": [],
        "progressive": ["-progressive"],
        "separate": ["-scans", str(scans)],
        "arithmetic": ["-arithmetic"],
    }[kind]
    factors = ",".join(f"{a}x{b}" for a, b in sampling)
    command = [
        "cjpeg",
        "-quality",
        "80",
        "-sample",
        factors,
        *way,
        *options,
        "-outfile",
        str(out),
        str(source),
    ]
    return (
        out.read_bytes() if subprocess.run(command, capture_output=True).returncode == 0 else None
    )


def main():
    random.seed(1)
    rng = np.random.default_rng(1)
    cases = [
        (kind, sampling, restart)
        for sampling in USUAL + COARSE_BRIGHTNESS
        for kind in KINDS
        for restart in ([], ["-restart", "1"])
    ]
    cases += [
        (random.choice(KINDS), sampling, random.choice([[], ["-restart", "2B"]]))
        for sampling in samplings(40)
    ]
    cases += [("arithmetic", ONES, []), ("arithmetic", USUAL[3], ["-restart", "1"])]
    with tempfile.TemporaryDirectory() as folder, tarfile.open(OUT, "w") as tar:
        folder = Path(folder)

        def add(name, data):
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))

        for number, (kind, sampling, restart) in enumerate(cases):
            image = picture(random.randint(1, 70), random.randint(1, 50), rng)
            data = coded(image, kind, sampling, restart, folder)
            if data is None:
                continue
            factors = "_".join(f"{a}{b}" for a, b in sampling)
            name = f"{number:02}-{kind}-{factors}" + ("-restart" if restart else "")
            read = subprocess.run(
                ["djpeg", "-ppm"], input=data, capture_output=True, check=True
            ).stdout
            png = io.BytesIO()
            Image.open(io.BytesIO(read)).convert("RGB").save(png, "png", optimize=True)
            add(f"{name}.jpg", data)
            add(f"{name}.png", png.getvalue())


if __name__ == "__main__":
    main()
