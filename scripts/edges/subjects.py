"""The drawn subjects: what each is made of, and how large its picture is."""

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import geometry as shape
import numpy as np
from geometry import Look


class Subject(NamedTuple):
    """A subject that is drawn at `size` pixels a side, in a photo of the size `canvas`."""

    name: str
    kind: str  # hair, thin, glass or plain
    build: Callable[[shape.Scene, np.random.Generator], None]
    size: int = 1500
    canvas: tuple[int, int] | None = None  # by default that of the drawing


def head(
    scene, rng, *, colour, length, fall, frizz, curl=0.0, count=9000, radius=0.004, wind=(0, 0, 0)
):
    """A head with shoulders and hair on its scalp."""
    skin = Look((0.72, 0.42, 0.3))
    scene.ball((0, 0, 0), (0.75, 0.85, 1.0), skin)
    scene.tube([(0, 0.05, -0.7), (0, 0.1, -1.6)], 0.36, skin)
    cloth = Look((0.03, 0.05, 0.12), (0.05, 0.1, 0.25))
    scene.ball((0, 0.15, -2.2), (1.5, 0.6, 0.85), cloth)
    where = shape.directions(count, rng, -0.1)
    where = where[(where[:, 2] > 0.35) | (where[:, 1] > 0.1)]
    roots = where * (0.75, 0.85, 1.0)
    sizes = length * rng.uniform(0.7, 1.1, len(roots))
    hair = shape.grow(roots, where, sizes, rng, fall=fall, frizz=frizz, curl=curl, wind=wind)
    hair = shape.outside(hair, (0, 0, 0), (0.77, 0.87, 1.02))
    scene.strands(hair, radius, Look(colour), tip=0.4)


def long_hair(scene, rng):
    head(scene, rng, colour=(0.09, 0.035, 0.012), length=2.2, fall=5, frizz=0.07)


def curly_hair(scene, rng):
    head(scene, rng, colour=(0.015, 0.01, 0.008), length=1.0, fall=1.2, frizz=0.12, curl=0.07)


def hair_in_wind(scene, rng):
    head(scene, rng, colour=(0.5, 0.3, 0.12), length=1.8, fall=1.5, frizz=0.12, wind=(3.5, 0, 0.4))


def fur(scene, rng, centre, radii, colour, length, count, *, fall=0.8, frizz=0.08, radius=0.003):
    """An ellipsoid with fur."""
    skin = Look(tuple(0.6 * c for c in colour))
    scene.ball(centre, radii, skin)
    where = shape.directions(count, rng)
    roots = np.asarray(centre) + where * radii
    sizes = length * rng.uniform(0.5, 1.1, count)
    hair = shape.grow(roots, where / radii, sizes, rng, fall=fall, frizz=frizz, steps=8)
    scene.strands(hair, radius, Look(colour))


def teddy(scene, rng):
    brown = (0.32, 0.15, 0.05)
    fur(scene, rng, (0, 0, -0.9), (0.8, 0.7, 0.9), brown, 0.16, 26000)
    fur(scene, rng, (0, -0.1, 0.5), (0.62, 0.6, 0.58), brown, 0.14, 16000)
    for side in (-1, 1):
        fur(scene, rng, (0.48 * side, 0, 1.0), (0.2, 0.12, 0.2), brown, 0.1, 4000)
        fur(scene, rng, (0.9 * side, -0.1, -0.5), (0.28, 0.28, 0.55), brown, 0.14, 8000)
        scene.ball((0.22 * side, -0.68, 0.62), (0.07, 0.07, 0.07), Look((0, 0, 0)))


def white_fur(scene, rng):
    fur(scene, rng, (0, 0, 0), (1.1, 0.9, 0.9), (0.8, 0.76, 0.7), 0.5, 40000, fall=2.5, frizz=0.1)


def spiky(scene, rng):
    fur(
        scene,
        rng,
        (0, 0, 0),
        (1.2, 0.8, 0.7),
        (0.1, 0.07, 0.05),
        0.55,
        5000,
        fall=0.2,
        radius=0.009,
    )


def feather_points(rng, root, towards, side, length, width, barbs):
    """The barbs of a feather as strands, and its shaft."""
    root, towards, side = (np.asarray(v, float) for v in (root, towards, side))
    t = np.sort(rng.uniform(0.08, 1, barbs))
    bow = 0.15 * length * t * t
    base = root + length * t[:, None] * towards + bow[:, None] * side
    rows = []
    for sign in (-1, 1):
        reach = width * np.sin(np.pi * np.clip(t, 0, 1) ** 0.7) + 0.02
        reach = reach * rng.uniform(0.85, 1.05, barbs)
        out = sign * side + 0.9 * towards
        rows.append(shape.grow(base, np.tile(out, (barbs, 1)), reach, rng, frizz=0.03, steps=7))
    shaft = root + np.linspace(0, 1, 20)[:, None] * length * towards
    shaft = shaft + 0.15 * length * (np.linspace(0, 1, 20)[:, None] ** 2) * side
    return np.concatenate(rows), shaft


