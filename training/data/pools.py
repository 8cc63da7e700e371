"""The photos that the scene head learns from and is judged on. A part of the training photos is kept aside for settings."""

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
    """Of one entry of a config."""

    weight: float
    level: str | None
    photos: list = field(default_factory=list)


def is_aside(image, share):
    """One photo in `share`, the same ones forever."""
    return int(hashlib.sha256(image.encode()).hexdigest(), 16) % share == 0


def load(record, named, folder):
    """None where candidates are not yet there."""
    told = answers.read(record, named, folder)
    if told is None:
        return None
    scene = Scene.of(Candidates.load(place(folder, record.image), without=("masks",)))
    return Photo(record, scene, SceneTarget.of(told, scene, record.has_all_entities))


def entries(kind, config, data, folder, wanted):
    """Pools of the config's list `kind`, those without any photo left out; `wanted` (image) tells which photos of a split."""
    result, loaded = {}, {}
    for entry in config[kind]:
        named = answers.named_relations(data, entry["name"])
        pool = Pool(entry.get("weight", 1.0), entry.get("level"))
        for record in records.pool(data, entry, wanted.split)[0]:
            if wanted(record.image):
                if record.image not in loaded:
                    loaded[record.image] = load(record, named.get(record.image, []), folder)
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

    def __call__(self, image):
        return self.aside is None or is_aside(image, self.share) == self.aside


def pools(config, data, folder, with_aside=False):
    """For training: all sets, without what is kept aside or with it."""
    return entries(
        "sets",
        config,
        data,
        folder,
        Wanted("train", config["aside"], None if with_aside else False),
    )


def judged(config, data, folder, part):
    """Of the sets that are judged: `aside`, for settings, or `val`, for figures to report."""
    wanted = (
        Wanted("train", config["aside"], True)
        if part == "aside"
        else Wanted("val", config["aside"])
    )
    return entries("judged", config, data, folder, wanted)


def bits(photo, folder):
    """The masks of a photo's candidates, [n, rows, columns], and in 64-bit words."""
    found = Candidates.load(place(folder, photo.record.image))
    return found.pixels(), words(found.masks)
