"""Trains the AIMS head, and the encoder if asked to; see README.md.

Stops after --seconds; the same command resumes it.
"""

import json
import math
import os
import time
from pathlib import Path

import torch
import torch.distributed as dist

from aims import checkpoint, losses
from aims.config import LEVELS
from aims.measure import Measure
from aims.postprocess import masks_of
from data import maps, records, samples
from data.samples import MASK_STRIDE
from data.stream import Samples, WholePhotos, features_of, inputs, kept_sample, moved
from options import options_for
from run import Run

SAVE_EVERY = 100  # steps


def arguments():
    parser = options_for(__doc__)
    parser.add_argument(
        "--begin-with",
        type=Path,
        help="weights of another run to begin with, such as training/weights/*-trained.safetensors",
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--batch", type=int, default=8, help="samples in each process's step")
    parser.add_argument("--processes", type=int, default=1, help="on a CPU: one for each core")
    parser.add_argument("--steps", type=int, default=20000, help="steps of the whole schedule")
    parser.add_argument(
        "--decay", type=int, default=2000, help="last steps, in which the rate falls to zero"
    )
    parser.add_argument("--seconds", type=float, default=math.inf, help="length of this run")
    parser.add_argument("--rate", type=float, default=4e-4)
    parser.add_argument("--encoder-rate", type=float, default=0.0, help="0 freezes the encoder")
    parser.add_argument(
        "--half",
        action="store_true",
        help="multiplies in 16 bits on a CPU as well; this is fast only with AVX-512 with "
        "bfloat16, or AMX",
    )
    parser.add_argument(
        "--selected",
        type=int,
        default=4,
        help="queries of a sample where the objectness is highest",
    )
    parser.add_argument(
        "--distilled",
        type=int,
        default=4,
        help="queries of a sample that learn from SAM if there is no label",
    )
    parser.add_argument(
        "--without",
        nargs="*",
        default=[],
        choices=("mask_prompts", "complementarity", "association"),
        help="modules to leave out, for ablations",
    )
    parser.add_argument(
        "--keep",
        type=float,
        default=20.0,
        help="how strongly a trained encoder is held to SAM's embedding",
    )
    parser.add_argument(
        "--views",
        type=int,
        default=0,
        help="with a frozen encoder: trains on this many views, whose features are kept",
    )
    parser.add_argument(
        "--cache", type=Path, help="folder for these features, about 4 MB each at 512"
    )
    parser.add_argument(
        "--maps",
        type=Path,
        help="folder that encode.py writes: trains on whole photos in their own shape, one after "
        "the other",
    )
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--validate-every", type=float, default=600.0, help="seconds")
    parser.add_argument("--validation-images", type=int, default=48)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


@torch.no_grad()
def validate(network, config, options):
    """The figures of each level on full images, and of parts prompted with their true entity."""
    network.eval()
    found = {name: Measure() for name in (*LEVELS, "part of entity")}
    for entry in config["sets"]:
        pool, photos = records.pool(options.data, entry, "val")
        if options.maps:
            pool = [record for record in pool if maps.place(options.maps, record.image).exists()]
        step = max(1, len(pool) * len(config["sets"]) // options.validation_images)
        for record in pool[::step]:
            for kind in ("full", "entity"):
                rng = samples.seeded(record.image)
                if options.maps:
                    sample = kept_sample(record, photos, options.maps, kind, rng)
                else:
                    sample = samples.sample(record, photos, options.size, kind, rng, augment=False)
                if kind == "entity" and bool(sample.prompt.all()):
                    continue
                image, prompt = inputs([sample], options.device)
                shown = [side // MASK_STRIDE for side in sample.filled]
                levels = LEVELS if kind == "full" else ("part",)
                features = features_of(network.image_encoder, image, [sample])
                predicted = masks_of(
                    network.aims.segment(features, network, prompt, levels), 0, shown
                )
                for level in levels:
                    target = sample.targets[level]
                    masks, scores, _ = predicted[level]
                    name = level if kind == "full" else "part of entity"
                    found[name].add(masks.cpu(), scores.cpu(), target.masks, target.known)
    network.train()
    return {
        name: {
            "AR": measure.recall(),
            "AP": measure.precision(),
            "IoU": measure.best_iou(),
            "masks": measure.targets,
        }
        for name, measure in found.items()
    }


def losses_of(run, batch, options):
    """The loss of samples of one shape, and its parts by name."""
    image, prompt = inputs(batch, options.device)
    encoder = run.network.prompt_encoder
    with torch.set_grad_enabled(options.encoder_rate > 0):
        features = features_of(run.network.image_encoder, image, batch)
    # The features that SAM's mask decoder was trained with.
    original = features if run.original is None else run.original(image)
    points = torch.stack([sample.points for sample in batch])
    outputs = run.network.aims(features, run.network, prompt, points, options.selected)
    order = list(run.network.aims.config.nested)

    def nested(points, queries):
        if outputs.nested is None:
            return run.teacher.nested(encoder, original[-1], points, order)
        # The side decoder's pass has given SAM's masks already.
        logits, quality, _ = (
            x[:, queries[0]][:, :, [token - 1 for token in order]] for x in outputs.nested
        )
        return logits, quality

    teacher_masks = (
        losses.distillation_for(outputs, batch, nested, options.distilled)
        if options.distilled
        else None
    )
    loss, parts = losses.total(outputs, batch, teacher_masks)
    if run.original is not None:
        parts["embedding"] = losses.embedding_loss(features[-1], original[-1])
        loss = loss + options.keep * parts["embedding"]
    return loss, parts


def train(rank, options):
    """Runs one process; the first one also validates, logs and saves."""
    config = json.loads(options.config.read_text())
    if options.processes > 1:
        torch.set_num_threads(1)
        # torchrun says where the processes meet.
        address = (
            "env://"
            if dist.is_torchelastic_launched()
            else f"file://{(options.out / 'meeting').absolute()}"
        )
        dist.init_process_group(
            "gloo", init_method=address, rank=rank, world_size=options.processes
        )
    run = Run(options)
    if options.processes > 1:
        run.follow_the_first()
    log = open(options.out / "log.jsonl", "a")

    def note(**row):
        row = {"step": run.step, "seconds": round(run.seconds, 1), **row}
        if rank == 0:
            log.write(json.dumps(row, default=str) + "\n")
            log.flush()
            print(row, flush=True)

    note(
        start=vars(options)
        | {
            "config": config,
            "machine": torch.cuda.get_device_name() if options.device == "cuda" else "CPU",
        }
    )
    views = [
        (("view", options.seed, number), options.cache / f"{number}.npy")
        for number in range(options.views)
    ]
    seed, prompts = (options.seed, run.step, rank), "mask_prompts" not in options.without
    if options.maps:
        stream = WholePhotos(config, options.data, options.maps, seed, prompts)
    else:
        stream = Samples(config, options.data, options.size, seed, views, prompts)
    loader = torch.utils.data.DataLoader(
        stream, batch_size=options.batch, collate_fn=list, num_workers=options.workers
    )
    half = torch.autocast(
        options.device, torch.bfloat16, enabled=options.half or options.device == "cuda"
    )
    begun, before, validated, recent = time.time(), run.seconds, time.time(), []

    def loss_of(batch):
        batch = [moved(sample, options.device) for sample in batch]
        with half:
            loss, parts = losses_of(run, batch, options)
        recent.append(
            {name: float(value.detach()) for name, value in parts.items()}
            | {"loss": float(loss.detach())}
        )
        return loss

    for batch in loader:
        # Whole photos have different shapes, so each is computed by itself.
        run.update(map(loss_of, [[sample] for sample in batch] if options.maps else [batch]))
        run.seconds = before + time.time() - begun
        if run.step % 50 == 0 and recent:
            names = sorted({name for row in recent for name in row})
            note(
                **{
                    name: round(sum(row.get(name, 0.0) for row in recent) / len(recent), 4)
                    for name in names
                }
            )
            recent = []
        over = agreed(time.time() - begun > options.seconds or run.step >= options.steps, options)
        if rank > 0:
            if over:
                break
            continue
        if over or time.time() - validated > options.validate_every:
            with run.averaged(), half:
                found = validate(run.network, config, options)
                note(validation=found)
                score = sum(
                    found[name]["AR"] for name in ("part", "entity", "relation", "part of entity")
                )
                if score > run.best:
                    run.best = score
                    checkpoint.write(
                        options.out / "best.safetensors",
                        run.network.state_dict(),
                        step=run.step,
                        preset=options.preset,
                        validation=found,
                    )
            validated = time.time()
        if over or run.step % SAVE_EVERY == 0:
            run.save()
        if over:
            break


def agreed(over, options):
    """Whether the first process is done; the others follow it."""
    if options.processes == 1:
        return over
    flag = torch.tensor([over])
    dist.broadcast(flag, 0)
    return bool(flag)


def main():
    options = arguments()
    options.out.mkdir(parents=True, exist_ok=True)
    if options.views:
        options.cache.mkdir(parents=True, exist_ok=True)
    (options.out / "meeting").unlink(missing_ok=True)
    if dist.is_torchelastic_launched():
        options.processes = int(os.environ["WORLD_SIZE"])
        train(int(os.environ["RANK"]), options)
    elif options.processes == 1:
        train(0, options)
    else:
        torch.multiprocessing.spawn(train, (options,), nprocs=options.processes)


if __name__ == "__main__":
    main()
