"""Turns what the scene head says into disjoint masks of the largest expected value.

Masks are chosen greedily, then each is dropped if the others have a larger value without it.
"""

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
    rivals = Rivals(said, level, words, choice, most)
    open_, tried = np.ones(len(rivals.rows), bool), set()
    best, values = rivals.choose(open_)
    while untried := [i for i in best if i not in tried]:
        # A large mask may hide several others, so the largest are tried first.
        i = max(untried, key=lambda i: rivals.area[i])
        tried.add(i)
        open_[i] = False
        others, other_values = rivals.choose(open_)
        if sum(other_values) > sum(values):
            best, values = others, other_values
        else:
            open_[i] = True
    return rivals.rows[best], np.array(values)


class Rivals:
    """The candidates that may be chosen for a level."""

    def __init__(self, said, level, words, choice, most):
        value = scores(said, level, choice)
        self.rows = np.flatnonzero(value >= choice.floor)
        self.choice, self.most = choice, most
        self.value, self.words = value[self.rows], words[self.rows]
        self.same = said.pairs[..., level].sigmoid().numpy()[np.ix_(self.rows, self.rows)]
        self.area = np.bitwise_count(self.words).sum(1, dtype=int).clip(1)

    def choose(self, open_):
        """Chooses greedily among the candidates that are `open_`; gives numbers and values."""
        choice, value, open_ = self.choice, self.value, open_.copy()
        free, visible, best, values = ~np.zeros_like(self.words[:1]), np.ones(len(open_)), [], []
        while open_.any() and len(best) < self.most:
            now = np.where(open_ & (visible >= choice.visible), value * visible**choice.hidden, 0)
            i = int(now.argmax())
            if now[i] < choice.floor:
                break
            best.append(i)
            values.append(float(now[i]))
            open_[i] = False
            free &= ~self.words[i]
            value = value * (1 - self.same[i] * choice.same)
            visible = np.bitwise_count(self.words & free).sum(1) / self.area
        return best, values
