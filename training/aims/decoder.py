"""One query decoder a level, and what ties the levels together."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from .layers import Attention, Mlp, sine_positions, zero_init


@dataclass
class Prediction:
    """Of the queries of one level after one layer."""

    kernels: torch.Tensor  # [batch, queries, mask_dim]
    score: torch.Tensor  # [batch, queries], a logit
    quality: torch.Tensor  # [batch, queries], the logit of the predicted IoU


class Proposals(nn.Module):
    """Where masks of this level have their middles, and a first kernel for the mask around any token."""

    def __init__(self, config):
        super().__init__()
        self.norm = nn.LayerNorm(config.width)
        self.heat = Mlp(config.width, config.width, 1)
        self.query = nn.Linear(config.width, config.width)
        self.place = nn.Linear(config.width, config.width)
        # Middles are rare: at first the heat is low everywhere.
        nn.init.constant_(self.heat.layers[-1].bias, -4.0)

    def forward(self, map8, positions):
        """[batch, tokens, width] to the heat's logits [batch, tokens] and queries of all tokens."""
        x = self.norm(map8)
        return self.heat(x).squeeze(-1), self.query(x) + self.place(positions)


def select(heat, side, count):
    """Indices of the `count` hottest tokens that no neighbour outdoes: [batch, count]."""
    batch, tokens = heat.shape
    grid = heat.view(batch, 1, -1, side)
    peaks = F.max_pool2d(grid, 3, 1, 1) == grid
    return torch.where(peaks, grid, grid - 100.0).view(batch, tokens).topk(count, dim=1).indices


class Head(nn.Module):
    """What a query says."""

    def __init__(self, config):
        super().__init__()
        self.norm = nn.LayerNorm(config.width)
        self.kernel = Mlp(config.width, config.width, config.mask_dim)
        self.score = nn.Linear(config.width, 1)
        self.quality = Mlp(config.width, config.width // 2, 1)
        # Most queries find nothing.
        nn.init.constant_(self.score.bias, -2.0)

    def forward(self, queries):
        x = self.norm(queries)
        return Prediction(self.kernel(x), self.score(x).squeeze(-1), self.quality(x).squeeze(-1))


class DecoderLayer(nn.Module):
    """Masked cross-attention to the image, self-attention, MLP."""

    def __init__(self, config):
        super().__init__()
        width, heads = config.width, config.heads
        self.cross = Attention(width, heads)
        self.norm1 = nn.LayerNorm(width)
        self.itself = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)
        self.norm3 = nn.LayerNorm(width)

    def forward(self, queries, places, tokens, positions, bias):
        x = self.norm1(queries + self.cross(queries + places, tokens + positions, tokens, bias))
        placed = x + places
        x = self.norm2(x + self.itself(placed, placed, x))
        return self.norm3(x + self.fc2(F.gelu(self.fc1(x))))


class LevelDecoder(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.proposals = Proposals(config)
        self.head = Head(config)
        self.layers = nn.ModuleList(DecoderLayer(config) for _ in range(config.decoder_layers))


class Complementarity(nn.Module):
    """The queries of each level look at those of the other two."""

    def __init__(self, config, levels):
        super().__init__()
        self.norm = nn.ModuleDict({level: nn.LayerNorm(config.width) for level in levels})
        self.attention = nn.ModuleDict({level: Attention(config.width, config.heads) for level in levels})
        for attention in self.attention.values():
            zero_init(attention.out_proj)

    def forward(self, queries, places):
        """Both are dictionaries by level."""
        normed = {level: self.norm[level](x) for level, x in queries.items()}
        placed = {level: x + places[level] for level, x in normed.items()}
        result = {}
        for level, x in queries.items():
            others = [other for other in queries if other != level]
            keys = torch.cat([placed[other] for other in others], 1)
            values = torch.cat([normed[other] for other in others], 1)
            result[level] = x + self.attention[level](placed[level], keys, values)
        return result


class Affinity(nn.Module):
    """Logits of the links between the queries of a coarse level and of a fine one."""

    DIM = 64

    def __init__(self, config):
        super().__init__()
        self.coarse = nn.Linear(config.width, self.DIM)
        self.fine = nn.Linear(config.width, self.DIM)
        self.bias = nn.Parameter(torch.full((1,), -2.0))

    def forward(self, coarse, fine):
        return self.coarse(coarse) @ self.fine(fine).transpose(1, 2) * self.DIM**-0.5 + self.bias


def mask_logits(kernels, map4):
    """[batch, n, mask_dim] and [batch, height, width, mask_dim] to [batch, n, height, width]."""
    batch, height, width, channels = map4.shape
    logits = kernels @ map4.reshape(batch, height * width, channels).transpose(1, 2)
    return logits.view(batch, -1, height, width)


def outside_bias(kernels, map4, stride):
    """Hides the tokens outside each mask, in a map that is `stride` times coarser than `map4`: [batch, queries, tokens].

    As the penalty is finite, a query whose mask is empty sees everything."""
    pooled = F.avg_pool2d(map4.permute(0, 3, 1, 2), stride).permute(0, 2, 3, 1)
    return (mask_logits(kernels, pooled).flatten(2) < 0.0).to(map4.dtype) * -1000.0


def places_of(indices, side, width):
    """Position codes of tokens."""
    codes = sine_positions(side, side, width, indices.device)[0]
    return codes[indices]
