"""Trains the AIMS head, and the encoder where asked; see README.md. Stops after --seconds and goes on with the same command."""

import argparse
import contextlib
import json
import math
import os
import time
from pathlib import Path

import numpy as np
import torch

from aims import checkpoint, losses
from aims.config import EMBED_DIM, LEVELS, PIXEL_MEAN, PIXEL_STD, PRESETS, STAGES
from aims.measure import Measure
from aims.model import Network
from aims.postprocess import masks_of
from data import records, samples
from data.compose import Composer

WARMUP = 200
EMA = 0.998
# Stride and channels of the encoder's maps.
FEATURES = (*zip((4, 8, 16), (STAGES[0].channels, STAGES[1].channels, STAGES[3].channels)), (16, EMBED_DIM))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, default=Path(__file__).parent / "configs" / "all.json", help="which sets")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the labelled photos")
    parser.add_argument("--preset", choices=PRESETS, default="tiny")
    parser.add_argument("--encoder", type=Path, required=True, help="float32 model file with MobileSAM's encoder")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--size", type=int, default=512, help="side of the input, a multiple of 64")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--steps", type=int, default=20000, help="of the whole schedule")
    parser.add_argument("--decay", type=int, default=2000, help="of the last steps the rate falls to zero")
    parser.add_argument("--seconds", type=float, default=math.inf, help="of this run")
    parser.add_argument("--rate", type=float, default=4e-4)
    parser.add_argument("--encoder-rate", type=float, default=0.0, help="0 freezes the encoder")
    parser.add_argument("--views", type=int, default=0, help="with a frozen encoder: so many views, whose features are kept")
    parser.add_argument("--cache", type=Path, help="folder for these features, some 4 MB each at 512")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--validate-every", type=float, default=600.0, help="seconds")
    parser.add_argument("--validation-images", type=int, default=48)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


class Samples(torch.utils.data.IterableDataset):
    """Endless samples; sets are drawn by their weights, records of a set at random."""

    def __init__(self, config, options, seed):
        self.config, self.options, self.seed = config, options, seed

    def __iter__(self):
        worker = torch.utils.data.get_worker_info()
        rng = samples.seeded(self.seed, worker.id if worker else 0)
        options = self.options
        pools = [records.load(options.data, [entry["name"]], "train") for entry in self.config["sets"]]
        weights = [entry["weight"] for entry in self.config["sets"]]
        composer = Composer(pools)
        while True:
            cache, view_rng = None, rng
            if options.views:
                number = rng.randrange(options.views)
                cache, view_rng = options.cache / f"{number}.npy", samples.seeded("view", options.seed, number)
            if view_rng.random() < self.config["composed"]:
                record, photos = composer.scene(view_rng)
            else:
                pool, photos = view_rng.choices(pools, weights)[0]
                record = view_rng.choice(pool)
            sample = samples.sample(record, photos, options.size, samples.choose_kind(rng), rng, view_rng=view_rng)
            sample.cache = cache and Features(cache, options.size)
            yield sample


