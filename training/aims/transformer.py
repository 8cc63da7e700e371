"""SAM's two-way transformer and the layers after it.

The names are those of the model file, because the level decoders start from SAM's weights.
"""

import torch
import torch.nn.functional as F
from torch import nn

from .layers import Attention


class Feedforward(nn.Module):
    """An `Mlp` of two layers, with SAM's names."""

    def __init__(self, width, hidden):
        super().__init__()
        self.lin1 = nn.Linear(width, hidden)
        self.lin2 = nn.Linear(hidden, width)

    def forward(self, x):
        return self.lin2(F.relu(self.lin1(x)))


class TwoWayBlock(nn.Module):
    def __init__(self, config, first):
        super().__init__()
        self.first = first
        width, half = config.channels, config.channels // 2
        self.self_attn = Attention(width, config.heads)
        self.norm1 = nn.LayerNorm(width)
        self.cross_attn_token_to_image = Attention(width, config.heads, half)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = Feedforward(width, config.hidden)
        self.norm3 = nn.LayerNorm(width)
        self.cross_attn_image_to_token = Attention(width, config.heads, half)
        self.norm4 = nn.LayerNorm(width)

    def look(self, queries, keys, query_positions, key_positions):
        """The tokens after attention to one another and to the image.

        `keys` has a row for each image or for each query.
        """
        if self.first:
            queries = self.self_attn(queries, queries, queries)
        else:
            placed = queries + query_positions
            queries = queries + self.self_attn(placed, placed, queries)
        queries = self.norm1(queries)
        queries = self.norm2(
            queries
            + self.cross_attn_token_to_image(queries + query_positions, keys + key_positions, keys)
        )
        return self.norm3(queries + self.mlp(queries))

    def update(self, queries, keys, query_positions, key_positions):
        """The image as each query sees it, after attention to the query's tokens."""
        seen = self.cross_attn_image_to_token(
            keys + key_positions, queries + query_positions, queries
        )
        return self.norm4(seen + keys.repeat_interleave(len(seen) // len(keys), 0))


class TwoWayTransformer(nn.Module):
    """SAM's two-way transformer; `config` is a `SamConfig`."""

    def __init__(self, config):
        super().__init__()
        self.layers = nn.ModuleList(TwoWayBlock(config, i == 0) for i in range(config.depth))
        self.final_attn_token_to_image = Attention(
            config.channels, config.heads, config.channels // 2
        )
        self.norm_final_attn = nn.LayerNorm(config.channels)

    def look(self, image, positions, tokens):
        """The tokens after the first block's attention to the image.

        `tokens` are [batch * queries, tokens, 256], and `image` is [batch, cells, 256].
        """
        return self.layers[0].look(tokens, image, tokens, positions)

    def finish(self, image, positions, tokens, queries):
        """Does the rest, from the `queries` that `look` made of the tokens.

        Returns the tokens, and the image as each query sees it, [batch * queries, cells, 256].
        """
        keys = self.layers[0].update(queries, image, tokens, positions)
        for layer in self.layers[1:]:
            queries = layer.look(queries, keys, tokens, positions)
            keys = layer.update(queries, keys, tokens, positions)
        queries = queries + self.final_attn_token_to_image(queries + tokens, keys + positions, keys)
        return self.norm_final_attn(queries), keys


class Upscale(nn.ModuleDict):
    """Two transposed 2 x 2 convolutions of stride 2.

    They are linear layers that make the four pixels of a cell.
    """

    def __init__(self, width):
        self.hidden, self.channels = width // 4, width // 8
        super().__init__(
            {
                "0": nn.Linear(width, 4 * self.hidden),
                "1": nn.LayerNorm(self.hidden, eps=1e-6),
                "3": nn.Linear(self.hidden, 4 * self.channels),
            }
        )

    def forward(self, x, stride8=None, stride4=None):
        """Turns [n, cells, 256] into [n, cells * 16, 32].

        A cell's pixels are in the order (y1, x1, y2, x2). The encoder's maps of strides 8 and 4 are
        added if the family has them. They are [batch, height, width, 64 and 32], and n is a
        multiple of batch.
        """
        n, cells, _ = x.shape
        x = self["0"](x).view(n, cells * 4, self.hidden)
        if stride8 is not None:
            x = added(x, in_cells(stride8, 1))
        x = self["3"](F.gelu(self["1"](x))).view(n, cells * 16, self.channels)
        if stride4 is not None:
            x = added(x, in_cells(stride4, 2))
        return F.gelu(x)

    @staticmethod
    def into_rows(masks, height, width):
        """Turns [n, masks, height * width * 16] into [n, masks, 4 height, 4 width]."""
        n, count, _ = masks.shape
        masks = masks.view(n, count, height, width, 2, 2, 2, 2).permute(0, 1, 2, 4, 6, 3, 5, 7)
        return masks.reshape(n, count, 4 * height, 4 * width)


def in_cells(x, steps):
    """Puts a map [batch, height, width, channels] in the order that `steps` doublings make.

    The order is cell by cell, in each cell the halves (y1, x1), and in each of these (y2, x2). The
    result is [batch, height * width, channels].
    """
    batch, height, width, channels = x.shape
    side = 2**steps
    x = x.view(batch, height // side, *[2] * steps, width // side, *[2] * steps, channels)
    ys, xs = (range(start, start + steps) for start in (2, 3 + steps))
    halves = [axis for pair in zip(ys, xs) for axis in pair]
    return x.permute(0, 1, 2 + steps, *halves, 3 + 2 * steps).reshape(
        batch, height * width, channels
    )


def added(x, shared):
    """Adds `shared` [batch, ...] to `x` [n, ...]; n / batch rows of `x` share one of its rows."""
    return (x.view(len(shared), -1, *x.shape[1:]) + shared[:, None]).view(x.shape)


def fourier(points, frequencies):
    """The positional encoding [..., 256] of points [..., 2] in 0..1: sines, then cosines."""
    phase = 2 * torch.pi * ((2 * points - 1) @ frequencies)
    return torch.cat([phase.sin(), phase.cos()], -1)
