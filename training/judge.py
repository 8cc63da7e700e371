"""Measures a scene head on labelled photos, and tunes its settings on photos kept aside.

See README.md.
"""

import argparse
import dataclasses
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from aims.judge import LIMIT, THRESHOLDS, interval, judge, matched, precision, recall
from aims.reliability import calibration_error
from aims.scene import LEVELS, SceneConfig, SceneHead
from aims.scene_masks import Choice, Pick, choose, expected, scores
from data import pools as photo_pools
from data.answers import fitted
from data.candidates import Candidates, packed, place, words
from data.clicks import meant
from data.scenes import by_click

CACHE = Path.home() / ".cache/aims-web"
# The prefix of the head's tensors in the model file.
PREFIX = "scene."
# The values that are tried, one setting after the other.
TRIED = {
    "chosen": (0.0, 0.25, 0.5, 0.75, 1.0),
    "iou": (0.5, 1.0, 1.5, 2.0),
    "same": (0.0, 0.5, 0.8, 1.0),
    "visible": (0.3, 0.4, 0.5, 0.6, 0.7),
    "hidden": (0.0, 0.5, 1.0, 2.0),
    "floor": (0.01, 0.02, 0.03, 0.05),
}
PICKS = {
    "chosen": (0.0, 0.25, 0.5, 0.75, 1.0),
    "iou": (0.0, 0.5, 1.0, 2.0),
    "part": (0.5, 0.7, 0.85, 1.0, 1.2, 1.5),
    "quality": (0.0, 0.5, 1.0, 2.0, 4.0),
}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "head",
        type=Path,
        help="best.safetensors of a run, or training/weights/aims-base-scene.safetensors",
    )
    parser.add_argument("--config", type=Path, default=Path(__file__).parent / "configs/scene.json")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--candidates", type=Path, default=CACHE / "candidates")
    parser.add_argument(
        "--clicks",
        type=Path,
        help="folder that candidates.py --clicks writes, to judge which answer to a click is taken",
    )
    parser.add_argument(
        "--tune",
        type=Path,
        help="tunes settings on photos kept aside, and writes the head with them to this file",
    )
    parser.add_argument(
        "--like", type=Path, help="head whose settings this one takes over; --out gets the result"
    )
    parser.add_argument("--out", type=Path)
    parser.add_argument("--draws", type=int, default=1000, help="draws of photos for the intervals")
    return parser.parse_args()


def read(path):
    """The head, its settings by level, and the facts that are stored with it."""
    with safe_open(path, "pt") as file:
        facts = json.loads(file.metadata()["training"])
    head = SceneHead(SceneConfig(**facts["config"]))
    head.load_state_dict(
        {name.removeprefix(PREFIX): value.float() for name, value in load_file(path).items()}
    )
    choices = {level: Choice(**facts.get("choice", {}).get(level, {})) for level in LEVELS}
    return head.eval(), choices, facts


def asked(record, level, cells):
    """The masks to find, those to ignore, and where a mask without counterpart is wrong.

    The last one is None if such a mask is wrong everywhere. All have the size of the candidates'
    masks. `cells` are the record's masks at this size, [masks, rows, columns].
    """
    masks = record.masks
    some = lambda wanted: cells[[i for i, mask in enumerate(masks) if wanted(mask)]]
    exact = some(lambda mask: mask.level == level and mask.is_exact)
    # Nobody knows the level of a region.
    ignored = some(
        lambda mask: (
            mask.crowd
            or (mask.approx and mask.level == level)
            or (level == "entity" and mask.level == "region")
        )
    )
    opened = {mask.parent for mask in masks if mask.level == "part"} - {None}
    judged = cells[list(opened)].any(0) if level == "part" and opened else None
    if level == "entity":
        judged = cells.any(0)
    return exact, ignored, judged


class Truth:
    """The labels of a photo, in 64-bit words at the size of the candidates' masks.

    It is kept while different settings are tried.
    """

    def __init__(self, photo, level, folder):
        self.photo, self.level = photo, level
        pixels, self.words = photo_pools.bits(photo, folder)
        rows, columns = pixels.shape[1:]
        cells = np.stack([fitted(mask.pixels(), columns, rows) for mask in photo.record.masks])
        exact, ignored, judged = asked(photo.record, level, cells)
        self.exact, self.ignored = (words(packed(x)) for x in (exact, ignored))
        self.judged = None if judged is None else words(packed(judged[None]))[0]

    def judge(self, output, choice):
        rows, values = choose(output, LEVELS.index(self.level), self.words, choice)
        taken, found = np.zeros_like(self.words[0]), []
        for row in rows:
            found.append(self.words[row] & ~taken)
            taken |= self.words[row]
        found = np.array(found).reshape(-1, len(taken))
        return judge(found, values, self.exact, self.ignored, self.judged)


