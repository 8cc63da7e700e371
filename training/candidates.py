"""Keeps the candidates of labelled photos on disk for the scene head; see README.md.

Resumes where it was stopped.
"""

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from aims import checkpoint
from aims.config import LEVELS, OUTPUT_TOKENS, PRESETS, manifest
from aims.grid import ManyPoints
from aims.model import Network
from aims.postprocess import stability
from aims.semantic import SEMANTIC_LEVELS, SemanticHead, segments
from data import candidates, maps, records
from data.candidates import KINDS, Candidates
from data.clicks import places_of
from data.pools import fold_of

CACHE = Path.home() / ".cache/aims-web"
BATCH = 4  # prompts; with more, the data does not fit into the processor's cache
# What is known of each mask besides its cells.
RAW = ("quality", "score", "stable", "point", "kind", "tokens")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--config",
        type=Path,
        default=Path(__file__).parent / "configs/scene.json",
        help="config with the sets and their order",
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--family", choices=("aims-base", "aims-tiny"), default="aims-base")
    parser.add_argument(
        "--weights",
        type=Path,
        help="float32 weights of the family; by default those in ~/.cache/aims-web",
    )
    parser.add_argument(
        "--levels",
        type=Path,
        help="best.safetensors of train.py: takes masks of the level decoders instead of SAM's own "
        "at a grid of points",
    )
    parser.add_argument(
        "--maps",
        type=Path,
        default=CACHE / "maps",
        help="folder that encode.py writes; photos without maps are left out",
    )
    parser.add_argument("--out", type=Path, default=CACHE / "candidates")
    parser.add_argument("--grid", type=int, default=16, help="points along each side")
    parser.add_argument(
        "--clicks",
        type=int,
        help="takes all three of SAM's own masks at this many clicks on labelled masks instead",
    )
    parser.add_argument(
        "--same",
        type=float,
        default=0.9,
        help="of masks that overlap with at least this IoU, only one is kept",
    )
    parser.add_argument(
        "--stable", type=float, default=0.2, help="masks with a lower stability score are left out"
    )
    parser.add_argument(
        "--rounds", type=int, help="the most rounds of queries; by default as the manifest says"
    )
    parser.add_argument(
        "--semantic",
        type=Path,
        nargs="+",
        help="best.safetensors of semantic.py: adds the segments of this head, and describes all "
        "candidates by its classes; if more files follow, training photos take the head that was "
        "trained --without their part",
    )
    parser.add_argument(
        "--refined",
        type=int,
        default=24,
        help="the most segments of a photo whose boxes SAM is asked about",
    )
    parser.add_argument(
        "--begin-with",
        type=Path,
        help="folder with candidates that were made without --semantic, to add to",
    )
    parser.add_argument("--most", type=int, default=400, help="the most candidates of a photo")
    parser.add_argument("--images", type=int, help="the most photos of each entry of the config")
    parser.add_argument("--split", choices=("train", "val"), help="leaves out the other photos")
    parser.add_argument(
        "--half",
        action="store_true",
        help="multiplies in bfloat16, except for validation photos; faster with AMX",
    )
    parser.add_argument("--of", type=int, default=1, help="number of processes that share the work")
    parser.add_argument("--number", type=int, default=0, help="number of this process, from 0")
    return parser.parse_args()


def grid_points(columns, rows, count):
    """An even grid of points over the photo, [count², 2] in cells of the masks."""
    at = (np.arange(count) + 0.5) / count
    points = np.stack(np.meshgrid(at * columns, at * rows), -1).reshape(-1, 2)
    return torch.from_numpy(points.astype(np.float32))


def click_points(record, size, most):
    """Clicks on a photo's labelled masks, [clicks, 2] in cells of the masks."""
    return torch.tensor(places_of(record, size, most), dtype=torch.float32).view(-1, 2) + 0.5


class Found:
    """Collects masks and what the decoder says about them."""

    def __init__(self, columns, rows):
        self.columns, self.rows, self.some = columns, rows, []

    def add(self, logits, quality, score, tokens, kind, point):
        """Adds k masks: logits [k, height, width], tokens [k, 256], the others [k]."""
        logits = logits[:, : self.rows, : self.columns]
        inside = logits > 0
        logits, quality, score = logits.float(), quality.float(), score.float()
        row = (
            candidates.packed(inside.numpy()),
            inside.sum((1, 2)),
            stability(logits),
            quality,
            score,
            tokens.half(),
            kind.byte(),
            point.short(),
        )
        self.some.append([np.asarray(x) for x in row])

    def all(self):
        """The bits of all masks, and the other arrays by name."""
        bits, *others = (np.concatenate(x) for x in zip(*self.some))
        return bits, dict(
            zip(("area", "stable", "quality", "score", "tokens", "kind", "point"), others)
        )


