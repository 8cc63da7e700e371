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
from data import candidates, maps, records
from data.candidates import KINDS
from data.clicks import places_of

CACHE = Path.home() / ".cache/aims-web"
BATCH = 4  # points; with more, the data does not fit into the processor's cache


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
    parser.add_argument("--most", type=int, default=400, help="the most candidates of a photo")
    parser.add_argument("--images", type=int, help="the most photos of each entry of the config")
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


def candidates_of(asked, size, encoded, options):
    bits, raw = asked
    if options.clicks:
        large = np.flatnonzero(raw["area"] >= candidates.FEW)
        return candidates.described(
            size, bits, large, np.ones(len(large), np.float32), raw, encoded
        )
    order = np.argsort(-raw["quality"] * raw["score"] * raw["stable"], kind="stable")
    order = order[(raw["area"][order] >= candidates.FEW) & (raw["stable"][order] > options.stable)]
    kept, repeats = candidates.distinct(bits, order, options.same)
    kept, repeats = kept[: options.most], repeats[: options.most]
    return candidates.described(size, bits, kept, repeats, raw, encoded)


def main():
    options = arguments()
    torch.set_num_threads(1)
    weights = options.weights or checkpoint.cached(options.family)
    if options.levels:
        config = PRESETS[options.family.removeprefix("aims-")]
        network = Network(replace(config, rounds=options.rounds or config.rounds))
        checkpoint.load(network, checkpoint.read(weights) | checkpoint.read(options.levels))
        network.eval()
    else:
        sam = checkpoint.sam(manifest(options.family), weights)
    entries = json.loads(options.config.read_text())["candidates"]
    for number, (record, _) in enumerate(records.in_order(entries, options.data, options.images)):
        path, source = (
            candidates.place(options.out, record.image),
            maps.place(options.maps, record.image),
        )
        if number % options.of != options.number or path.exists() or not source.exists():
            continue
        begun = time.time()
        kept = maps.Maps.load(source)
        size, encoded = kept.size, kept.encoded()
        with (
            torch.no_grad(),
            torch.autocast("cpu", torch.bfloat16, enabled=options.half and record.split != "val"),
        ):
            if options.levels:
                asked = ask_levels(network, encoded.features(), *size[2:])
            else:
                points = (
                    click_points(record, size, options.clicks)
                    if options.clicks
                    else grid_points(*size[2:], options.grid)
                )
                if not len(points):
                    continue
                side = 4 * max(encoded.embedding.shape[1:3])
                asked = ask_sam(sam, encoded, *size[2:], points / side)
        # Overlaps are counts of cells, which 16 bits cannot hold.
        with torch.no_grad():
            found = candidates_of(asked, size, encoded, options)
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
