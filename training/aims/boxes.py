"""The box head: the box of the part and of the entity that each place of the photo belongs to.

SAM's decoder finds a thing far more often by its box than by a point in it, so these boxes are
prompts for it.
"""

import json
from dataclasses import asdict, dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from safetensors import safe_open
from safetensors.torch import load_file
from torch import nn

from .layers import Conv

BOX_LEVELS = ("part", "entity")
STRIDE = 8  # pixels of the input for each cell
SAME = 0.7  # IoU from which two boxes are taken for the same
COMPARED = 1000  # of each level, only this many boxes are compared
PREFIX = "boxes."  # of the head's tensors in the model file


@dataclass(frozen=True)
class BoxConfig:
    width: int = 128
    blocks: int = 3
    stride4: int = 32  # channels of the encoder's maps
    stride8: int = 64
    embedding: int = 256
    deepest: int = 768

    as_dict = asdict


class BoxOutput(NamedTuple):
    """What the box head says for each cell of stride 8 and each level; shapes without batch."""

    quality: torch.Tensor  # [height, width, 2]: the logit of the IoU that the box reaches
    boxes: torch.Tensor  # [height, width, 2, 4]: left, top, right, bottom in cells


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


class BoxHead(nn.Module):
    def __init__(self, config=BoxConfig()):
        super().__init__()
        self.config = config
        width = config.width
        self.from_deepest = nn.Linear(config.deepest, width)
        self.from_embedding = nn.Linear(config.embedding, width)
        self.from_stride8 = nn.Linear(config.stride8, width)
        self.from_stride4 = Conv(config.stride4, width, 2, 2, 0)
        self.blocks = nn.ModuleList(Block(width) for _ in range(config.blocks))
        self.norm = nn.LayerNorm(width)
        self.say = nn.Linear(width, 5 * len(BOX_LEVELS))
        nn.init.normal_(self.say.weight, std=0.01)
        # At first, boxes reach four cells in each direction, and little is found.
        start = torch.tensor([-2.0, *[1.4] * 4]).repeat(len(BOX_LEVELS))
        self.say.bias.data.copy_(start)

    @classmethod
    def read(cls, path):
        """Reads what `boxes.py` writes."""
        with safe_open(path, "pt") as file:
            config = json.loads(file.metadata()["boxes"])["config"]
        head = cls(BoxConfig(**config))
        weights = load_file(path).items()
        head.load_state_dict({name.removeprefix(PREFIX): x.float() for name, x in weights})
        return head.eval()

    def forward(self, features):
        """`features` are the maps [height, width, c] that `Encoded.features` gives, of one photo.

        Returns a `BoxOutput`.
        """
        stride4, stride8, deepest, embedding = (x[None] for x in features)
        twice = lambda x: x.repeat_interleave(2, 1).repeat_interleave(2, 2)
        x = twice(self.from_embedding(embedding) + twice(self.from_deepest(deepest)))
        x = x + self.from_stride8(stride8) + self.from_stride4(stride4)
        for block in self.blocks:
            x = block(x)
        said = self.say(self.norm(x))[0].float()
        height, width, _ = said.shape
        said = said.view(height, width, len(BOX_LEVELS), 5)
        reach = said[..., 1:].clamp(-4, 6).exp()
        ys, xs = torch.arange(height) + 0.5, torch.arange(width) + 0.5
        centre = torch.stack([xs.expand(height, width), ys[:, None].expand(height, width)], -1)
        centre = centre[:, :, None]
        boxes = torch.cat([centre - reach[..., :2], centre + reach[..., 2:]], -1)
        return BoxOutput(said[..., 0], boxes)


def overlap(a, b):
    """The IoU and the generalised IoU of boxes [..., 4]."""
    area = lambda x: (x[..., 2:] - x[..., :2]).clamp(min=0).prod(-1)
    least, most = torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:], b[..., 2:])
    both = (most - least).clamp(min=0).prod(-1)
    either = area(a) + area(b) - both
    hull = torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])
    hull = hull.clamp(min=0).prod(-1)
    iou = both / either.clamp(min=1e-6)
    return iou, iou - (hull - either) / hull.clamp(min=1e-6)


class PromptBoxes(NamedTuple):
    """n boxes to ask SAM about, the best first."""

    boxes: torch.Tensor  # [n, 4]: left, top, right, bottom in cells
    quality: torch.Tensor  # [n]: the IoU that the box is expected to reach
    level: torch.Tensor  # [n]: the index in BOX_LEVELS


def prompt_boxes(output, columns, rows, most):
    """The `most` best boxes of a `BoxOutput`.

    Masks have `columns` and `rows` where the input shows the photo.
    """
    cells = STRIDE // 4
    edge = torch.tensor([columns, rows, columns, rows]) / cells
    height, width = -(-rows // cells), -(-columns // cells)
    found = []
    for level in range(len(BOX_LEVELS)):
        quality = output.quality[:height, :width, level].sigmoid().flatten()
        boxes = output.boxes[:height, :width, level].reshape(-1, 4)
        boxes, quality = merged(torch.minimum(boxes.clamp(min=0), edge), quality, most)
        found.append((boxes, quality, torch.full((len(boxes),), level)))
    boxes, quality, level = (torch.cat(x) for x in zip(*found))
    order = quality.argsort(descending=True, stable=True)[:most]
    return PromptBoxes(boxes[order], quality[order], level[order])


def merged(boxes, quality, most):
    """Non-maximum suppression of the boxes [n, 4] of one level, the best first.

    A box takes over those that overlap with it by `SAME` or more: it becomes their mean, weighted
    by the squares of their qualities.
    """
    order = quality.argsort(descending=True, stable=True)[:COMPARED]
    boxes, quality = boxes[order], quality[order]
    left, kept = torch.ones(len(boxes), dtype=torch.bool), []
    while left.any() and len(kept) < most:
        first = int(left.float().argmax())
        near = left & (overlap(boxes[first], boxes)[0] >= SAME)
        near[first] = True
        weight = quality[near, None] ** 2
        kept.append(((boxes[near] * weight).sum(0) / weight.sum(), quality[first]))
        left &= ~near
    return torch.stack([box for box, _ in kept]), torch.stack([value for _, value in kept])
