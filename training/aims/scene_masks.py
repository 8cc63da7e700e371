"""Turns what the scene head says into disjoint masks, greedily by the largest expected value."""

from dataclasses import asdict, dataclass

import numpy as np


@dataclass(frozen=True)
class Choice:
    """The settings of one level.

    They are tuned on photos kept aside from training, and stored with the weights.
    """

    chosen: float = 0.5  # how much of the score is `chosen`; the rest is `level`
    iou: float = 1.0  # power of the expected IoU
    same: float = 0.5  # how much it costs to be the same thing as a mask that is already chosen
    visible: float = 0.5  # share of a mask that other masks must leave visible
    hidden: float = 1.0  # power of the visible share in the value
    floor: float = 0.05  # masks with a lower value are left out

    as_dict = asdict


@dataclass(frozen=True)
class Pick:
    """The settings that decide which answer to a click is taken."""

    chosen: float = 0.5  # how much of the value is `chosen`; the rest is `level`
    iou: float = 1.0  # power of the expected IoU
    part: float = 1.0  # the value of a part in comparison with an entity
    quality: float = 1.0  # power of SAM's predicted IoU

    as_dict = asdict


def scores(said, level, choice):
    """The values of the candidates at a level before they compete, [n]."""
    sigmoid = lambda x: x[:, level].sigmoid().numpy().astype(np.float64)
    return expected(sigmoid(said.chosen), sigmoid(said.level), sigmoid(said.iou), choice)


def expected(chosen, level, iou, settings):
    """The value of these probabilities, by the settings that `Choice` and `Pick` have in common."""
    return chosen**settings.chosen * level ** (1 - settings.chosen) * iou**settings.iou


def choose(said, level, words, choice, most=100):
    """The rows of the chosen candidates, in the order in which they are chosen, and their values.

    `words` are the masks' bits in 64-bit words.
    """
    value = scores(said, level, choice)
    same = said.pairs[..., level].sigmoid().numpy() * choice.same
    area = np.bitwise_count(words).sum(1).clip(1)
    free, visible, rows, values = ~np.zeros_like(words[0]), np.ones(len(words)), [], []
    open_ = np.ones(len(words), bool)
    while open_.any() and len(rows) < most:
        now = np.where(open_ & (visible >= choice.visible), value * visible**choice.hidden, 0)
        best = int(now.argmax())
        if now[best] < choice.floor:
            break
        rows.append(best)
        values.append(float(now[best]))
        open_[best] = False
        free &= ~words[best]
        value = value * (1 - same[best])
        visible = np.bitwise_count(words & free).sum(1) / area
    return np.array(rows, int), np.array(values)