def quick(output, photo, level):
    """Judges a photo without its pixels.

    Masks may overlap, the best come first, and a mask that better ones mostly cover is left out.
    """
    level = LEVELS.index(level)
    values, within, kept = scores(output, level, Choice()), photo.scene.within.numpy(), []
    for i in np.argsort(-values, kind="stable")[: 3 * LIMIT]:
        if len(kept) < LIMIT and within[i, kept].sum() < 0.5:
            kept.append(i)
    overlap, known = (
        photo.target.overlap[level].numpy()[kept],
        photo.target.known[:, level].numpy()[kept],
    )
    return matched(overlap, values[kept], np.where(known > 0, 0.0, 1.0))


@torch.no_grad()
def overview(head, pools):
    """Quick figures of each set, and the mean AP."""
    found = {}
    for name, pool in pools.items():
        photos = [quick(head(photo.scene), photo, pool.level) for photo in pool.photos]
        found[name] = {
            "AP": round(precision(photos), 2),
            "AR": round(recall(photos), 2),
            "photos": len(photos),
        }
    return found | {"mean": round(float(np.mean([row["AP"] for row in found.values()])), 3)}


@torch.no_grad()
def prepared(head, pools, folder):
    return {
        name: [(head(photo.scene), Truth(photo, pool.level, folder)) for photo in pool.photos]
        for name, pool in pools.items()
    }


def figures(known, level, choice):
    """The mean of AP and AR over the sets that are judged at a level."""
    found = []
    for photos in known.values():
        if photos[0][1].level == level:
            judged = [truth.judge(output, choice) for output, truth in photos]
            found.append((precision(judged) + recall(judged)) / 2)
    return float(np.mean(found))


def tuned(known, level):
    """The best settings of a level, and their score."""
    return improved(Choice(), TRIED, lambda choice: figures(known, level, choice))


def improved(settings, tried, score):
    """Finds the settings with the highest score, one setting after the other, twice.

    Returns them and their score.
    """
    best = score(settings)
    for _ in range(2):
        for name, values in tried.items():
            for value in values:
                other = dataclasses.replace(settings, **{name: value})
                if other != settings and (found := score(other)) > best + 1e-9:
                    best, settings = found, other
    return settings, round(best, 2)


class Clicked(NamedTuple):
    """The answers to one click.

    They have the IoU with what is meant, SAM's predicted IoU, and what the head says ([answers, 3]
    each).
    """

    iou: np.ndarray
    quality: np.ndarray
    chosen: np.ndarray
    level: np.ndarray
    expected: np.ndarray

    @classmethod
    def of(cls, head, click, scene, target):
        output = head(scene)
        sigmoid = lambda x: x.sigmoid().double().numpy()
        iou = target.overlap[click.level][:, click.number].numpy()
        return cls(iou, scene.own[:, 0].numpy(), *map(sigmoid, output[:3]))

    def reached(self, answer):
        return float((self.iou[answer] >= THRESHOLDS).mean())

    def value(self, pick):
        """The value of each answer, as a part or as an entity."""
        value = expected(self.chosen, self.level, self.expected, pick)
        return np.maximum(value[:, 0] * pick.part, value[:, 1]) * self.quality**pick.quality

    def picked(self, pick):
        return self.reached(int(self.value(pick).argmax()))


@torch.no_grad()
def clicked(head, config, options, part):
    """The clicks that have an answer, by set and photo."""
    pools, found = photo_pools.judged(config, options.data, options.clicks, part), {}
    for name, pool in pools.items():
        found[name] = []
        for photo in pool.photos:
            size = Candidates.load(place(options.clicks, photo.record.image)).size
            targets = meant(photo.record, size)
            answers = dict(
                zip(photo.scene.point.unique().tolist(), by_click(photo.scene, photo.target))
            )
            found[name].append(
                [Clicked.of(head, targets[point], *answer) for point, answer in answers.items()]
            )
    return found


def mean_of(photos, value):
    """The mean over all clicks, in percent."""
    return 100 * float(np.mean([value(click) for photo in photos for click in photo]))


