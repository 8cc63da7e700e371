"""SAM's two-way transformer and what follows it, with the names of the model file: the decoders start from MobileSAM's weights."""

import torch
import torch.nn.functional as F
from torch import nn

from .layers import Attention

EMBED_DIM = 256
HEADS = 8
DEPTH = 2


class Feedforward(nn.Module):
    """With SAM's names; otherwise an `Mlp`."""

    def __init__(self, width, hidden):
        super().__init__()
        self.lin1 = nn.Linear(width, hidden)
        self.lin2 = nn.Linear(hidden, width)

    def forward(self, x):
        return self.lin2(F.relu(self.lin1(x)))


class TwoWayBlock(nn.Module):
    def __init__(self, first):
        super().__init__()
        self.first = first
        half = EMBED_DIM // 2
        self.self_attn = Attention(EMBED_DIM, HEADS)
        self.norm1 = nn.LayerNorm(EMBED_DIM)
        self.cross_attn_token_to_image = Attention(EMBED_DIM, HEADS, half)
        self.norm2 = nn.LayerNorm(EMBED_DIM)
        self.mlp = Feedforward(EMBED_DIM, 2048)
        self.norm3 = nn.LayerNorm(EMBED_DIM)
        self.cross_attn_image_to_token = Attention(EMBED_DIM, HEADS, half)
        self.norm4 = nn.LayerNorm(EMBED_DIM)

    def look(self, queries, keys, query_positions, key_positions):
        """The tokens, after a look at one another and at the image: `keys` has a row for each image or for each query."""
        if self.first:
            queries = self.self_attn(queries, queries, queries)
        else:
            placed = queries + query_positions
            queries = queries + self.self_attn(placed, placed, queries)
        queries = self.norm1(queries)
        queries = self.norm2(queries + self.cross_attn_token_to_image(queries + query_positions, keys + key_positions, keys))
        return self.norm3(queries + self.mlp(queries))

    def update(self, queries, keys, query_positions, key_positions):
        """The image as each query sees it, after a look at its tokens."""
        seen = self.cross_attn_image_to_token(keys + key_positions, queries + query_positions, queries)
        return self.norm4(seen + keys.repeat_interleave(len(seen) // len(keys), 0))


class TwoWayTransformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(TwoWayBlock(i == 0) for i in range(DEPTH))
        self.final_attn_token_to_image = Attention(EMBED_DIM, HEADS, EMBED_DIM // 2)
        self.norm_final_attn = nn.LayerNorm(EMBED_DIM)

    def look(self, image, positions, tokens):
        """The tokens ([batch * queries, tokens, 256]) after the first block's look at the image ([batch, cells, 256])."""
        return self.layers[0].look(tokens, image, tokens, positions)

    def finish(self, image, positions, tokens, queries):
        """The rest, from what `look` made of the tokens: tokens, and the image as each query sees it, [batch * queries, cells,
        256]."""
        keys = self.layers[0].update(queries, image, tokens, positions)
        for layer in self.layers[1:]:
            queries = layer.look(queries, keys, tokens, positions)
            keys = layer.update(queries, keys, tokens, positions)
        queries = queries + self.final_attn_token_to_image(queries + tokens, keys + positions, keys)
        return self.norm_final_attn(queries), keys


class Upscale(nn.ModuleDict):
    """Two transposed 2 x 2 convolutions of stride 2: linear layers that make the four pixels of a cell."""

    HIDDEN, CHANNELS = 64, 32

    def __init__(self):
        super().__init__(
            {
                "0": nn.Linear(EMBED_DIM, 4 * self.HIDDEN),
                "1": nn.LayerNorm(self.HIDDEN, eps=1e-6),
                "3": nn.Linear(self.HIDDEN, 4 * self.CHANNELS),
            }
        )

    def forward(self, x):
        """[n, cells, 256] to [n, cells * 16, 32], a cell's pixels in the order (y1, x1, y2, x2)."""
        n, cells, _ = x.shape
        x = self["0"](x).view(n, cells * 4, self.HIDDEN)
        return F.gelu(self["3"](F.gelu(self["1"](x)))).view(n, cells * 16, self.CHANNELS)

    @staticmethod
    def into_rows(masks, side):
        """[n, masks, cells * 16] to [n, masks, 4 side, 4 side]."""
        n, count, _ = masks.shape
        masks = masks.view(n, count, side, side, 2, 2, 2, 2).permute(0, 1, 2, 4, 6, 3, 5, 7)
        return masks.reshape(n, count, 4 * side, 4 * side)


def fourier(points, frequencies):
    """Codes of points (x, y in 0..1, [..., 2]): sines, then cosines: [..., 256]."""
    phase = 2 * torch.pi * ((2 * points - 1) @ frequencies)
    return torch.cat([phase.sin(), phase.cos()], -1)
