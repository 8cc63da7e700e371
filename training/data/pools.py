"""The photos that the scene head learns from and is judged on.

Some of the training photos are kept aside to tune settings.
"""

import hashlib
from dataclasses import dataclass, field

from . import answers, records
from .candidates import Candidates, place, words
from .scenes import Scene, SceneTarget


@dataclass
class Photo:
    record: records.Record
    scene: Scene
    target: SceneTarget


@dataclass
class Pool:
    """The photos of one entry of a config."""

    weight: float
    level: str | None
    photos: list = field(default_factory=list)


def is_aside(photo, share):
    """Whether a photo is kept aside: one in `share`, always the same ones."""
    return int(hashlib.sha256(photo.encode()).hexdigest(), 16) % share == 0


def fold_of(photo, folds):
    """The number of the part of the photos that a photo is in, if there are `folds` parts.

    It says nothing about whether the photo is kept aside.
    """
    return int(hashlib.sha256(f"fold {photo}".encode()).hexdigest(), 16) % folds


def load(record, named, folder):
    """A photo with its scene and target, or None if it has no candidates yet."""
    told = answers.read(record, named, folder)
    if told is None:
        return None
    scene = Scene.of(Candidates.load(place(folder, record.image), without=("masks",)))
    return Photo(record, scene, SceneTarget.of(told, scene, record.has_all_entities))


def entries(kind, config, data, folder, wanted):
    """The pools of the config's list `kind`, without those that have no photo.

    `wanted` has the split, and says for each photo whether it is wanted.
    """
    result, loaded = {}, {}
    for entry in config[kind]:
        named = answers.named_relations(data, entry["name"])
        pool = Pool(entry.get("weight", 1.0), entry.get("level"))
        for record in records.pool(data, entry, wanted.split)[0]:
            if wanted(record.photo):
                if record.image not in loaded:
                    loaded[record.image] = load(record, named.get(record.photo, []), folder)
                if loaded[record.image]:
                    pool.photos.append(loaded[record.image])
        if pool.photos:
            result[" ".join([entry["name"], entry.get("scope", "")]).strip()] = pool
    return result


@dataclass
class Wanted:
    split: str
    share: int
    aside: bool | None = None

    def __call__(self, photo):
        return self.aside is None or is_aside(photo, self.share) == self.aside


def pools(config, data, folder, with_aside=False):
    """The pools for training: all sets, with or without the photos kept aside."""
    return entries(
        "sets",
        config,
        data,
        folder,
        Wanted("train", config["aside"], None if with_aside else False),
    )


def judged(config, data, folder, part):
    """The pools of the judged sets: `aside` to tune settings, `val` for the figures to report."""
    wanted = (
        Wanted("train", config["aside"], True)
        if part == "aside"
        else Wanted("val", config["aside"])
    )
    return entries("judged", config, data, folder, wanted)


def bits(photo, folder):
    """The masks of a photo's candidates, as [n, rows, columns] and in 64-bit words."""
    found = Candidates.load(place(folder, photo.record.image))
    return found.pixels(), words(found.masks)
