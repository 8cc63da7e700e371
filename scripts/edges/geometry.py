"""The drawn subjects are made of points of strands, and of shapes as shaded triangles."""

from typing import NamedTuple

import numpy as np

# The light comes from this direction. The camera looks along y; x is to the right and z up.
LIGHT = np.array([-0.5, -0.7, 0.5]) / np.linalg.norm([-0.5, -0.7, 0.5])


class Look(NamedTuple):
    """The surface of a shape; `other` is a second colour that it is blotched with."""

    colour: tuple[float, float, float]
    other: tuple[float, float, float] | None = None
    shine: float = 0.2
    glass: bool = False


def unit(vectors):
    """The vectors at length 1."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)


def directions(count, rng, lowest=-1.0):
    """Random directions whose z is at least `lowest`."""
    z = rng.uniform(lowest, 1, count)
    angle = rng.uniform(0, 2 * np.pi, count)
    ring = np.sqrt(1 - z * z)
    return np.stack([ring * np.cos(angle), ring * np.sin(angle), z], -1)


def grow(roots, first, length, rng, *, fall=0.0, frizz=0.0, wind=(0, 0, 0), curl=0.0, steps=12):
    """Strands as an array of strands x points x 3.

    They start at `roots` in the directions `first`. `fall` bends them down, `frizz` at random,
    `wind` in one direction, and `curl` winds them around their way.
    """
    length = np.broadcast_to(length, len(roots)).astype(float)
    step = (length / (steps - 1))[:, None]
    towards, points = unit(first), [np.asarray(roots, float)]
    phase = rng.uniform(0, 2 * np.pi, (len(roots), 1))
    pull = np.array([0, 0, -fall]) + np.asarray(wind, float)
    for _ in range(steps - 1):
        towards = unit(towards + pull / steps + frizz * rng.normal(size=towards.shape))
        points.append(points[-1] + step * towards)
    strands = np.stack(points, 1)
    turn = np.linspace(0, 5 * np.pi, steps)[None] + phase
    wave = np.stack([np.cos(turn), np.sin(turn), 0 * turn], -1)
    return strands + curl * np.linspace(0.2, 1, steps)[None, :, None] * wave


def outside(strands, centre, radii):
    """The strands, with the points inside an ellipsoid pushed to its surface."""
    centre, radii = np.asarray(centre, float), np.asarray(radii, float)
    local = (strands - centre) / radii
    far = np.linalg.norm(local, axis=-1, keepdims=True)
    return np.where(far < 1, centre + radii * local / np.maximum(far, 1e-9), strands)


def blotches(points):
    """A pattern from 0 to 1 over space, as cloth, wood and paper have."""
    x, y, z = np.moveaxis(points * 9.0, -1, 0)
    waves = np.sin(x + 2 * np.sin(0.7 * z)) * np.sin(z + np.sin(1.3 * y)) + 0.3 * np.sin(5 * x + z)
    return np.clip(0.5 + 0.7 * waves, 0, 1)[..., None]


class Scene:
    """Triangles with the colour and the opacity of each corner."""

    def __init__(self, rng):
        self.rng = rng
        self.corners, self.colours = [], []

    def add(self, corners, colours):
        """Triangles x 3 x 3 places, and triangles x 3 x 4 colours with opacity."""
        self.corners.append(corners)
        self.colours.append(colours)

    def strands(self, points, radius, look, tip=0.3):
        """Hair, as flat bands that face the camera; `tip` is the width at the end of a strand."""
        count, steps, _ = points.shape
        along = unit(np.gradient(points, axis=1))
        across = unit(np.cross(along, (0, 1, 0)))
        thick = np.broadcast_to(radius, count)[:, None] * np.linspace(1, tip, steps)
        left, right = points - thick[..., None] * across, points + thick[..., None] * across
        lit = np.sqrt(1 - np.clip(along @ LIGHT, -1, 1) ** 2)[..., None]
        # Hair is darker at the root, where other hair keeps the light away.
        shade = (0.3 + 0.7 * lit) * np.linspace(0.55, 1.05, steps)[None, :, None]
        own = self.rng.uniform(0.75, 1.25, (count, 1, 1))
        colour = surface(points, look) * shade * own + 0.35 * look.shine * lit**12
        colour = np.concatenate([colour, np.ones((count, steps, 1))], -1)
        a, b, c, d = left[:, :-1], right[:, :-1], right[:, 1:], left[:, 1:]
        start, end = colour[:, :-1], colour[:, 1:]
        for corners, shades in (((a, b, c), (start, start, end)), ((a, c, d), (start, end, end))):
            self.add(
                np.stack(corners, -2).reshape(-1, 3, 3), np.stack(shades, -2).reshape(-1, 3, 4)
            )

    def grid(self, points, look, *, close=False):
        """A surface over rows x columns of points; `close` joins the last column to the first."""
        if close:
            points = np.concatenate([points, points[:, :1]], 1)
        rows, columns = np.gradient(points, axis=0), np.gradient(points, axis=1)
        normal = unit(np.cross(columns, rows))
        if close:
            normal[:, 0] = normal[:, -1] = unit(normal[:, 0] + normal[:, -1])
        colour = self.shaded(points, normal, look)
        quads = [(slice(None, -1), slice(None, -1)), (slice(None, -1), slice(1, None))]
        quads += [(slice(1, None), slice(1, None)), (slice(1, None), slice(None, -1))]
        for order in ((0, 1, 2), (0, 2, 3)):
            corners = np.stack([points[quads[k]] for k in order], -2).reshape(-1, 3, 3)
            shades = np.stack([colour[quads[k]] for k in order], -2).reshape(-1, 3, 4)
            self.add(corners, shades)

    def shaded(self, points, normal, look):
        """The colours of surface points, seen from the front."""
        facing = normal[..., 1:2]
        normal = np.where(facing > 0, -normal, normal)
        lit = np.clip(normal @ LIGHT, 0, 1)[..., None]
        half = unit(LIGHT + np.array([0, -1, 0]))
        gloss = look.shine * np.clip(normal @ half, 0, 1)[..., None] ** 40
        colour = surface(points, look) * (0.3 + 0.75 * lit) + gloss
        opacity = np.ones_like(lit)
        if look.glass:
            # Glass reflects more at grazing angles; it hides least where it faces the camera.
            opacity = np.clip(0.08 + 0.85 * (1 - np.abs(facing)) ** 3 + gloss, 0, 1)
        return np.concatenate([colour, opacity], -1)

    def ball(self, centre, radii, look, steps=128):
        """An ellipsoid."""
        down, around = np.linspace(0, np.pi, steps), np.linspace(0, 2 * np.pi, 2 * steps)
        ring = np.stack([np.cos(around), np.sin(around), 0 * around], -1)
        points = np.sin(down)[:, None, None] * ring + np.cos(down)[:, None, None] * (0, 0, 1)
        self.grid(np.asarray(centre) + points * radii, look)

    def box(self, centre, size, look, turn=0.0):
        """A box that is turned about the vertical."""
        spin = np.array(
            [[np.cos(turn), np.sin(turn), 0], [-np.sin(turn), np.cos(turn), 0], [0, 0, 1]]
        )
        edge = np.linspace(-0.5, 0.5, 9)
        u, v = np.meshgrid(edge, edge)
        for axis in range(3):
            for end in (-0.5, 0.5):
                face = np.insert(np.stack([u, v], -1), axis, end, axis=-1)
                self.grid(np.asarray(centre) + (face * size) @ spin, look)

    def tube(self, path, radius, look, steps=24):
        """A tube along a path of points."""
        path = np.asarray(path, float)
        along = unit(np.gradient(path, axis=0))
        side = unit(np.cross(along, (0.21, 0.34, 0.91)))
        up = np.cross(along, side)
        angle = np.linspace(0, 2 * np.pi, steps)[None, :, None]
        ring = np.cos(angle) * side[:, None] + np.sin(angle) * up[:, None]
        self.grid(path[:, None] + radius * ring, look)

    def ring(self, centre, radius, thick, look, axis=1):
        """A torus about an axis: 0, 1 or 2 for x, y or z."""
        angle = np.linspace(0, 2 * np.pi, 193)
        circle = np.stack([np.cos(angle), np.sin(angle)], -1) * radius
        self.tube(np.asarray(centre) + np.insert(circle, axis, 0, axis=-1), thick, look)

    def turned(self, profile, look, steps=160):
        """A surface of revolution of (radius, height) pairs."""
        profile = np.asarray(profile, float)
        at = np.linspace(0, len(profile) - 1, 12 * len(profile))
        radius, height = (np.interp(at, range(len(profile)), values) for values in profile.T)
        around = np.linspace(0, 2 * np.pi, steps)
        ring = np.stack([np.cos(around), np.sin(around), 0 * around], -1)
        self.grid(radius[:, None, None] * ring + height[:, None, None] * (0, 0, 1), look)

    def leaf(self, root, towards, up, length, width, look, *, bend=0.2):
        """A leaf: a sheet that is broad in its middle and bends down."""
        towards, up = unit(np.asarray(towards, float)), unit(np.asarray(up, float))
        side = unit(np.cross(towards, up))
        t = np.linspace(0, 1, 24)[:, None, None]
        half = width / 2 * np.sin(np.pi * t**0.8) * (1 - 0.25 * t)
        middle = np.asarray(root) + length * (t * towards - bend * t * t * up)
        across = np.array([-1.0, 0.0, 1.0])[None, :, None]
        self.grid(middle + half * (across * side + 0.25 * np.abs(across) * up), look)


def surface(points, look):
    """The colour of a surface without light."""
    colour = np.broadcast_to(np.array(look.colour, float), points.shape)
    if look.other is None:
        return colour
    share = blotches(points)
    return (1 - share) * colour + share * np.array(look.other, float)
