"""What labels say about the semantic head's output for a photo."""

import json
from dataclasses import dataclass

import numpy as np
import torch

from . import classes
from .answers import fitted
from .samples import MIN_CELLS
from .stored import Stored

UNKNOWN = -1


@dataclass
class ClassTargets(Stored):
    """The label of each cell of the masks, by level: part, entity."""

    # [2, rows, columns]: the index in `names` of the cell's label, or `UNKNOWN`.
    owner: np.ndarray
    names: np.ndarray  # [2] of JSON: the labels by level

    @classmethod
    def of(cls, record, size):
        """`size` as in `Maps`."""
        columns, rows = size[2:]
        owner = np.full((2, rows, columns), UNKNOWN, np.int16)
        names = [[], []]
        complete = record.set in classes.ALL_PARTS | classes.WITHOUT_PARTS
        if complete:
            names[0].append(classes.NO_PART)
            owner[0] = 0
        drawn = [(fitted(mask.pixels(), columns, rows), mask) for mask in record.masks]
        # Where masks overlap, the smaller one counts.
        drawn.sort(key=lambda row: -row[0].sum())
        for level, name in enumerate(("part", "entity")):
            for cells, mask in drawn:
                if mask.label is None or cells.sum() < MIN_CELLS:
                    continue
                # A crowd is no single entity, but its class is right.
                if mask.level == name or (level == 1 and mask.crowd):
                    label = mask.label.replace(" ", "-") if level else mask.label
                    if label not in names[level]:
                        names[level].append(label)
                    owner[level][cells] = names[level].index(label)
        return cls(owner, np.array([json.dumps(x) for x in names]))


class Vocabulary:
    """Turns the labels of a photo into classes."""

    def __init__(self, entities):
        self.entities = entities
        self.counts = len(classes.PARTS), len(entities)

    def of(self, record, level, label):
        """The numbers of the classes that a label may mean; none if it says nothing."""
        if level == 0:
            return classes.part_classes(record.set, label)
        if record.set in classes.NO_ENTITIES:
            return ()
        name = classes.entity_class(label)
        if label in classes.MIXED:
            return ()
        return (self.entities.index(name if name in self.entities else classes.OTHER),)

    def target(self, record, kept, mirrored):
        """By level: the row of each cell or `UNKNOWN`, and rows [m, classes] of 0 and 1.

        A row says which classes are right.
        """
        result = []
        for level, owner in enumerate(kept.owner):
            labels = json.loads(str(kept.names[level]))
            found = [self.of(record, level, label) for label in labels]
            rows = torch.zeros(len(labels), self.counts[level])
            for row, numbers in zip(rows, found):
                for number in numbers:
                    row[classes.mirrored_part(number) if mirrored and level == 0 else number] = 1
            silent = [i for i, numbers in enumerate(found) if not numbers]
            owner = torch.from_numpy(owner.astype(np.int64))
            if silent:
                owner[torch.isin(owner, torch.tensor(silent))] = UNKNOWN
            result.append((owner.flip(1) if mirrored else owner, rows))
        return result


def losses(logits, target):
    """The loss of one photo, and its parts by name.

    `logits` [rows, columns, classes of both levels] are those where the input shows the photo.
    """
    parts, at = {}, 0
    for level, (owner, rows) in zip(("part", "entity"), target):
        said = logits[..., at : at + rows.shape[1]].float()
        at += rows.shape[1]
        known = owner != UNKNOWN
        if not known.any():
            continue
        owner, said = owner[known], said[known]
        present = owner.unique()
        place = torch.zeros(len(rows), dtype=torch.long)
        place[present] = torch.arange(len(present))
        right = said.softmax(-1) @ rows[present].T  # [cells, labels of the photo]
        number = place[owner]
        mine = right.gather(1, number[:, None])[:, 0]
        area = torch.bincount(number).float()
        weight = area[number] ** -0.5
        parts[f"{level} class"] = (weight * -mine.clamp(min=1e-6).log()).sum() / weight.sum()
        hit = torch.zeros(len(present)).index_add(0, number, mine)
        # A label that includes another one, such as the skin with the nose in it, does not count
        # where the other is drawn.
        includes = (rows[present] @ rows[present].T) > 0
        of_others = torch.zeros(len(present), len(present)).index_add(0, number, right)
        claimed = (of_others * ~(includes & ~torch.eye(len(present), dtype=torch.bool))).sum(0)
        dice = 1 - (2 * hit + 1) / (claimed + area + 1)
        parts[f"{level} dice"] = dice.mean()
    return sum(parts.values()) if parts else None, parts
