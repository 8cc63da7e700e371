"""The scene head: a small transformer over all candidates of a photo.

It says what each candidate is and how candidates belong together.
"""

from dataclasses import asdict, dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from .layers import Mlp

LEVELS = ("part", "entity", "relation")
PAIR_OUTPUTS = ("same_part", "same_entity", "part_of", "related")


@dataclass(frozen=True)
class SceneConfig:
    width: int = 160
    layers: int = 3
    heads: int = 5
    drop: float = 0.1
    deep: int = 768  # channels of the trunk's last map; 0 if it is not read
    efficient: int = 0  # channels of the last map of EfficientNet; 0 if it is not read
    classes: int = 0  # of the semantic head; 0 if there is none
    geometry: int = 32
    pairs: int = 8
    pair_width: int = 16
    pair_hidden: int = 32

    as_dict = asdict


class SceneOutput(NamedTuple):
    """The logits that the scene head gives n candidates of one photo."""

    level: torch.Tensor  # [n, 3]: it is a thing of the level, with an IoU of one half or more
    chosen: torch.Tensor  # [n, 3]: it is that, and it is the best candidate of this thing
    iou: torch.Tensor  # [n, 3]: the expected IoU with the thing
    # [n, n, 4]: both are of one part; both are of one entity; the first is a part of the second;
    # they are related.
    pairs: torch.Tensor

    def nothing(self):
        """The probability that a candidate is nothing that people would name, [n]."""
        return (1 - self.level.sigmoid()).prod(1)


class Layer(nn.Module):
    """A pre-norm transformer layer. The attention's logits have a bias for each pair."""

    def __init__(self, config):
        super().__init__()
        width = config.width
        self.heads, self.drop = config.heads, config.drop
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = Mlp(width, 3 * width, width)

    def forward(self, x, bias):
        """`x` [n, width], `bias` [heads, n, n]."""
        # Each head has its queries, keys and values together, as `ops::self_attention` takes them.
        q, k, v = self.qkv(self.norm1(x)).view(len(x), self.heads, 3, -1).permute(2, 1, 0, 3)
        scores = torch.baddbmm(bias, q * q.shape[-1] ** -0.5, k.transpose(1, 2))
        mixed = (scores.softmax(-1) @ v).transpose(0, 1).flatten(1)
        x = x + F.dropout(self.proj(mixed), self.drop, self.training)
        return x + F.dropout(self.mlp(self.norm2(x)), self.drop, self.training)


class SceneHead(nn.Module):
    def __init__(self, config=SceneConfig()):
        super().__init__()
        self.config = config
        width = config.width
        sources = {"tokens": 256, "inside": 256, "around": 256}
        sources |= {name: getattr(config, name) for name in ("deep", "efficient", "classes")}
        sources = {name: size for name, size in sources.items() if size}
        self.norms = nn.ModuleDict({name: nn.LayerNorm(size) for name, size in sources.items()})
        self.enter = nn.ModuleDict({name: nn.Linear(size, width) for name, size in sources.items()})
        self.geometry = Mlp(config.geometry, 64, width)
        self.pair = nn.Linear(config.pairs, config.pair_width)
        self.bias = nn.Linear(config.pair_width, config.layers * config.heads)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(width)
        self.say = nn.Linear(width, 3 * len(LEVELS))
        # These are for the first and the second candidate of a pair; the bilinear form of each
        # output has `pair_hidden` dimensions.
        self.first = nn.Linear(width, len(PAIR_OUTPUTS) * config.pair_hidden)
        self.second = nn.Linear(width, len(PAIR_OUTPUTS) * config.pair_hidden)
        self.pair_say = nn.Linear(config.pair_width, len(PAIR_OUTPUTS))
        nn.init.constant_(self.say.bias[: 2 * len(LEVELS)], -2.0)

    def forward(self, scene):
        """The `SceneOutput` of a `Scene`."""
        x = self.geometry(scene.geometry())
        for name, norm in self.norms.items():
            read = getattr(scene, name).float()
            if not read.shape[1]:
                # This is not known of the candidates.
                read = read.new_zeros(len(read), getattr(self.config, name))
            read = F.dropout(norm(read), self.config.drop, self.training)
            x = x + self.enter[name](read)
        pairs = F.gelu(self.pair(scene.pairs()))
        biases = (
            self.bias(pairs).permute(2, 0, 1).unflatten(0, (self.config.layers, self.config.heads))
        )
        for layer, bias in zip(self.layers, biases):
            x = layer(x, bias)
        x = self.norm(x)
        level, chosen, iou = self.say(x).split(len(LEVELS), 1)
        return SceneOutput(level, chosen, iou, self.of_pairs(x, pairs))

    def of_pairs(self, x, pairs):
        split = lambda y: y.view(len(x), len(PAIR_OUTPUTS), -1).transpose(0, 1)
        first, second = split(self.first(x)), split(self.second(x))
        found = (first @ second.transpose(1, 2)).permute(
            1, 2, 0
        ) * self.config.pair_hidden**-0.5 + self.pair_say(pairs)
        return torch.stack(
            [
                x if name == "part_of" else (x + x.T) / 2
                for name, x in zip(PAIR_OUTPUTS, found.unbind(-1))
            ],
            -1,
        )
