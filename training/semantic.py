"""Trains the semantic head on kept maps; see README.md.

Stops after --seconds or --steps; the same command resumes it.
"""

import argparse
import json
import math
import time
from pathlib import Path

import torch
from safetensors.torch import save_file

from aims.semantic import PREFIX, SemanticConfig, SemanticHead
from data import classes, maps, records
from data.class_targets import ClassTargets, Vocabulary, losses
from data.pools import fold_of, is_aside
from data.standard import Standard
from learning import Learning

CACHE = Path.home() / ".cache/aims-web"
MEASURED = 100  # photos whose maps give the units in which the head reads them


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, default=Path(__file__).parent / "configs/scene.json")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--maps", type=Path, default=CACHE / "maps")
    parser.add_argument("--targets", type=Path, default=CACHE / "class-targets")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--with-aside", action="store_true", help="learns from the photos kept aside as well"
    )
    parser.add_argument(
        "--folds",
        type=int,
        default=1,
        help="divides the photos into this many parts; with more than one, --without names the "
        "part that this head does not learn from, so that what it says there is like what it says "
        "of new photos",
    )
    parser.add_argument("--without", type=int, default=0, help="number of a part, from 0")
    parser.add_argument(
        "--begin-with", type=Path, help="head of the same sizes whose weights a new run begins with"
    )
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--fine", type=int, default=64)
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--batch", type=int, default=2, help="photos in each step")
    parser.add_argument("--seconds", type=float, default=math.inf)
    parser.add_argument("--rate", type=float, default=6e-4)
    parser.add_argument("--drop", type=float, default=0.1, help="share of dropped channels")
    parser.add_argument("--half", action="store_true", help="multiplies in bfloat16")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


class Photos:
    """The photos of one entry of the config."""

    def __init__(self, options, entry, split, wanted):
        self.options, self.weight = options, entry.get("weight", 1.0)
        self.records = [
            record
            for record in records.pool(options.data, entry, split)[0]
            if record.masks
            and wanted(record.photo)
            and maps.place(options.maps, record.image).exists()
        ]

    def load(self, record):
        kept = maps.Maps.load(maps.place(self.options.maps, record.image))
        path = maps.place(self.options.targets, record.image)
        if not path.exists():
            ClassTargets.of(record, kept.size).save(path)
        return kept.semantic, ClassTargets.load(path)


def units(options, pools):
    """The `Standard` of a run; it is measured once, so that a resumed run has the same one."""
    path = options.out / "units.pt"
    if not path.exists():
        records = [record for pool in pools for record in pool.records]
        some = records[:: -(-len(records) // MEASURED)]
        maps_of = lambda record: maps.Maps.load(maps.place(options.maps, record.image)).semantic
        torch.save(vars(Standard.of(maps_of(record) for record in some)), path)
    return Standard(**torch.load(path))


def described(config, entities):
    """What belongs under `semantic` in the manifest, besides how many segments are refined."""
    sizes = {"width": config.width, "fine": config.fine, "blocks": config.blocks}
    unions = [[classes.PARTS[number] for number in union] for union in classes.unions()]
    return sizes | {"parts": classes.PARTS, "unions": unions, "entities": entities}


def main():
    options = arguments()
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    options.out.mkdir(parents=True, exist_ok=True)
    config = json.loads(options.config.read_text())
    config["sets"] = [entry for entry in config["sets"] if entry["name"] != "bsds500"]
    left_out = lambda image: options.folds > 1 and fold_of(image, options.folds) == options.without
    wanted = lambda image: (
        (options.with_aside or not is_aside(image, config["aside"])) and not left_out(image)
    )
    names = list(dict.fromkeys(entry["name"] for entry in config["sets"]))
    entities = classes.vocabulary(records.load(options.data, names, "train")[0])
    vocabulary = Vocabulary(entities)

    def look():
        pools = [Photos(options, entry, "train", wanted) for entry in config["sets"]]
        return [pool for pool in pools if pool.records]

    pools = look()
    standard = units(options, pools)
    some = maps.Maps.load(maps.place(options.maps, pools[0].records[0].image))
    network = SemanticHead(
        SemanticConfig(
            *vocabulary.counts,
            unions=(classes.unions(), ()),
            width=options.width,
            fine=options.fine,
            efficient=tuple(x.shape[-1] for x in some.efficient) or (0, 0),
        )
    )
    if options.begin_with:
        begun = SemanticHead.read(options.begin_with).state_dict()
        network.load_state_dict(standard.unfolded(begun))
    run = Learning(network, options)
    log = open(options.out / "log.jsonl", "a")

    def save():
        run.save()
        facts = {"config": network.config.as_dict()}
        facts |= {"step": run.step, "seconds": round(run.seconds)}
        plain = standard.folded(run.average).items()
        weights = {f"{PREFIX}{name}": x.half().contiguous() for name, x in plain}
        save_file(weights, options.out / "best.safetensors", {"semantic": json.dumps(facts)})
        entry = described(network.config, entities)
        options.out.joinpath("manifest.json").write_text(json.dumps(entry))

    def learn(pool, record, rng):
        """The loss of a photo, mirrored or not, with some channels of its maps dropped."""
        features, kept = pool.load(record)
        features = standard(features)
        mirrored = rng.random() < 0.5
        target = vocabulary.target(record, kept, mirrored)
        rows, columns = kept.owner.shape[1:]
        keep = lambda x: torch.nn.functional.dropout(torch.ones(x.shape[-1]), options.drop)
        if mirrored:
            features = [x.flip(1) for x in features]
        with torch.autocast("cpu", torch.bfloat16, enabled=options.half):
            logits = network([x * keep(x) for x in features])
        # The input shows the photo at its left, and once it is mirrored at its right.
        logits = logits[:rows, -columns:] if mirrored else logits[:rows, :columns]
        return losses(logits, target)

    start, before, sums = time.time(), run.seconds, {}
    print({"photos": sum(len(pool.records) for pool in pools)}, flush=True)
    while run.step < options.steps and time.time() - start < options.seconds:
        with run.update() as rng:
            for _ in range(options.batch):
                (pool,) = rng.choices(pools, [pool.weight for pool in pools])
                loss, parts = learn(pool, rng.choice(pool.records), rng)
                if loss is None:
                    continue
                (loss / options.batch).backward()
                for name, value in parts.items():
                    sums.setdefault(name, []).append(float(value.detach()))
        run.seconds = before + time.time() - start
        if run.step % 100 == 0:
            row = {name: round(sum(x) / len(x), 4) for name, x in sorted(sums.items())}
            row = {"step": run.step, "seconds": round(run.seconds, 1), **row}
            log.write(json.dumps(row) + "\n")
            log.flush()
            sums = {}
        if run.step % 500 == 0:
            save()
            pools = look()
    save()


if __name__ == "__main__":
    main()