def feather(scene, rng):
    look = Look((0.12, 0.2, 0.35), (0.5, 0.55, 0.6))
    points, shaft = feather_points(rng, (-1, 0, -1.3), (0.6, 0, 0.8), (-0.8, 0, 0.6), 3, 0.6, 2600)
    scene.strands(points, 0.0035, look)
    scene.tube(shaft, 0.02, Look((0.8, 0.75, 0.6)))


def down(scene, rng):
    look = Look((0.85, 0.82, 0.75))
    for angle in np.linspace(-1.2, 1.2, 9):
        towards = (math.sin(angle), 0.1 * rng.normal(), math.cos(angle))
        side = (math.cos(angle), 0, -math.sin(angle))
        points, shaft = feather_points(rng, (0, 0, -1), towards, side, 2.2, 0.45, 500)
        points = points + 0.01 * rng.normal(size=points.shape)
        scene.strands(points, 0.0025, look)
        scene.tube(shaft, 0.012, look)


def grass(scene, rng):
    pot = [(0.0, -1.6), (0.75, -1.6), (1.0, -0.6), (1.05, -0.55), (0.9, -0.55), (0, -0.6)]
    scene.turned(pot, Look((0.5, 0.18, 0.08)))
    roots = np.c_[0.8 * shape.directions(1800, rng)[:, :2], np.full(1800, -0.6)]
    first = np.c_[0.7 * roots[:, :2] + 0.2 * rng.normal(size=(1800, 2)), np.ones(1800)]
    sizes = rng.uniform(0.8, 2.2, 1800)
    blades = shape.grow(roots, first, sizes, rng, fall=1.0, frizz=0.05)
    scene.strands(blades, 0.012, Look((0.1, 0.3, 0.04)), tip=0.1)


def wheel(scene, rng):
    steel = Look((0.5, 0.5, 0.52))
    scene.ring((0, 0, 0), 1.5, 0.07, Look((0.015, 0.015, 0.015)))
    scene.ring((0, 0, 0), 1.4, 0.04, steel)
    scene.tube([(0, -0.15, 0), (0, 0.15, 0)], 0.13, steel)
    for k in range(32):
        a, b = 2 * math.pi * k / 32, 2 * math.pi * (k + (3 if k % 2 else -3)) / 32
        hub = (0.12 * math.cos(b), 0.1 * (-1) ** k, 0.12 * math.sin(b))
        scene.tube([hub, (1.38 * math.cos(a), 0, 1.38 * math.sin(a))], 0.008, steel)


def chair(scene, rng):
    wood = Look((0.25, 0.11, 0.04), (0.4, 0.2, 0.08))
    scene.box((0, 0, 0), (1.5, 1.4, 0.09), wood)
    for x in (-0.66, 0.66):
        scene.tube([(x, -0.6, 0), (1.15 * x, -0.7, -1.5)], 0.045, wood)
        scene.tube([(x, 0.6, 0), (1.15 * x, 0.7, -1.5)], 0.045, wood)
        scene.tube([(x, 0.62, 0), (0.95 * x, 0.85, 1.7)], 0.05, wood)
    for x in np.linspace(-0.5, 0.5, 6):
        scene.tube([(x, 0.62, 0), (0.95 * x, 0.83, 1.5)], 0.022, wood)
    scene.box((0, 0.85, 1.62), (1.4, 0.06, 0.22), wood)


def wire_basket(scene, rng):
    wire = Look((0.75, 0.55, 0.2))
    for z, r in ((-0.8, 0.8), (-0.2, 0.95), (0.4, 1.1), (0.8, 1.2)):
        scene.ring((0, 0, z), r, 0.018, wire, axis=2)
    for k in range(36):
        x, y = math.cos(math.pi * k / 18), math.sin(math.pi * k / 18)
        scene.tube([(0.8 * x, 0.8 * y, -0.8), (1.2 * x, 1.2 * y, 0.8)], 0.01, wire)
    for x, y, r, look in ((-0.3, 0, 0.45, (0.6, 0.03, 0.02)), (0.4, -0.2, 0.4, (0.3, 0.5, 0.05))):
        scene.ball((x, y, -0.35), (r, r, r), Look(look))


def plant(scene, rng):
    pot = [(0.0, -1.9), (0.45, -1.9), (0.6, -1.0), (0.5, -1.0), (0, -1.05)]
    scene.turned(pot, Look((0.8, 0.8, 0.78)))
    green = Look((0.05, 0.2, 0.03), (0.12, 0.35, 0.06))
    for k in range(26):
        angle, high = 2.4 * k, rng.uniform(-0.8, 1.1)
        out = np.array([math.cos(angle), math.sin(angle), 0])
        at = np.array([0, 0, high]) + 0.3 * out
        scene.tube([(0, 0, -1), (0, 0, high - 0.3), at], 0.014, green)
        towards = out + np.array([0, 0, rng.uniform(0, 0.8)])
        scene.leaf(at, towards, (0, 0, 1), rng.uniform(0.7, 1.2), 0.45, green, bend=0.35)


