"""Endless samples drawn from all sets, and the frozen encoder's maps of them."""

import os

import numpy as np
import torch

from aims.config import EMBED_DIM, PIXEL_MEAN, PIXEL_STD, STAGES

from . import maps, records, samples
from .answers import named_relations, relations_of
from .compose import Composer

# Stride and channels of the encoder's maps.
FEATURES = (
    *zip((4, 8, 16), (STAGES[0].channels, STAGES[1].channels, STAGES[3].channels)),
    (16, EMBED_DIM),
)


class Samples(torch.utils.data.IterableDataset):
    """Endless samples. Sets are drawn by their weights, and records of a set at random.

    With `views`, a list of (seed, file for the encoder's output), each sample shows one of these
    views. Without `prompts`, all samples ask for the full image.
    """

    def __init__(self, config, data, size, seed, views=(), prompts=True):
        self.config, self.data, self.size, self.seed, self.views, self.prompts = (
            config,
            data,
            size,
            seed,
            views,
            prompts,
        )

    def __iter__(self):
        worker = torch.utils.data.get_worker_info()
        rng = samples.seeded(self.seed, worker.id if worker else 0)
        pools = [records.pool(self.data, entry, "train") for entry in self.config["sets"]]
        weights = [entry["weight"] for entry in self.config["sets"]]
        composer = Composer(pools)
        while True:
            cache, view_rng = None, rng
            if self.views:
                seed, file = rng.choice(self.views)
                cache, view_rng = Features(file, self.size), samples.seeded(*seed)
            if view_rng.random() < self.config["composed"]:
                record, photos = composer.scene(view_rng)
            else:
                pool, photos = view_rng.choices(pools, weights)[0]
                record = view_rng.choice(pool)
            kind = samples.choose_kind(rng) if self.prompts else "full"
            sample = samples.sample(
                record,
                photos,
                self.size,
                kind,
                rng,
                view_rng=view_rng,
                shown=not (cache and cache.maps),
            )
            sample.cache = cache
            yield sample


class WholePhotos(torch.utils.data.IterableDataset):
    """Endless samples of whole photos whose maps `encode.py` keeps in `folder`."""

    def __init__(self, config, data, folder, seed, prompts=True):
        self.config, self.data, self.folder, self.seed, self.prompts = (
            config,
            data,
            folder,
            seed,
            prompts,
        )

    def __iter__(self):
        rng = samples.seeded(self.seed)
        pools = [pool for entry in self.config["sets"] if (pool := self.pool(entry))[1]]
        while True:
            _, pool, photos = rng.choices(pools, [weight for weight, *_ in pools])[0]
            kind = samples.choose_kind(rng) if self.prompts else "full"
            yield kept_sample(rng.choice(pool), photos, self.folder, kind, rng, rough=True)

    def pool(self, entry):
        """The weight, the records and the photos of an entry."""
        found, photos = records.pool(self.data, entry, "train")
        named = named_relations(self.data, entry["name"])
        found = [record for record in found if maps.place(self.folder, record.image).exists()]
        for record in found:
            pairs = [pair for _, pair, _ in relations_of(record, named.get(record.photo, []))]
            record.relations = pairs or record.relations
        return entry["weight"], found, photos


def kept_sample(record, photos, folder, kind, rng, rough=False):
    """A sample, as of `samples.sample`, of a whole photo whose maps are kept."""
    side = maps.side_of(record.image, record.split)
    found = samples.sample(
        record, photos, side, kind, rng, augment=False, shown=False, square=False, rough=rough
    )
    found.cache = maps.Maps.load(maps.place(folder, record.image))
    return found


class Features:
    """The frozen encoder's maps of one view, kept in a file of 16-bit numbers."""

    def __init__(self, path, size):
        self.path, self.shapes = (
            path,
            [(size // stride, size // stride, channels) for stride, channels in FEATURES],
        )
        self.maps = None
        if path.exists():
            ends = np.cumsum([np.prod(shape) for shape in self.shapes])
            parts = np.split(np.load(path), ends[:-1])
            self.maps = [
                torch.from_numpy(part.reshape(shape)) for part, shape in zip(parts, self.shapes)
            ]

    def keep(self, maps):
        self.maps = [x.half() for x in maps]
        partial = self.path.with_suffix(f".{os.getpid()}.partial")
        with open(partial, "wb") as file:
            np.save(file, np.concatenate([x.numpy().ravel() for x in self.maps]))
        partial.replace(self.path)


def features_of(encoder, images, batch):
    """The encoder's maps of a batch; only what is not kept is computed."""
    if batch[0].cache is None:
        return encoder(images)
    new = [row for row, sample in enumerate(batch) if sample.cache.maps is None]
    if new:
        maps = encoder(images[new])
        for i, row in enumerate(new):
            batch[row].cache.keep([x[i] for x in maps])
    return [
        torch.stack([x.to(images.device).float() for x in maps])
        for maps in zip(*(sample.cache.maps for sample in batch))
    ]


def inputs(batch, device):
    images = torch.stack([sample.image for sample in batch]).to(device).float()
    prompts = torch.stack([sample.prompt for sample in batch]).to(device).float()[..., None]
    mean, std = (torch.tensor(values, device=device) for values in (PIXEL_MEAN, PIXEL_STD))
    images = (images - mean) / std
    for image, sample in zip(images, batch):
        # As at inference, the padding is zero after normalisation.
        image[sample.filled[1] :] = 0.0
        image[:, sample.filled[0] :] = 0.0
    return images, prompts


def moved(sample, device):
    for target in sample.targets.values():
        for name in ("masks", "centres", "objectness", "known"):
            setattr(target, name, getattr(target, name).to(device))
    sample.points = sample.points.to(device)
    sample.links = {name: link.to(device) for name, link in sample.links.items()}
    return sample
