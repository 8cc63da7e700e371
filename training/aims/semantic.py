"""The semantic head: which part and which entity people would name in each cell of the photo.

Its classes come from the labels of all sets (`data/classes.py`). Connected cells of one class are
candidates of the scene head, and the mean probabilities of the classes describe every candidate.
"""

import json
from dataclasses import asdict, dataclass
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import safe_open
from safetensors.torch import load_file
from scipy import ndimage
from torch import nn

from .layers import Conv

SEMANTIC_LEVELS = ("part", "entity")
PREFIX = "semantic."  # of the head's tensors in the model file


@dataclass(frozen=True)
class SemanticConfig:
    parts: int  # number of classes, of which the first stands for no part
    entities: int
    # Sums of classes that people name as one thing, by level; classes themselves are not in them.
    unions: tuple = ((), ())
    width: int = 128  # channels at stride 16 and 8
    fine: int = 64  # channels at stride 4
    blocks: tuple = (2, 2, 1)  # at stride 16, 8 and 4
    stride4: int = 32  # channels of the encoder's maps
    stride8: int = 64
    embedding: int = 256
    deepest: int = 768
    # Channels of the maps of EfficientNet of strides 16 and 32; (0, 0) if it is not read.
    efficient: tuple = (0, 0)

    as_dict = asdict


class Block(nn.Module):
    """A convolution whose result is added."""

    def __init__(self, width):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.conv = Conv(width, width, 3, 1, 1)
        self.project = nn.Linear(width, width)
        nn.init.zeros_(self.project.weight)

    def forward(self, x):
        return x + self.project(F.gelu(self.conv(self.norm(x))))


class SemanticHead(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        width, fine = config.width, config.fine
        blocks = lambda count, width: nn.ModuleList(Block(width) for _ in range(count))
        self.from_deepest = nn.Linear(config.deepest, width)
        self.from_embedding = nn.Linear(config.embedding, width)
        if any(config.efficient):
            self.from_efficient16, self.from_efficient32 = (
                nn.Linear(channels, width) for channels in config.efficient
            )
        self.coarse = blocks(config.blocks[0], width)
        self.from_stride8 = nn.Linear(config.stride8, width)
        self.middle = blocks(config.blocks[1], width)
        self.to_fine = nn.Linear(width, fine)
        self.from_stride4 = nn.Linear(config.stride4, fine)
        self.fine = blocks(config.blocks[2], fine)
        self.norm = nn.LayerNorm(fine)
        self.say = nn.Linear(fine, config.parts + config.entities)

    @classmethod
    def read(cls, path):
        """Reads what `semantic.py` writes."""
        with safe_open(path, "pt") as file:
            config = json.loads(file.metadata()["semantic"])["config"]
        head = cls(SemanticConfig(**config))
        weights = load_file(path).items()
        head.load_state_dict({name.removeprefix(PREFIX): x.float() for name, x in weights})
        return head.eval()

    def forward(self, features):
        """`features` are the maps [height, width, c] of one photo: `Maps.semantic`.

        Returns logits of stride 4, [height, width, parts + entities].
        """
        stride4, stride8, deepest, embedding, *efficient = (x[None] for x in features)
        twice = lambda x: x.repeat_interleave(2, 1).repeat_interleave(2, 2)
        x, coarse = self.from_embedding(embedding), self.from_deepest(deepest)
        if any(self.config.efficient):
            x = x + self.from_efficient16(efficient[0])
            coarse = coarse + self.from_efficient32(efficient[1])
        x = x + twice(coarse)
        for block in self.coarse:
            x = block(x)
        x = twice(x) + self.from_stride8(stride8)
        for block in self.middle:
            x = block(x)
        x = twice(self.to_fine(x)) + self.from_stride4(stride4)
        for block in self.fine:
            x = block(x)
        return self.say(self.norm(x))[0]

    def probabilities(self, features):
        """The probabilities of the classes, [height, width, parts + entities]."""
        said = self(features).float().split([self.config.parts, self.config.entities], -1)
        return torch.cat([x.softmax(-1) for x in said], -1)


class Segments(NamedTuple):
    """n masks of connected cells of one class or union, or of all cells of an entity's class."""

    masks: torch.Tensor  # [n, rows, columns] of bool
    score: torch.Tensor  # [n]: the mean probability in the mask
    stable: torch.Tensor  # [n]: the IoU of the masks at two thresholds around one half
    level: torch.Tensor  # [n]: the index in SEMANTIC_LEVELS


OFFSET = 0.15  # of the two thresholds around one half
LEAST = 9  # cells
MOST = 80  # of each level


def segments(probabilities, config):
    """The `Segments` of a photo; `probabilities` [rows, columns, parts + entities] show only it."""
    split = probabilities.split([config.parts, config.entities], -1)
    everything = []
    for level, (maps, unions) in enumerate(zip(split, config.unions)):
        first = 1 if level == 0 else 0
        named = [[i] for i in range(first, maps.shape[-1])] + [list(union) for union in unions]
        found = []
        for classes in named:
            map_ = maps[..., classes].sum(-1).numpy()
            inside = map_ > 0.5
            if inside.sum() < LEAST:
                continue
            numbers, count = ndimage.label(inside, np.ones((3, 3)))
            area = np.bincount(numbers.ravel(), minlength=count + 1)
            wanted = [i for i in range(1, count + 1) if area[i] >= LEAST]
            each = [numbers == i for i in wanted]
            if level == 1 and count > 1:
                each.append(inside)
            found += [(mask, map_[mask].mean(), stability(map_, mask)) for mask in each]
        found.sort(key=lambda row: -row[1] * row[2])
        everything += [(*row, level) for row in found[:MOST]]
    masks, *numbers = zip(*everything) if everything else ([], [], [], [])
    shape = (len(masks), *probabilities.shape[:2])
    stacked = torch.from_numpy(np.array(masks, bool).reshape(shape))
    return Segments(stacked, *(torch.tensor(np.array(x)) for x in numbers))


def stability(map_, mask):
    """How much of a mask is sure.

    This is the IoU of its cells above the higher threshold with the cells above the lower one in it
    and right around it.
    """
    near = ndimage.binary_dilation(mask, np.ones((5, 5)))
    return (map_[mask] > 0.5 + OFFSET).sum() / max(1, (map_[near] > 0.5 - OFFSET).sum())
