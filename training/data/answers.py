"""What labels say about a photo's candidates, kept next to the candidates.

Above all, this is how many cells each candidate shares with each labelled mask.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from .candidates import Candidates, overlaps, place
from .crops import Crop
from .records import Mask
from .samples import MIN_CELLS
from .stored import Stored

LEVELS = ("part", "entity", "relation")
# Sets that do not label all parts of the entities whose parts they label.
FEW_PARTS = {"labelmefacade"}
NONE = -1


@dataclass
class Answers(Stored):
    """What labels say about n candidates.

    There are m labelled masks: those of the record, then its relations.
    """

    hit: np.ndarray  # [n, m]: cells in common
    area: np.ndarray  # [m]: cells
    # [m]: index in LEVELS, or NONE for masks that are no targets: groups, approximate masks and
    # masks that are too small.
    level: np.ndarray
    parent: np.ndarray  # [m]: the entity of a part; otherwise NONE
    members: np.ndarray  # [m, 2]: two entities of a relation; otherwise NONE
    # [n, 2]: the share of each candidate where an unlabelled part would be wrong, and the share
    # where an unlabelled entity would be wrong.
    known: np.ndarray
    named: np.ndarray  # [m]: whether people named the relation


def answers_of(record, relations, found):
    """The answers to the candidates `found`; `relations` is what `relations_of` returns."""
    columns, rows = found.size[2:]
    masks = [*record.masks, *(mask for mask, *_ in relations)]
    cells = np.stack([fitted(mask.pixels(), columns, rows) for mask in masks])
    area = cells.sum((1, 2))
    large = area >= MIN_CELLS
    level = [LEVELS.index(mask.level) if mask.level in LEVELS else NONE for mask in masks]
    exact = [mask.is_exact for mask in masks]
    members = [(NONE, NONE)] * len(record.masks) + [pair for _, pair, _ in relations]
    own = torch.from_numpy(found.pixels()).float()
    maps = torch.from_numpy(np.stack(known(record, cells, large))).float()
    return Answers(
        hit=overlaps(own, torch.from_numpy(cells).float()),
        area=area.astype(np.uint16),
        level=np.where(large & exact, level, NONE).astype(np.int8),
        parent=np.array([NONE if mask.parent is None else mask.parent for mask in masks], np.int16),
        members=np.array(members, np.int16).reshape(-1, 2),
        known=(overlaps(own, maps) / own.sum((1, 2)).numpy()[:, None]).astype(np.float16),
        named=np.array([False] * len(record.masks) + [named for *_, named in relations], bool),
    )


def fitted(pixels, columns, rows):
    image = Image.fromarray(pixels.astype(np.uint8) * 255).resize((columns, rows), Image.BOX)
    return np.asarray(image) > 127


def known(record, cells, large):
    """Maps of where an unlabelled part and where an unlabelled entity would be wrong."""
    union = lambda rows: cells[rows].any(0) if len(rows) else np.zeros(cells.shape[1:], bool)
    of = lambda wanted: [i for i, mask in enumerate(record.masks) if wanted(i, mask)]
    parents = {mask.parent for mask in record.masks if mask.level == "part"}
    opened = union([] if record.set in FEW_PARTS else of(lambda i, mask: i in parents))
    vague = of(
        lambda i, mask: (
            mask.level == "region"
            or mask.crowd
            or (mask.approx and mask.level == "part")
            or not large[i]
        )
    )
    approximate = of(lambda i, mask: mask.approx and mask.level == "entity")
    exact = union(of(lambda i, mask: mask.level == "entity" and not mask.approx))
    everywhere = np.ones(cells.shape[1:], bool)
    entities = everywhere if record.has_all_entities else exact
    return opened & ~union(vague), entities & ~union([*vague, *approximate])


def named_relations(folder, name):
    """The relations of a set by image; empty if none are known.

    Each is (the relation's RLE, the `counts` of its members, whether people named it).
    """
    path, found = Path(folder) / f"{name}-relations.jsonl", {}
    for line in open(path) if path.exists() else ():
        row = json.loads(line)
        unions = [mask for mask in row["masks"] if mask["level"] == "relation"]
        codes = [mask["rle"]["counts"] for mask in row["masks"]]
        found[row["image"]] = [
            (mask["rle"], [codes[i] for i in mask["members"]], mask.get("source") == "vcoco")
            for mask in unions
        ]
    return found


def relations_of(record, named):
    """The relations of a record, from what `named_relations` has for it.

    Each is (mask, two rows of the record's masks, whether people named it).
    """
    if record.whole:
        crop = Crop.of(record.image)
        return [(crop.mask(mask), *rest) for mask, *rest in relations_of(record.whole, named)]
    row, result = {mask.rle["counts"]: i for i, mask in enumerate(record.masks)}, []
    for code, members, by_people in named:
        rows = [row[member] for member in members if member in row]
        if len(rows) >= 2:
            result.append((Mask("relation", code), tuple(rows[:2]), by_people))
    return result


def read(record, named, folder, found=None):
    """The answers to a record's kept candidates; they are made if they are missing.

    The result is None if there are no candidates or no labelled masks.
    """
    path = place(folder, record.image)
    answers = path.with_suffix(".answers.npz")
    if not answers.exists():
        if not path.exists() or not record.masks:
            return None
        answers_of(record, relations_of(record, named), found or Candidates.load(path)).save(
            answers
        )
    return Answers.load(answers)
