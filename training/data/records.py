"""Labelled photos: SET.jsonl and SET.tar (or SET-0.tar, SET-1.tar, ...).

Their format is described in `../shared/data/README.md`.
"""

import io
import json
import tarfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from . import crops, rle

# Sets, or scopes of a set, that label every entity of a photo.
ALL_ENTITIES = {"panoptic", "composed"}


@dataclass
class Mask:
    level: str
    rle: dict
    parent: int | None = None
    thing: bool = True
    approx: bool = False
    crowd: bool = False
    label: str | None = None
    """What people called it."""

    @property
    def is_exact(self):
        """Whether it is one thing with an outline that people drew."""
        return not self.approx and not self.crowd

    def pixels(self):
        return rle.decode(self.rle)


@dataclass
class Record:
    set: str
    image: str
    split: str
    width: int
    height: int
    scope: str | None
    masks: list[Mask] = field(default_factory=list)
    relations: list[tuple[int, int]] | None = None
    """Pairs of entities, if the set has them."""
    license: str | None = None
    """The photo's licence, if the set gives one for each photo."""
    whole: "Record | None" = None
    """The record of the whole photo, if this is one of a crop."""

    @property
    def photo(self):
        """The name of the photo that the image shows, or shows a part of."""
        return crops.photo_of(self.image)

    @property
    def has_all_entities(self):
        return (self.scope or self.set) in ALL_ENTITIES


class Photos:
    """The JPEG files of some sets, read directly from their archives."""

    def __init__(self):
        self.places = {}

    def add(self, archive):
        with tarfile.open(archive) as tar:
            for member in tar:
                if member.isfile():
                    self.places[member.name] = (archive, member.offset_data, member.size)

    def read(self, name):
        """The pixels of a photo or of a crop, [height, width, 3] of bytes."""
        archive, offset, size = self.places[crops.photo_of(name)]
        with open(archive, "rb") as file:
            file.seek(offset)
            data = file.read(size)
        pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
        crop = crops.Crop.of(name)
        return crop.pixels(pixels) if crop else pixels


def load(folder, sets, split):
    """The records of a split and their photos."""
    folder = Path(folder)
    records, photos = [], Photos()
    for name in sets:
        for archive in sorted([*folder.glob(f"{name}.tar"), *folder.glob(f"{name}-[0-9]*.tar")]):
            photos.add(archive)
        with open(folder / f"{name}.jsonl") as lines:
            records += [record for record in map(parse, lines) if record.split == split]
    return records, photos


def pool(folder, entry, split):
    """The records of one entry of a config, and their photos.

    An entry has all records of a set, only those of one scope, or only those whose photos have one
    of some `licenses`. With `regions`, regions are taken for entities, and each photo has only its
    coarsest drawing with at least that many regions. With `crops`, so many crops of each training
    photo follow the photos.
    """
    records, photos = load(folder, [entry["name"]], split)
    if "regions" in entry:
        records = coarsest(records, entry["regions"])
    scope, licenses = entry.get("scope"), entry.get("licenses")
    chosen = [
        record
        for record in records
        if scope in (None, record.scope) and (not licenses or record.license in licenses)
    ]
    numbers = range(1, 1 + entry.get("crops", 0)) if split == "train" else ()
    return chosen + [crops.cropped(record, n) for n in numbers for record in chosen], photos


def in_order(entries, folder, first=None):
    """Yields (record, photos) of the entries of a config, each image once.

    An entry gives at most `first` records; those of validation come first.
    """
    seen = set()
    for entry in entries:
        pools = [pool(folder, entry, split) for split in ("val", "train")]
        found = [(record, photos) for records, photos in pools for record in records]
        for record, photos in found[: entry.get("first", first)]:
            if record.image not in seen:
                seen.add(record.image)
                yield record, photos


def coarsest(records, least):
    chosen = {}
    for record in sorted(
        (record for record in records if len(record.masks) >= least),
        key=lambda record: len(record.masks),
    ):
        chosen.setdefault(record.image, record)
    for record in chosen.values():
        for mask in record.masks:
            mask.level, mask.thing = "entity", False
    return list(chosen.values())


def parse(line):
    row = json.loads(line)
    masks = [
        Mask(
            level=mask["level"],
            rle=mask["rle"],
            parent=mask.get("parent"),
            thing=mask.get("thing", True),
            approx=mask.get("approx", False),
            crowd=mask.get("crowd", False),
            label=mask.get("label"),
        )
        for mask in row["masks"]
    ]
    relations = row.get("relations")
    return Record(
        set=row["image"].split("/")[0],
        image=row["image"],
        split=row["split"],
        width=row["width"],
        height=row["height"],
        scope=row.get("scope"),
        license=row.get("license"),
        masks=masks,
        relations=relations and [tuple(pair) for pair in relations],
    )