class Features:
    """What the frozen encoder makes of one view, kept in a file of 16-bit numbers."""

    def __init__(self, path, size):
        self.path, self.shapes = path, [(size // stride, size // stride, channels) for stride, channels in FEATURES]
        self.maps = None
        if path.exists():
            ends = np.cumsum([np.prod(shape) for shape in self.shapes])
            parts = np.split(np.load(path), ends[:-1])
            self.maps = [torch.from_numpy(part.reshape(shape)) for part, shape in zip(parts, self.shapes)]

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
    return [torch.stack([x.to(images.device).float() for x in maps]) for maps in zip(*(sample.cache.maps for sample in batch))]


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
        for name in ("masks", "middles", "heat", "known"):
            setattr(target, name, getattr(target, name).to(device))
    sample.links = {name: link.to(device) for name, link in sample.links.items()}
    return sample


def hints_of(batch, device, limit):
    """A token of every mask, so that the decoders always have something to work on: mostly its middle."""
    result = {}
    for level, count in zip(LEVELS, limit):
        most = min(count, max(1, max(len(sample.targets[level].middles) for sample in batch)))
        hints = torch.full((len(batch), most), -1, device=device)
        for row, sample in enumerate(batch):
            middles = sample.targets[level].middles[:most]
            hints[row, : len(middles)] = middles
        result[level] = hints
    return result


@torch.no_grad()
def validate(network, config, options):
    """By level, on full images; and parts prompted with their true entity."""
    network.eval()
    found = {name: Measure() for name in (*LEVELS, "part of entity")}
    for entry in config["sets"]:
        pool, photos = records.load(options.data, [entry["name"]], "val")
        step = max(1, len(pool) * len(config["sets"]) // options.validation_images)
        for record in pool[::step]:
            for kind in ("full", "entity"):
                sample = samples.sample(record, photos, options.size, kind, samples.seeded(record.image), augment=False)
                if kind == "entity" and bool(sample.prompt.all()):
                    continue
                image, prompt = inputs([sample], options.device)
                predicted = masks_of(network(image, prompt), 0)
                for level in LEVELS if kind == "full" else ("part",):
                    target = sample.targets[level]
                    masks, scores, _ = predicted[level]
                    name = level if kind == "full" else "part of entity"
                    found[name].add(masks.cpu(), scores.cpu(), target.masks, target.known)
    network.train()
    return {
        name: {"AR": measure.recall(), "AP": measure.precision(), "IoU": measure.best_iou(), "masks": measure.targets}
        for name, measure in found.items()
    }


class Run:
    """Everything that a checkpoint holds."""

    def __init__(self, options):
        self.options = options
        torch.manual_seed(options.seed)
        self.network = Network(PRESETS[options.preset]).to(options.device)
        checkpoint.load_encoder(self.network, options.encoder)
        self.network.image_encoder.requires_grad_(options.encoder_rate > 0)
        groups = [{"params": self.network.aims.parameters(), "peak": options.rate}]
        if options.encoder_rate > 0:
            groups.append({"params": self.network.image_encoder.parameters(), "peak": options.encoder_rate})
        self.optimizer = torch.optim.AdamW(groups, lr=options.rate, weight_decay=0.02)
        self.average = {name: value.detach().clone() for name, value in self.trained().items()}
        self.step, self.seconds, self.best = 0, 0.0, -1.0
        self.path = options.out / "last.pt"
        if self.path.exists():
            self.load(torch.load(self.path, map_location=options.device))

    def trained(self):
        state = self.network.state_dict()
        frozen = self.options.encoder_rate == 0
        return {name: value for name, value in state.items() if not (frozen and name.startswith("image_encoder."))}

    def load(self, state):
        self.network.load_state_dict(state["network"], strict=False)
        self.optimizer.load_state_dict(state["optimizer"])
        self.average = state["average"]
        self.step, self.seconds, self.best = state["step"], state["seconds"], state["best"]

    def save(self):
        state = {"network": self.trained(), "optimizer": self.optimizer.state_dict(), "average": self.average}
        state |= {"step": self.step, "seconds": self.seconds, "best": self.best}
        partial = self.path.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(self.path)

    @contextlib.contextmanager
    def averaged(self):
        """The network with its averaged weights, for the time being."""
        current = {name: value.clone() for name, value in self.trained().items()}
        self.network.load_state_dict(self.average, strict=False)
        yield
        self.network.load_state_dict(current, strict=False)

    def update(self, loss):
        left = self.options.steps - self.step
        factor = min(1.0, (self.step + 1) / WARMUP, left / self.options.decay)
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak"] * factor
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        keep = min(EMA, (self.step + 1) / (self.step + 10))
        for name, value in self.trained().items():
            self.average[name].lerp_(value.detach(), 1 - keep)
        self.step += 1


def main():
    options = arguments()
    options.out.mkdir(parents=True, exist_ok=True)
    if options.views:
        options.cache.mkdir(parents=True, exist_ok=True)
    config = json.loads(options.config.read_text())
    run = Run(options)
    log = open(options.out / "log.jsonl", "a")

    def note(**row):
        row = {"step": run.step, "seconds": round(run.seconds, 1), **row}
        log.write(json.dumps(row, default=str) + "\n")
        log.flush()
        print(row, flush=True)

    note(start=vars(options) | {"config": config, "machine": torch.cuda.get_device_name() if options.device == "cuda" else "CPU"})
    loader = torch.utils.data.DataLoader(
        Samples(config, options, (options.seed, run.step)), batch_size=options.batch, collate_fn=list, num_workers=options.workers
    )
    half = torch.autocast(options.device, torch.bfloat16)
    begun, before, validated, recent = time.time(), run.seconds, time.time(), []
    for batch in loader:
        batch = [moved(sample, options.device) for sample in batch]
        image, prompt = inputs(batch, options.device)
        with half:
            with torch.set_grad_enabled(options.encoder_rate > 0):
                features = features_of(run.network.image_encoder, image, batch)
            outputs = run.network.aims(features, prompt, hints_of(batch, options.device, run.network.aims.config.queries))
            loss, parts = losses.total(outputs, run.network.aims, batch, None)
        run.update(loss)
        run.seconds = before + time.time() - begun
        recent.append({name: float(value.detach()) for name, value in parts.items()} | {"loss": float(loss.detach())})
        if run.step % 50 == 0:
            names = sorted({name for row in recent for name in row})
            note(**{name: round(sum(row.get(name, 0.0) for row in recent) / len(recent), 4) for name in names})
            recent = []
        over = time.time() - begun > options.seconds or run.step >= options.steps
        if over or time.time() - validated > options.validate_every:
            with run.averaged():
                found = validate(run.network, config, options)
                note(validation=found)
                score = sum(found[name]["AR"] for name in ("part", "entity", "relation", "part of entity"))
                if score > run.best:
                    run.best = score
                    checkpoint.write(options.out / "best.safetensors", run.network.state_dict(), step=run.step, preset=options.preset, validation=found)
            run.save()
            validated = time.time()
        if over:
            break


if __name__ == "__main__":
    main()
