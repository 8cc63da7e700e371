"""Turns a record into a training sample: an image, a mask prompt, and the targets of each level.

The kinds of prompt are those of table 1 of the paper's supplement: the full image, a partial image,
one entity (for its parts), and two entities (for their relation).
"""

import random
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageEnhance, ImageFilter

from aims.config import LEVELS

from .relations import touching

MASK_STRIDE = 4
# Inputs with the photo's shape are padded to multiples of this many cells.
SHAPE_CELLS = 16
TOKEN_STRIDE = 8
# Smaller masks (in cells of the mask stride) are neither asked for nor counted as wrong.
MIN_CELLS = 4
POINTS = 8
# How often a level's mask is chosen for a point, if there are masks of all levels.
POINT_SHARES = {"part": 0.4, "entity": 0.5, "relation": 0.1}
KINDS = ("full", "partial", "entity", "entities")


@dataclass
class Target:
    """The targets of one level; `h` and `w` are those of the mask stride."""

    masks: torch.Tensor  # [n, h, w] of bool
    centres: torch.Tensor  # [n]: the token at the centre of each mask
    objectness: torch.Tensor  # [tokens]: 1 in the centres, falling off around them
    known: torch.Tensor  # [h, w] of bool: where a mask that is not among `masks` would be wrong


@dataclass
class Sample:
    image: torch.Tensor  # [height, width, 3] of bytes
    filled: tuple[int, int]  # columns and rows that show the photo; the rest is padding
    prompt: torch.Tensor  # [height, width] of bool; all true for the full image
    targets: dict[str, Target]
    links: dict[str, torch.Tensor]  # [coarse, fine] of 0 and 1
    points: torch.Tensor  # [POINTS, 2] in 0..1 of the longer side: places inside masks, for queries
    cache: object = None  # where the encoder's output for this image is kept, or None


class View:
    """How a photo is scaled, mirrored and cropped to the input.

    The input is a square of side `size`. If it is not `square`, it is only as large as the photo
    needs. Padding is to the right and below.
    """

    def __init__(self, width, height, size, scale=1.0, at=(0.5, 0.5), mirrored=False, square=True):
        factor = scale * size / max(width, height)
        self.mirrored = mirrored
        self.cells = [max(1, round(side * factor / MASK_STRIDE)) for side in (width, height)]
        limit = size // MASK_STRIDE
        # Rows and columns of the whole input, in cells.
        self.shape = (
            (limit, limit)
            if square
            else tuple(-(-side // SHAPE_CELLS) * SHAPE_CELLS for side in self.cells[::-1])
        )
        self.filled = tuple(min(side, limit) * MASK_STRIDE for side in self.cells)
        self.offset = [round(max(0, side - limit) * share) for side, share in zip(self.cells, at)]

    def image(self, pixels):
        image = Image.fromarray(pixels).resize(
            [side * MASK_STRIDE for side in self.cells], Image.BICUBIC
        )
        return self.place(np.asarray(image), MASK_STRIDE)

    def mask(self, pixels, stride=MASK_STRIDE):
        cell = MASK_STRIDE // stride
        image = Image.fromarray(pixels.astype(np.uint8) * 255).resize(
            [side * cell for side in self.cells], Image.BOX
        )
        return self.place(np.asarray(image), cell) > 127

    def place(self, pixels, per_cell):
        if self.mirrored:
            pixels = pixels[:, ::-1]
        rows, columns = (side * per_cell for side in self.shape)
        x, y = (offset * per_cell for offset in self.offset)
        pixels = pixels[y : y + rows, x : x + columns]
        result = np.zeros((rows, columns, *pixels.shape[2:]), pixels.dtype)
        result[: pixels.shape[0], : pixels.shape[1]] = pixels
        return result


def augmented_view(record, size, rng):
    """A random view: mostly near the size at inference, sometimes small, sometimes a detail."""
    scale = np.exp(rng.uniform(np.log(0.6), np.log(2.0)))
    return View(
        record.width, record.height, size, scale, (rng.random(), rng.random()), rng.random() < 0.5
    )


def recoloured(pixels, rng):
    image = Image.fromarray(pixels)
    for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        image = enhance(image).enhance(rng.uniform(0.7, 1.3))
    if rng.random() < 0.1:
        image = image.convert("L").convert("RGB")
    if rng.random() < 0.15:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 1.5)))
    return np.asarray(image)