def fern(scene, rng):
    green = Look((0.08, 0.25, 0.04))
    for angle in np.linspace(-1.1, 1.1, 7):
        top = np.array([math.sin(angle), 0.2 * rng.normal(), math.cos(angle)])
        t = np.linspace(0, 1, 26)
        path = 2.2 * t[:, None] * top - np.array([0, 0, 0.8]) * t[:, None] ** 3 - (0, 0, 1)
        scene.tube(path, 0.012, green)
        for k in range(2, 26):
            along = shape.unit(path[k] - path[k - 1])
            side = np.cross(along, (0, 1, 0))
            for sign in (-1, 1):
                size = 0.5 * math.sin(math.pi * (k / 26) ** 0.8) + 0.05
                scene.leaf(path[k], sign * side + 0.4 * along, (0, -1, 0.2), size, 0.08, green)


def wine_glass(scene, rng):
    glass = Look((0.97, 0.98, 0.98), glass=True)
    outer = [(0.7, -1.6), (0.68, -1.57), (0.12, -1.5), (0.06, -1.3), (0.06, -0.5), (0.3, -0.35)]
    outer += [(0.62, 0.0), (0.74, 0.45), (0.68, 1.0), (0.6, 1.4)]
    inner = [(0.57, 1.4), (0.65, 1.0), (0.7, 0.45), (0.58, 0.02), (0.28, -0.3), (0.0, -0.34)]
    scene.turned([(0.0, -1.6), *outer, *inner], glass)
    wine = [(0.0, -0.32), (0.27, -0.29), (0.56, 0.02), (0.66, 0.35), (0.0, 0.35)]
    scene.turned(wine, Look((0.25, 0.01, 0.03)))


def bottle(scene, rng):
    profile = [(0.0, -1.6), (0.55, -1.6), (0.58, -1.5), (0.58, 0.2), (0.5, 0.5), (0.2, 0.8)]
    profile += [(0.18, 1.5), (0.22, 1.52), (0.22, 1.62), (0.15, 1.62), (0.13, 0.8), (0.46, 0.45)]
    profile += [(0.54, 0.2), (0.54, -1.5), (0.0, -1.55)]
    scene.turned(profile, Look((0.75, 0.92, 0.8), glass=True))
    paper = Look((0.8, 0.75, 0.6), (0.5, 0.1, 0.08))
    scene.turned([(0.585, -1.1), (0.585, -0.2)], paper)


def knot(scene, rng):
    t = np.linspace(0, 2 * np.pi, 700)
    far = 1 + 0.42 * np.cos(3 * t)
    path = np.stack([far * np.cos(2 * t), 0.45 * np.sin(3 * t), far * np.sin(2 * t)], -1)
    scene.tube(path, 0.2, Look((0.55, 0.25, 0.12), shine=0.5), steps=64)


def mug(scene, rng):
    glaze = Look((0.05, 0.25, 0.4))
    profile = [(0.0, -1), (0.75, -1), (0.8, -0.95), (0.8, 1), (0.77, 1.02), (0.73, 1)]
    scene.turned([*profile, (0.73, -0.9), (0, -0.92)], glaze)
    scene.ring((0.95, 0, 0), 0.5, 0.1, glaze)


def toys(scene, rng):
    colours = [(0.7, 0.1, 0.05), (0.8, 0.6, 0.05), (0.05, 0.3, 0.6), (0.1, 0.45, 0.12)]
    for k, colour in enumerate(colours):
        look = Look(colour)
        scene.box((0.15 * (-1) ** k, 0, 0.9 * k - 1.4), (1.1, 0.9, 0.88), look, turn=0.5 * k)
    scene.ball((0.1, 0, 2.29), (0.55, 0.55, 0.55), Look((0.8, 0.8, 0.8)))


SUBJECTS = [
    Subject("long-hair", "hair", long_hair),
    Subject("curly-hair", "hair", curly_hair),
    Subject("hair-in-wind", "hair", hair_in_wind, 2000),
    Subject("teddy", "hair", teddy, canvas=(4000, 3000)),
    Subject("white-fur", "hair", white_fur),
    Subject("spiky", "hair", spiky),
    Subject("feather", "hair", feather, canvas=(2400, 1800)),
    Subject("down", "hair", down),
    Subject("grass", "hair", grass, 2000),
    Subject("wheel", "thin", wheel),
    Subject("chair", "thin", chair, canvas=(3000, 2000)),
    Subject("wire-basket", "thin", wire_basket),
    Subject("plant", "thin", plant),
    Subject("fern", "thin", fern),
    Subject("wine-glass", "glass", wine_glass),
    Subject("bottle", "glass", bottle),
    Subject("knot", "plain", knot, 3000),
    Subject("mug", "plain", mug, canvas=(4000, 3000)),
    Subject("toys", "plain", toys),
]


def missing(folder: Path):
    """Yields each subject whose picture is not in the folder, its random numbers, and the file to
    write. Says how long each file took."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, subject in enumerate(SUBJECTS):
        file = folder / f"{subject.name}.png"
        if not file.exists():
            start = time.monotonic()
            yield subject, np.random.default_rng(number), file
            if file.exists():
                print(f"made {file.stem} in {time.monotonic() - start:.0f} s", flush=True)