def tuned_pick(found):
    """The settings with the best mean over all sets, and this mean."""
    score = lambda pick: float(
        np.mean([mean_of(photos, lambda click: click.picked(pick)) for photos in found.values()])
    )
    return improved(Pick(), PICKS, score)


def report_clicks(head, config, options, pick):
    for name, photos in clicked(head, config, options, "val").items():
        row = {
            "set": name,
            "clicks": sum(map(len, photos)),
            "photos": len(photos),
            "picked": mean_of(photos, lambda click: click.picked(pick)),
        }
        row["by predicted IoU"] = mean_of(
            photos, lambda click: click.reached(int(click.quality.argmax()))
        )
        row["best"] = mean_of(photos, lambda click: click.reached(int(click.iou.argmax())))
        print(
            json.dumps({key: round(x, 1) if isinstance(x, float) else x for key, x in row.items()}),
            flush=True,
        )


def main():
    options = arguments()
    torch.set_num_threads(1)
    config = json.loads(options.config.read_text())
    head, choices, facts = read(options.head)
    if options.tune:
        known = prepared(
            head,
            photo_pools.judged(config, options.data, options.candidates, "aside"),
            options.candidates,
        )
        levels = {photos[0][1].level for photos in known.values()}
        found = {level: tuned(known, level) for level in sorted(levels)}
        print(
            json.dumps(
                {
                    "tuned": {
                        level: [choice.as_dict(), best] for level, (choice, best) in found.items()
                    }
                }
            ),
            flush=True,
        )
        choices |= {level: choice for level, (choice, _) in found.items()}
        facts["choice"] = {level: choice.as_dict() for level, choice in choices.items()}
        if options.clicks:
            pick, best = tuned_pick(clicked(head, config, options, "aside"))
            print(json.dumps({"tuned": {"pick": [pick.as_dict(), best]}}), flush=True)
            facts["pick"] = pick.as_dict()
        save_file(load_file(options.head), options.tune, {"training": json.dumps(facts)})
    if options.like:
        _, choices, other = read(options.like)
        facts |= {name: other[name] for name in ("choice", "pick") if name in other}
        save_file(load_file(options.head), options.out, {"training": json.dumps(facts)})
    known = prepared(
        head,
        photo_pools.judged(config, options.data, options.candidates, "val"),
        options.candidates,
    )
    for name, photos in known.items():
        level = photos[0][1].level
        judged = [truth.judge(output, choices[level]) for output, truth in photos]
        row = {
            "set": name,
            "level": level,
            "photos": len(judged),
            "masks": sum(photo.targets for photo in judged),
        }
        row |= {
            "AP": interval(judged, precision, options.draws),
            "AR": interval(judged, recall, options.draws),
        }
        row["AP50"] = round(precision(judged, slice(0, 1)), 1)
        row["oracle"] = round(oracle(photos), 1)
        row["calibration error"] = {
            name: round(error, 1) for name, error in calibration(photos).items()
        }
        print(json.dumps(row), flush=True)
    if options.clicks:
        report_clicks(head, config, options, Pick(**facts.get("pick", {})))


def calibration(photos):
    """The calibration errors of the level's probability and of the expected IoU, in percent.

    The probability is compared with how often a candidate is a labelled mask of the level (IoU
    0.5), and the expected IoU with the true one. Candidates about which labels say nothing do not
    count.
    """
    level, columns = LEVELS.index(photos[0][1].level), []
    for output, truth in photos:
        target = truth.photo.target
        best = (
            target.overlap[level].amax(1)
            if target.overlap[level].shape[1]
            else torch.zeros(len(target.known))
        )
        weight = torch.maximum(target.known[:, level], (best >= 0.5).float())
        columns.append(
            torch.stack(
                [output.level[:, level].sigmoid(), output.iou[:, level].sigmoid(), best, weight]
            )
        )
    output, expected_iou, iou, weight = torch.cat(columns, 1).double().numpy()
    return {
        "level": calibration_error(output, iou >= 0.5, weight),
        "IoU": calibration_error(expected_iou, iou, weight),
    }


def oracle(photos):
    """The AR of the candidates that are nearest to each labelled mask.

    A choice can exceed it only because masks paint over one another.
    """
    best = [truth.photo.target.overlap[LEVELS.index(truth.level)].amax(0) for _, truth in photos]
    best = torch.cat(best)
    return 100 * float((best[:, None] >= torch.from_numpy(THRESHOLDS)).float().mean())


if __name__ == "__main__":
    main()
