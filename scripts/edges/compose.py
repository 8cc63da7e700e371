"""The pictures of the benchmark: photographs whose alpha and own colours are known exactly."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageFilter
from subjects import SUBJECTS, Subject

ROOT = Path(__file__).resolve().parents[2]
# A picture of 12 megapixels, and the size of the subject in it, in pixels.
LARGE, SMALL = (4000, 3000), 800
BACKGROUNDS = sorted((ROOT / "docs/gallery/photos").glob("*.jpg"))


class Case(NamedTuple):
    """A picture with its true alpha. `colours` are the subject's own; real mattes may lack them."""

    name: str
    kind: str
    photo: Path
    alpha: np.ndarray  # height x width, 0 to 1
    colours: np.ndarray | None  # height x width x 3, 0 to 1

    @property
    def box(self) -> list[float]:
        """The box around what is at least half opaque, as a user draws it."""
        rows, columns = np.nonzero(self.alpha >= 0.5)
        left, top = columns.min(), rows.min()
        return [float(v) for v in (left, top, columns.max() + 1 - left, rows.max() + 1 - top)]


def read(path: Path, mode="RGB") -> np.ndarray:
    """A picture as numbers from 0 to 1."""
    return np.asarray(Image.open(path).convert(mode), np.float32) / 255


def background(number: int, width: int, height: int) -> np.ndarray:
    """The middle of a photograph, scaled up to cover the size and a little out of focus."""
    photo = Image.open(BACKGROUNDS[number % len(BACKGROUNDS)]).convert("RGB")
    scale = max(width / photo.width, height / photo.height)
    shown = photo.resize(
        (round(scale * photo.width + 0.5), round(scale * photo.height + 0.5)), Image.BICUBIC
    )
    left, top = (shown.width - width) // 2, (shown.height - height) // 2
    shown = shown.crop((left, top, left + width, top + height))
    return np.asarray(shown.filter(ImageFilter.GaussianBlur(width / 1000)), np.float32) / 255


def composite(subject: Subject, cut: np.ndarray, canvas, number: int, photo: Path) -> Case:
    """Puts a subject, which is square, before a photograph of the size `canvas`.

    There is a camera's noise, and JPEG's losses.
    """
    (width, height), size = canvas, len(cut)
    rng = np.random.default_rng(number)
    left, top = (width - size) * 2 // 3, (height - size) // 2
    rgba = np.zeros((height, width, 4), np.float32)
    rgba[top : top + size, left : left + size] = cut
    alpha, colours = rgba[..., 3], rgba[..., :3]
    picture = alpha[..., None] * colours
    picture = picture + (1 - alpha[..., None]) * background(number, width, height)
    picture = picture + rng.normal(0, 1.5 / 255, picture.shape)
    if not photo.exists():
        photo.parent.mkdir(parents=True, exist_ok=True)
        shown = Image.fromarray(np.round(255 * np.clip(picture, 0, 1)).astype(np.uint8))
        shown.save(photo, quality=95, subsampling=0)
    return Case(photo.stem, subject.kind, photo, alpha, colours)


def drawn_cases(drawn: Path, folder: Path):
    """All drawn subjects before photographs, one at a time."""
    for number, subject in enumerate(SUBJECTS):
        cut = read(drawn / f"{subject.name}.png", "RGBA")
        canvas = subject.canvas or (len(cut), len(cut))
        yield composite(subject, cut, canvas, number, folder / f"{subject.name}.jpg")


def rendered_cases(rendered: Path, folder: Path):
    """The subjects that were rendered, before other photographs than the drawn ones."""
    for number, subject in enumerate(SUBJECTS):
        file = rendered / f"{subject.name}.png"
        if file.exists():
            cut = read(file, "RGBA")
            photo = folder / f"rendered-{subject.name}.jpg"
            yield composite(subject, cut, cut.shape[1::-1], number + 3, photo)


def small_cases(drawn: Path, folder: Path):
    """The same subjects, small in pictures of 12 megapixels."""
    for number, subject in enumerate(SUBJECTS):
        cut = np.asarray(reduced(drawn / f"{subject.name}.png"), np.float32) / 255
        yield composite(subject, cut, LARGE, number, folder / f"small-{subject.name}.jpg")


def reduced(drawn: Path) -> Image.Image:
    """A drawn subject in its small size. Pillow weighs the colours by their alpha."""
    return Image.open(drawn).convert("RGBA").resize((SMALL, SMALL), Image.LANCZOS)


def real_cases(folder: Path):
    """The real mattes of `../shared/data/matting`."""
    for alpha in sorted(folder.glob("*_alpha.png")):
        name = alpha.name.removesuffix("_alpha.png")
        photos = [folder / f"{name}_image.png", folder / f"{name}.png"]
        photo = next(path for path in photos if path.exists())
        own = folder / f"{name}_foreground.png"
        colours = read(own) if own.exists() else None
        yield Case(name, "real", photo, read(alpha, "L"), colours)
