"""Trains the box head on kept maps; see README.md.

Stops after --seconds or --steps; the same command resumes it.
"""

import argparse
import json
import math
import random
import time
from pathlib import Path

import torch
from safetensors.torch import save_file

from aims.boxes import PREFIX, BoxConfig, BoxHead
from data import maps, records
from data.box_targets import BoxTargets, losses, mirrored
from data.pools import fold_of, is_aside

CACHE = Path.home() / ".cache/aims-web"
WARMUP = 200
EMA = 0.998


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, default=Path(__file__).parent / "configs/scene.json")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--maps", type=Path, default=CACHE / "maps")
    parser.add_argument("--targets", type=Path, default=CACHE / "box-targets")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--with-aside", action="store_true", help="learns from the photos kept aside as well"
    )
    parser.add_argument(
        "--folds",
        type=int,
        default=1,
        help="divides the photos into this many parts; with more than one, --without names the "
        "part that this head does not learn from, so that its boxes there are like those for new "
        "photos",
    )
    parser.add_argument("--without", type=int, default=0, help="number of a part, from 0")
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--blocks", type=int, default=3)
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
            and wanted(record.image)
            and maps.place(options.maps, record.image).exists()
        ]

    def load(self, record):
        kept = maps.Maps.load(maps.place(self.options.maps, record.image))
        features = [x.float() for x in kept.maps]
        path = maps.place(self.options.targets, record.image)
        if not path.exists():
            BoxTargets.of(record, kept.size, kept.stride8.shape[:2]).save(path)
        return features, BoxTargets.load(path)


def varied(features, target, rng, drop):
    """Mirrors a photo or not, and drops some channels of its maps."""
    if rng.random() < 0.5:
        features, target = mirrored(features, target)
    keep = lambda x: torch.nn.functional.dropout(torch.ones(x.shape[-1]), drop)
    return [x * keep(x) for x in features], target


def main():
    options = arguments()
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    options.out.mkdir(parents=True, exist_ok=True)
    config = json.loads(options.config.read_text())
    left_out = lambda image: options.folds > 1 and fold_of(image, options.folds) == options.without
    wanted = lambda image: (
        (options.with_aside or not is_aside(image, config["aside"])) and not left_out(image)
    )
    network = BoxHead(BoxConfig(width=options.width, blocks=options.blocks))
    optimizer = torch.optim.AdamW(network.parameters(), options.rate, weight_decay=0.05)
    average = {name: value.clone() for name, value in network.state_dict().items()}
    step, before, path = 0, 0.0, options.out / "last.pt"
    if path.exists():
        state = torch.load(path)
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        average, step, before = state["average"], state["step"], state["seconds"]
    log = open(options.out / "log.jsonl", "a")

    def look():
        pools = [Photos(options, entry, "train", wanted) for entry in config["sets"]]
        return [pool for pool in pools if pool.records]

    def save():
        state = {"network": network.state_dict(), "optimizer": optimizer.state_dict()}
        state |= {"average": average, "step": step, "seconds": seconds}
        torch.save(state, path.with_suffix(".partial"))
        path.with_suffix(".partial").replace(path)
        facts = {"config": network.config.as_dict(), "step": step, "seconds": round(seconds)}
        weights = {f"{PREFIX}{name}": x.half().contiguous() for name, x in average.items()}
        save_file(weights, options.out / "best.safetensors", {"boxes": json.dumps(facts)})

    pools, begun, sums = look(), time.time(), {}
    print({"photos": sum(len(pool.records) for pool in pools)}, flush=True)
    seconds = before
    while step < options.steps and time.time() - begun < options.seconds:
        rng = random.Random(f"{options.seed} {step}")
        torch.manual_seed(rng.randrange(2**62))
        rate = options.rate * min(1, (step + 1) / WARMUP)
        rate *= 0.5 + 0.5 * math.cos(math.pi * step / options.steps)
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad()
        network.train()
        for _ in range(options.batch):
            (pool,) = rng.choices(pools, [pool.weight for pool in pools])
            features, target = varied(*pool.load(rng.choice(pool.records)), rng, options.drop)
            with torch.autocast("cpu", torch.bfloat16, enabled=options.half):
                output = network(features)
            loss, parts = losses(output, target)
            (loss / options.batch).backward()
            for name, value in parts.items():
                sums.setdefault(name, []).append(float(value.detach()))
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        keep = min(EMA, (step + 1) / (step + 10))
        for name, value in network.state_dict().items():
            average[name].lerp_(value, 1 - keep)
        step += 1
        seconds = before + time.time() - begun
        if step % 100 == 0:
            row = {name: round(sum(x) / len(x), 4) for name, x in sorted(sums.items())}
            log.write(json.dumps({"step": step, "seconds": round(seconds, 1), **row}) + "\n")
            log.flush()
            sums = {}
        if step % 500 == 0:
            save()
            pools = look()
    save()


if __name__ == "__main__":
    main()