class Scene:
    """The masks of a record in a view.

    They are entities, parts with their entity, and relations with their two entities.
    """

    def __init__(self, record, view):
        shape = view.shape
        masks = [view.mask(mask.pixels()) for mask in record.masks]
        large = [mask.sum() >= MIN_CELLS for mask in masks]
        of_level = lambda level: [
            i for i, mask in enumerate(record.masks) if mask.level == level and large[i]
        ]
        exact = [i for i in of_level("entity") if not record.masks[i].approx]
        row = {i: n for n, i in enumerate(exact)}
        parts = of_level("part")
        self.entities = stack([masks[i] for i in exact], shape)
        self.parts = stack([masks[i] for i in parts], shape)
        self.parents = [row.get(record.masks[i].parent) for i in parts]
        # An approximate entity is no target, but its parts are, and they fill it.
        self.whole = [masks[i] for i in of_level("entity")]
        self.children = [
            [n for n, p in enumerate(parts) if record.masks[p].parent == i]
            for i in of_level("entity")
        ]
        self.rows = [row.get(i) for i in of_level("entity")]
        if record.relations is not None:
            self.pairs = [(row[a], row[b]) for a, b in record.relations if a in row and b in row]
        else:
            things = [n for n, i in enumerate(exact) if record.masks[i].thing]
            self.pairs = touching(self.entities, things)
        dropped = stack(
            [
                mask
                for i, mask in enumerate(masks)
                if not large[i] or record.masks[i].level == "region"
            ],
            shape,
        )
        self.unclear = dropped.any(0)
        padding = ~view.mask(np.ones((record.height, record.width), bool))
        # A set that labels parts of an entity labels all of them.
        opened = stack(
            [mask for mask, children in zip(self.whole, self.children) if children], shape
        ).any(0)
        everywhere = np.ones(shape, bool)
        self.known = {
            "entity": (everywhere if record.has_all_entities else self.entities.any(0) | padding)
            & ~self.unclear,
            "part": (opened & ~self.unclear) | padding,
            "relation": (everywhere if record.has_all_entities else self.entities.any(0) | padding)
            & ~self.unclear,
        }


def stack(masks, shape):
    return np.stack(masks) if masks else np.zeros((0, *shape), bool)


def sample(
    record,
    photos,
    size,
    kind,
    rng,
    augment=True,
    view_rng=None,
    shown=True,
    square=True,
    rough=None,
):
    """A sample of the wanted kind, or of the full image if the record has nothing to prompt with.

    `view_rng`, if given, decides the view and its colours, and `rng` only what is asked. The image
    is black if it is not `shown`. Prompts are rough if `rough` says so; without it, they are rough
    if the view is augmented.
    """
    view_rng = view_rng or rng
    view = (
        augmented_view(record, size, view_rng)
        if augment
        else View(record.width, record.height, size, square=square)
    )
    height, width = (side * MASK_STRIDE for side in view.shape)
    image = (
        view.image(photos.read(record.image)) if shown else np.zeros((height, width, 3), np.uint8)
    )
    if augment and shown:
        image = recoloured(image, view_rng)
    scene = Scene(record, view)
    prompt, levels, links = ask(scene, kind, rng)
    if prompt is not None:
        prompt = roughened(prompt, rng) if (augment if rough is None else rough) else prompt
        prompt = np.asarray(Image.fromarray(prompt).resize((width, height)))
    targets = {level: target(*levels[level]) for level in LEVELS}
    return Sample(
        image=torch.from_numpy(image.copy()),
        filled=view.filled,
        prompt=torch.ones(height, width, dtype=torch.bool)
        if prompt is None
        else torch.from_numpy(prompt.copy()),
        targets=targets,
        links={name: torch.from_numpy(link) for name, link in links.items()},
        points=torch.tensor(points_in(targets, rng)),
    )


