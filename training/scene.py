"""Trains the scene head on kept candidates; see README.md.

Stops after --seconds; the same command resumes it.
"""

import argparse
import json
import math
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from aims.scene import SceneConfig, SceneHead
from aims.scene_losses import total
from data import pools as photo_pools
from data.scenes import by_click, jittered, varied
from judge import PREFIX, overview, read
from learning import Learning

CACHE = Path.home() / ".cache/aims-web"
SOURCES = ("deep", "efficient", "classes")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--config",
        type=Path,
        default=Path(__file__).parent / "configs/scene.json",
        help="config with the sets and their weights",
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument(
        "--candidates",
        type=Path,
        default=CACHE / "candidates",
        help="folder that candidates.py writes",
    )
    parser.add_argument("--clicks", type=Path, help="folder that candidates.py --clicks writes")
    parser.add_argument(
        "--click-share",
        type=float,
        default=0.3,
        help="share of all photos that are clicked, if there are clicks",
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--begin-with",
        type=Path,
        help="head whose weights a new run begins with, of the same sizes",
    )
    parser.add_argument("--only", nargs="*", help="names of the only sets to use")
    parser.add_argument(
        "--with-aside",
        action="store_true",
        help="learns from the photos kept aside as well, for use once settings are tuned",
    )
    parser.add_argument(
        "--steps", type=int, default=8000, help="steps of the whole schedule, of --batch photos"
    )
    parser.add_argument("--batch", type=int, default=2, help="photos in each step")
    parser.add_argument("--seconds", type=float, default=math.inf, help="length of this run")
    parser.add_argument("--rate", type=float, default=6e-4)
    parser.add_argument("--drop", type=float, default=0.1, help="dropout in the head")
    parser.add_argument(
        "--drop-candidates", type=float, default=0.4, help="largest share of dropped candidates"
    )
    parser.add_argument(
        "--layers", type=int, default=3, help="with 0, candidates do not attend to one another"
    )
    parser.add_argument(
        "--width", type=int, default=160, help="channels of a candidate, 32 for each head"
    )
    parser.add_argument(
        "--without",
        nargs="*",
        default=[],
        choices=SOURCES,
        help="leaves out the trunk's or EfficientNet's last map, or the semantic head's classes",
    )
    parser.add_argument("--validate-every", type=int, default=1000, help="steps")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def begun(options, scene):
    """A head to train that reads what is known of the candidates of `scene`."""
    torch.manual_seed(options.seed)
    width, layers = options.width, options.layers
    sizes = {"width": width, "heads": width // 32, "layers": layers}
    sizes |= {
        name: 0 if name in options.without else getattr(scene, name).shape[1] for name in SOURCES
    }
    head = SceneHead(SceneConfig(**sizes, drop=options.drop))
    if options.begin_with:
        head.load_state_dict(read(options.begin_with)[0].state_dict())
    return head


def averaged(run):
    """The head with its averaged weights."""
    head = SceneHead(run.network.config)
    head.load_state_dict(run.average)
    return head.eval()


def learn(run, photos, rng):
    """Adds the gradients of some photos, and returns the means of their losses."""
    sums = {}
    for photo, clicked in photos:
        if clicked:
            loss, parts = of_clicks(run.network, photo, rng)
        else:
            drop = run.options.drop_candidates
            scene, target = varied(photo.scene, photo.target, rng, drop)
            loss, parts = total(run.network(scene), target)
        (loss / len(photos)).backward()
        for name, value in (parts | {"loss": loss}).items():
            sums[name] = sums.get(name, 0.0) + float(value.detach()) / len(photos)
    return sums


def of_clicks(head, photo, rng):
    """Does the same as `total` for clicks: the mean over all clicks on a photo."""
    losses = [
        total(head(jittered(scene, rng)), target)[0]
        for scene, target in by_click(photo.scene, photo.target)
    ]
    loss = sum(losses) / len(losses)
    return loss, {"clicks": loss}


def write(path, head, **facts):
    """Writes a plain safetensors file in 16 bits."""
    facts |= {"config": head.config.as_dict()}
    weights = {
        f"{PREFIX}{name}": value.half().contiguous() for name, value in head.state_dict().items()
    }
    save_file(weights, path, {"training": json.dumps(facts)})


def draw(pools, rng):
    """A random photo of a set that is drawn by its weight."""
    (pool,) = rng.choices(list(pools.values()), [pool.weight for pool in pools.values()])
    return rng.choice(pool.photos)


def train(run, pools, clicks, aside, note):
    options, start, before, recent = run.options, time.time(), run.seconds, []
    share = options.click_share if clicks else 0
    while run.step < options.steps and time.time() - start < options.seconds:
        with run.update() as rng:
            clicked = [rng.random() < share for _ in range(options.batch)]
            photos = [(draw(clicks if click else pools, rng), click) for click in clicked]
            recent.append(learn(run, photos, np.random.default_rng(rng.randrange(2**62))))
        run.seconds = before + time.time() - start
        if run.step % 100 == 0:
            keys = sorted({name for row in recent for name in row})
            note(
                **{
                    name: round(sum(row.get(name, 0.0) for row in recent) / len(recent), 4)
                    for name in keys
                }
            )
            recent = []
        if run.step % options.validate_every == 0 or run.step == options.steps:
            head = averaged(run)
            found = overview(head, aside)
            note(aside=found)
            # Photos that were learnt from cannot show which head is best: the last one is kept.
            if found["mean"] > run.best or options.with_aside:
                run.best = found["mean"]
                write(options.out / "best.safetensors", head, step=run.step, aside=found)
            run.save()
    run.save()


def main():
    options = arguments()
    torch.set_num_threads(1)
    options.out.mkdir(parents=True, exist_ok=True)
    config = json.loads(options.config.read_text())
    if options.only:
        config["sets"] = [entry for entry in config["sets"] if entry["name"] in options.only]
    pools = photo_pools.pools(config, options.data, options.candidates, options.with_aside)
    clicks = (
        photo_pools.pools(config, options.data, options.clicks, options.with_aside)
        if options.clicks
        else {}
    )
    aside = photo_pools.judged(config, options.data, options.candidates, "aside")
    some = next(photo for pool in pools.values() for photo in pool.photos)
    head = begun(options, some.scene)
    run = Learning(head, options)
    log = open(options.out / "log.jsonl", "a")

    def note(**row):
        log.write(
            json.dumps({"step": run.step, "seconds": round(run.seconds, 1), **row}, default=str)
            + "\n"
        )
        log.flush()

    photos = {name: len(pool.photos) for name, pool in pools.items()}
    note(
        start=vars(options),
        photos=photos,
        aside={name: len(entry.photos) for name, entry in aside.items()},
    )
    train(run, pools, clicks, aside, note)


if __name__ == "__main__":
    main()
