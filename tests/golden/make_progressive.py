"""Writes ../data/progressive.jpg, a small progressive JPEG for `tests/input`. Needs Pillow."""

from pathlib import Path

from PIL import Image

WIDTH, HEIGHT = 24, 16

image = Image.new("RGB", (WIDTH, HEIGHT))
for y in range(HEIGHT):
    for x in range(WIDTH):
        image.putpixel((x, y), (x * 10 % 256, y * 15 % 256, x * y % 256))
path = Path(__file__).parent / "../data/progressive.jpg"
image.save(path, "JPEG", progressive=True, optimize=True, quality=60, subsampling="4:2:0")