def points_in(targets, rng):
    """Random points in the targets: some in the centre of a mask, some anywhere in it.

    All masks of a level are equally likely.
    """
    levels = [level for level in LEVELS if len(targets[level].masks)]
    points = []
    for drawn in (
        rng.choices(levels, [POINT_SHARES[level] for level in levels], k=POINTS)
        if levels
        else [None] * POINTS
    ):
        if drawn is None:
            points.append((rng.random(), rng.random()))
            continue
        target = targets[drawn]
        i = rng.randrange(len(target.masks))
        height, width = target.masks.shape[1:]
        side = max(height, width)
        if rng.random() < 0.5:
            side //= TOKEN_STRIDE // MASK_STRIDE
            y, x = divmod(int(target.centres[i]), width // (TOKEN_STRIDE // MASK_STRIDE))
        else:
            inside = target.masks[i].nonzero()
            y, x = inside[rng.randrange(len(inside))].tolist()
        points.append(((x + rng.random()) / side, (y + rng.random()) / side))
    return points


def ask(scene, kind, rng):
    """The prompt (None for the full image), (masks, cores, known) by level, and the links."""
    opened = [n for n, children in enumerate(scene.children) if children]
    if kind == "entity" and opened:
        return ask_entity(scene, rng.choice(opened))
    if kind == "entities" and scene.pairs:
        return ask_pair(scene, *rng.choice(scene.pairs))
    if kind == "partial" and len(scene.entities) + len(scene.parts):
        return ask_region(scene, rng)
    return None, *everything(scene)


def everything(scene):
    entities, parts, pairs = scene.entities, scene.parts, scene.pairs
    unions = stack([entities[a] | entities[b] for a, b in pairs], entities.shape[1:])
    contact = stack([contact_of(entities[a], entities[b]) for a, b in pairs], entities.shape[1:])
    levels = {
        "part": (parts, parts, scene.known["part"]),
        "entity": (entities, entities, scene.known["entity"]),
        "relation": (unions, contact, scene.known["relation"]),
    }
    entity_part = np.zeros((len(entities), len(parts)), np.float32)
    for part, parent in enumerate(scene.parents):
        if parent is not None:
            entity_part[parent, part] = 1
    relation_entity = np.zeros((len(pairs), len(entities)), np.float32)
    for relation, pair in enumerate(pairs):
        relation_entity[relation, list(pair)] = 1
    return levels, {"entity_part": entity_part, "relation_entity": relation_entity}


def ask_entity(scene, n):
    """Asks for the parts of one entity."""
    whole, children, row = scene.whole[n], scene.children[n], scene.rows[n]
    parts = scene.parts[children]
    entities = scene.entities[[] if row is None else [row]]
    nothing = np.zeros((0, *whole.shape), bool)
    levels = {
        "part": (parts, parts, ~scene.unclear & (scene.known["part"] | ~whole)),
        "entity": (entities, entities, ~whole),
        "relation": (nothing, nothing, ~whole),
    }
    links = {
        "entity_part": np.ones((len(entities), len(parts)), np.float32),
        "relation_entity": np.zeros((0, len(entities)), np.float32),
    }
    return whole, levels, links


def ask_pair(scene, a, b):
    """Asks for the relation of two entities, and for both of them again."""
    pair = scene.entities[[a, b]]
    union = pair.any(0)
    nothing = np.zeros((0, *union.shape), bool)
    contact = contact_of(*pair)[None]
    everywhere = np.ones_like(union)
    levels = {
        "part": (nothing, nothing, ~union),
        "entity": (pair, pair, everywhere),
        "relation": (union[None], contact, everywhere),
    }
    links = {
        "entity_part": np.zeros((2, 0), np.float32),
        "relation_entity": np.ones((1, 2), np.float32),
    }
    return union, levels, links


def ask_region(scene, rng):
    """Asks for what lies in a box around something.

    Masks that lie mostly inside are cropped to the box. Masks that lie mostly outside are not asked
    for.
    """
    height, width = scene.unclear.shape
    around = rng.choice([*scene.entities, *scene.parts])
    ys, xs = np.nonzero(around)
    grow = rng.uniform(1.05, 2.0)

    def span(at, side):
        low, high = at.min(), at.max() + 1
        centre, length = (
            (low + high) / 2 + rng.uniform(-0.1, 0.1) * (high - low),
            max(6, (high - low) * grow),
        )
        return max(0, int(centre - length / 2)), min(side, int(centre + length / 2) + 1)

    region = np.zeros((height, width), bool)
    (x0, x1), (y0, y1) = span(xs, width), span(ys, height)
    region[y0:y1, x0:x1] = True
    if region.all():
        return None, *everything(scene)

    levels, links = everything(scene)
    kept, result = {}, {}
    for level, (masks, cores, known) in levels.items():
        inside = (masks & region).sum((1, 2))
        share = inside / np.maximum(masks.sum((1, 2)), 1)
        keep = np.flatnonzero((share >= 0.5) & (inside >= MIN_CELLS))
        cut = masks[np.flatnonzero((share > 0) & (share < 0.5))]
        kept[level] = keep
        cores = np.where(
            (cores & region).any((1, 2), keepdims=True), cores & region, masks & region
        )
        result[level] = (
            masks[keep] & region,
            cores[keep],
            (known & ~(cut.any(0) & region)) | ~region,
        )
    coarse_fine = {"entity_part": ("entity", "part"), "relation_entity": ("relation", "entity")}
    links = {name: links[name][np.ix_(kept[a], kept[b])] for name, (a, b) in coarse_fine.items()}
    return region, result, links


def contact_of(a, b):
    """Where two masks meet."""
    return near(a) & near(b) & (a | b)


def near(mask):
    grown = Image.fromarray(mask).convert("L").filter(ImageFilter.MaxFilter(5))
    return np.asarray(grown) > 0


def roughened(mask, rng):
    """A mask as a model might have drawn it: a little larger or smaller."""
    size = rng.choice((1, 1, 3, 5))
    kind = rng.choice((ImageFilter.MaxFilter, ImageFilter.MinFilter))
    rough = np.asarray(Image.fromarray(mask).convert("L").filter(kind(size))) > 0
    return rough if rough.sum() >= mask.sum() / 2 else mask


def target(masks, cores, known):
    """The `Target` of masks; `cores` are the parts of the masks in which their centres lie."""
    masks, known = torch.from_numpy(masks), torch.from_numpy(known)
    height, width = (side // (TOKEN_STRIDE // MASK_STRIDE) for side in known.shape)
    cores = torch.from_numpy(cores).float()[:, None]
    coarse = F.avg_pool2d(cores, TOKEN_STRIDE // MASK_STRIDE)
    # The deeper a place is inside, the more of its ever larger neighbourhoods belongs to the mask.
    depth = sum(F.avg_pool2d(coarse, k, 1, k // 2) for k in (1, 3, 7, 15)) * (coarse > 0)
    centres = depth.flatten(1).argmax(1) if len(masks) else torch.zeros(0, dtype=torch.long)

    objectness = torch.zeros(height, width)
    rows, columns = torch.arange(height)[:, None], torch.arange(width)
    cells = F.avg_pool2d(masks.float()[:, None], TOKEN_STRIDE // MASK_STRIDE)[:, 0]
    for centre, inside in zip(centres.tolist(), cells):
        spread = min(4.0, max(0.6, 0.12 * float(inside.sum()) ** 0.5))
        y, x = divmod(centre, width)
        distance = (rows - y) ** 2 + (columns - x) ** 2
        bump = torch.exp(-distance / (2 * spread**2)) * (inside > 0)
        bump[y, x] = 1.0
        objectness = torch.maximum(objectness, bump)
    return Target(masks, centres, objectness.flatten(), known)


def choose_kind(rng):
    """A random kind of prompt. Half of all samples have no prompt."""
    return rng.choices(KINDS, weights=(5, 2, 2, 1))[0]


def seeded(*key):
    return random.Random(repr(key))