def ask_sam(sam, encoded, columns, rows, points):
    """SAM's three nested masks at each point; points are in 0..1 of the input's longer side."""
    found, decoder, first = Found(columns, rows), ManyPoints(sam, encoded), 0
    for some in points.split(BATCH):
        logits, quality, tokens = (x.flatten(0, 1) for x in decoder.nested(some))
        number = torch.arange(len(logits))
        found.add(logits, quality, quality, tokens, number % 3, first + number // 3)
        first += len(some)
    return found.all()


def ask_levels(network, features, columns, rows):
    """The masks of all levels at the points that the level decoders choose.

    If there is a side decoder, SAM's nested masks at these points are included.
    """
    outputs, found = network.aims.segment(features, network), Found(columns, rows)
    queries = network.aims.config.round_queries
    for level in LEVELS:
        said = outputs.predictions[level]
        kinds = torch.tensor(
            [KINDS.index(token) for token, of in OUTPUT_TOKENS.items() if of == level]
        )
        number = torch.arange(said.score.shape[1])
        # In each round, the first readings of all queries come first, then the second ones.
        turn, place = number // queries, number % queries
        kind, point = kinds[turn % len(kinds)], turn // len(kinds) * queries + place
        found.add(
            said.logits[0],
            said.quality[0].sigmoid(),
            said.score[0].sigmoid(),
            said.tokens[0],
            kind,
            point,
        )
    if outputs.nested:
        logits, quality, tokens = (x[0].flatten(0, 1) for x in outputs.nested)
        number = torch.arange(len(logits))
        found.add(logits, quality, quality, tokens, number % 3, number // 3)
    return found.all()


def ask_boxes(sam, encoded, pool, rows):
    """SAM's four masks for the box of each of these `rows` of a `Pool`."""
    columns, height = pool.size[2:]
    asked, decoder = Found(columns, height), ManyPoints(sam, encoded)
    side = 4 * max(encoded.embedding.shape[1:3])
    corners = torch.from_numpy(np.stack([corners_of(mask) for mask in pool.pixels(rows)])) / side
    for number, some in zip(torch.from_numpy(rows).split(BATCH), corners.split(BATCH)):
        logits, predicted, tokens = (x.flatten(0, 1) for x in decoder.boxes(some))
        askers = number.repeat_interleave(4).numpy()
        score, kind, point = (
            torch.from_numpy(pool.raw[name][askers]) for name in ("score", "kind", "point")
        )
        asked.add(logits, predicted, score, tokens, kind, point)
    return asked.all()


def corners_of(mask):
    """The top left and bottom right corners of a mask's box, [2, 2] in cells."""
    ys, xs = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return np.array([[xs[0], ys[0]], [xs[-1] + 1, ys[-1] + 1]], np.float32)


def of_segments(found, first):
    """The masks of `Segments` as those of a decoder; there is no token that they come from.

    `first` is the number of the first segment.
    """
    kinds = torch.tensor([KINDS.index(name) for name in SEMANTIC_LEVELS])
    raw = {
        "area": found.masks.sum((1, 2)),
        "stable": found.stable.float(),
        "quality": found.score.float(),
        "score": found.score.float(),
        "tokens": torch.zeros(len(found.masks), 256, dtype=torch.half),
        "kind": kinds[found.level].byte(),
        "point": (first + torch.arange(len(found.masks))).short(),
    }
    bits = candidates.packed(found.masks.numpy())
    return bits, {name: np.asarray(value) for name, value in raw.items()}


class Pool:
    """Masks of one photo, of which `rows` are kept, the best first; the others repeat these."""

    def __init__(self, size, options):
        self.size, self.options = size, options
        self.bits, self.raw, self.rows, self.repeats = None, {}, np.zeros(0, int), np.zeros(0)

    @classmethod
    def of(cls, found, options):
        """The pool of kept candidates."""
        pool = cls(found.size, options)
        pool.bits, pool.rows = found.masks, np.arange(len(found.masks))
        pool.raw = {name: getattr(found, name) for name in RAW}
        pool.repeats = found.repeats
        return pool

    def add(self, asked, rank):
        """Adds masks that repeat none, those with the highest `rank` first."""
        bits, raw = asked
        count = len(self.raw.get("quality", ()))
        order = np.argsort(-rank(raw), kind="stable")
        large, stable = raw["area"][order] >= candidates.FEW, raw["stable"][order]
        order = count + order[large & (stable > self.options.stable)]
        if count:
            bits = np.concatenate([self.bits, bits])
            raw = {name: np.concatenate([self.raw[name], raw[name]]) for name in RAW}
        earlier = len(self.rows)
        rows, repeats = candidates.distinct(
            bits, np.concatenate([self.rows, order]), self.options.same
        )
        # What the first masks stand for is known already.
        repeats[:earlier] += self.repeats - 1
        self.bits, self.raw = bits, raw
        self.rows, self.repeats = rows[: self.options.most], repeats[: self.options.most]

    def pixels(self, rows):
        return candidates.unpacked(self.bits[rows], *self.size[2:][::-1])

    def described(self, encoded, efficient, probabilities):
        masks = (self.size, self.bits, self.rows, self.repeats, self.raw)
        return candidates.described(*masks, encoded, efficient, probabilities)


def of_clicks(asked, size, encoded, efficient, probabilities):
    """The candidates of clicks: all masks, whatever they repeat."""
    bits, raw = asked
    large = np.flatnonzero(raw["area"] >= candidates.FEW)
    masks = (size, bits, large, np.ones(len(large), np.float32), raw)
    return candidates.described(*masks, encoded, efficient, probabilities)


def unseen(heads, record):
    """The head that has not learnt from a photo: the first, or the one of the photo's fold."""
    head, *by_fold = heads
    in_training = by_fold and record.split != "val"
    return by_fold[fold_of(record.photo, len(by_fold))] if in_training else head


class Networks:
    """The networks that a run asks."""

    def __init__(self, options):
        weights = options.weights or checkpoint.cached(options.family)
        self.options, self.levels = options, None
        if options.levels:
            config = PRESETS[options.family.removeprefix("aims-")]
            self.levels = Network(replace(config, rounds=options.rounds or config.rounds))
            checkpoint.load(self.levels, checkpoint.read(weights) | checkpoint.read(options.levels))
            self.levels.eval()
        self.sam = checkpoint.sam(manifest(options.family), weights)
        self.semantic = [SemanticHead.read(path) for path in options.semantic or ()]

    def candidates(self, record, kept):
        """The candidates of a photo, or None if it has none; `kept` has its maps."""
        options, size, encoded = self.options, kept.size, kept.encoded()
        half = options.half and record.split != "val"
        if options.begin_with:
            path = candidates.place(options.begin_with, record.image)
            if not path.exists():
                return None
            pool = Pool.of(Candidates.load(path), options)
        else:
            with torch.autocast("cpu", torch.bfloat16, enabled=half):
                asked = self.ask(record, size, encoded)
            if asked is None:
                return None
            if not options.clicks:
                pool = Pool(size, options)
                pool.add(asked, lambda raw: raw["quality"] * raw["score"] * raw["stable"])
        said = None
        if self.semantic:
            head, (columns, rows) = unseen(self.semantic, record), size[2:]
            with torch.autocast("cpu", torch.bfloat16, enabled=half):
                said = head.probabilities(kept.semantic)[:rows, :columns]
                if not options.clicks:
                    self.add_segments(pool, encoded, said, head.config)
        efficient = kept.efficient[1].float() if kept.efficient else None
        if options.clicks:
            return of_clicks(asked, size, encoded, efficient, said)
        # Overlaps are counts of cells, which 16 bits cannot hold.
        return pool.described(encoded, efficient, said)

    def add_segments(self, pool, encoded, said, config):
        """Adds the segments of a photo, and SAM's answers to the boxes of the best new ones.

        `said` are the probabilities of the classes, and `config` is the semantic head's.
        """
        first = pool.raw["point"].max() + 1
        rank = lambda raw: raw["quality"] * raw["stable"]
        pool.add(of_segments(segments(said, config), first), rank)
        new = pool.rows[pool.raw["point"][pool.rows] >= first]
        worth = pool.raw["score"][new] * pool.raw["stable"][new]
        asked = new[np.argsort(-worth, kind="stable")][: self.options.refined]
        if len(asked):
            pool.add(ask_boxes(self.sam, encoded, pool, asked), rank)

    def ask(self, record, size, encoded):
        if self.levels:
            return ask_levels(self.levels, encoded.features(), *size[2:])
        clicks, grid = self.options.clicks, self.options.grid
        points = click_points(record, size, clicks) if clicks else grid_points(*size[2:], grid)
        side = 4 * max(encoded.embedding.shape[1:3])
        return ask_sam(self.sam, encoded, *size[2:], points / side) if len(points) else None


@torch.no_grad()
def main():
    options = arguments()
    torch.set_num_threads(1)
    networks = Networks(options)
    entries = json.loads(options.config.read_text())["candidates"]
    for number, (record, _) in enumerate(records.in_order(entries, options.data, options.images)):
        path, source = (
            candidates.place(options.out, record.image),
            maps.place(options.maps, record.image),
        )
        if number % options.of != options.number or path.exists() or not source.exists():
            continue
        if options.split not in (None, record.split):
            continue
        begun = time.time()
        found = networks.candidates(record, maps.Maps.load(source))
        if found is None:
            continue
        found.save(path)
        row = {
            "image": record.image,
            "candidates": len(found.quality),
            "seconds": round(time.time() - begun, 2),
            "kilobytes": path.stat().st_size // 1000,
        }
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
