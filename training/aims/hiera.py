"""Hiera as SAM 2 uses it, with the neck folded into one linear layer for each map.

The sizes are those of the manifest's `encoder`. Inputs may be rectangular: height and width are
multiples of 64, and the table of positions is that of the square on the longer side, cropped.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from .config import stages_of
from .layers import Conv, Mlp

STRIDES = (4, 8, 16, 32)


class WindowAttention(nn.Module):
    """Attention in square windows, or among all cells if `window` is 0.

    With `pooled`, each group of 2 x 2 queries becomes its maximum, which halves the resolution.
    """

    def __init__(self, inputs, outputs, heads, window, pooled):
        super().__init__()
        self.heads, self.window, self.pooled = heads, window, pooled
        self.qkv = nn.Linear(inputs, 3 * outputs)
        self.proj = nn.Linear(outputs, outputs)

    def forward(self, x):
        batch, height, width, channels = x.shape
        tall, wide = (self.window, self.window) if self.window else (height, width)
        rows, cols = -(-height // tall), -(-width // wide)
        # Padding comes after the norm and takes part in the attention.
        x = F.pad(x, (0, 0, 0, cols * wide - width, 0, rows * tall - height))
        x = (
            x.view(batch, rows, tall, cols, wide, channels)
            .transpose(2, 3)
            .reshape(-1, tall * wide, channels)
        )
        q, k, v = self.qkv(x).view(len(x), tall * wide, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        if self.pooled:
            q = q.unflatten(2, (tall // 2, 2, wide // 2, 2)).amax((3, 5)).flatten(2, 3)
            height, width, tall, wide = height // 2, width // 2, tall // 2, wide // 2
        x = self.proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))
        x = x.view(batch, rows, cols, tall, wide, -1).transpose(2, 3)
        return x.reshape(batch, rows * tall, cols * wide, -1)[:, :height, :width]


class Block(nn.Module):
    def __init__(self, inputs, outputs, heads, window):
        super().__init__()
        self.norm1 = nn.LayerNorm(inputs, eps=1e-6)
        self.attn = WindowAttention(inputs, outputs, heads, window, inputs != outputs)
        self.norm2 = nn.LayerNorm(outputs, eps=1e-6)
        self.mlp = Mlp(outputs, 4 * outputs, outputs)
        if inputs != outputs:
            self.proj = nn.Linear(inputs, outputs)

    def forward(self, x):
        y = self.norm1(x)
        if self.attn.pooled:
            x = F.max_pool2d(self.proj(y).permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1)
        x = x + self.attn(y)
        return x + self.mlp(self.norm2(x))


class Trunk(nn.Module):
    """Turns a normalised image [batch, height, width, 3] into maps of strides 4, 8, 16 and 32."""

    def __init__(self, encoder):
        super().__init__()
        stages = stages_of(encoder)
        inputs, side, window = stages[0].channels, encoder["positionSide"], stages[0].window
        self.patch_embed = nn.ModuleDict({"proj": Conv(3, inputs, 7, 4, 3)})
        self.pos_embed = nn.Parameter(torch.zeros(side, side, inputs))
        self.pos_embed_window = nn.Parameter(torch.zeros(window, window, inputs))
        self.blocks, self.ends = nn.ModuleList(), []
        for stage in stages:
            for _ in range(stage.depth):
                number = len(self.blocks)
                # The first block of a stage reads the resolution of the stage before it, and so has
                # the window of that stage.
                self.blocks.append(
                    Block(
                        inputs,
                        stage.channels,
                        stage.heads,
                        0 if number in encoder["globalBlocks"] else window,
                    )
                )
                inputs, window = stage.channels, stage.window
            self.ends.append(len(self.blocks) - 1)

    def positions(self, height, width):
        """The positions of the cells of stride 4, [height, width, channels]."""
        side, window = max(height, width), len(self.pos_embed_window)
        table = F.interpolate(
            self.pos_embed.permute(2, 0, 1)[None], size=(side, side), mode="bicubic"
        )[0].permute(1, 2, 0)
        return table[:height, :width] + self.pos_embed_window.repeat(
            height // window, width // window, 1
        )

    def forward(self, image):
        x = self.patch_embed["proj"](image)
        x = x + self.positions(*x.shape[1:3])
        maps = []
        for number, block in enumerate(self.blocks):
            x = block(x)
            if number in self.ends:
                maps.append(x)
        return maps


class Encoded(NamedTuple):
    """The encoder's output: what SAM's decoder reads, and the trunk's maps of strides 4 to 32."""

    embedding: torch.Tensor  # [batch, height / 16, width / 16, 256]
    high_resolution: tuple  # stride 4 with 32 channels (s0 in SAM 2), stride 8 with 64 (s1)
    maps: list  # the trunk's maps of strides 4, 8, 16 and 32

    def features(self):
        """What the AIMS head reads: maps of strides 4 and 8, the deepest map and the embedding."""
        return [*self.high_resolution, self.maps[-1], self.embedding]

    @classmethod
    def of(cls, features):
        """Takes what `features` or `TinyVit` returns; the maps in between are None."""
        stride4, stride8, deepest, embedding = features
        return cls(embedding, (stride4, stride8), [None, None, None, deepest])


class Hiera(nn.Module):
    """SAM 2's image encoder: the trunk and the neck."""

    def __init__(self, encoder, sam):
        super().__init__()
        self.trunk = Trunk(encoder)
        outputs = (*sam.high_resolution, sam.channels, sam.channels)
        channels = (stage.channels for stage in stages_of(encoder))
        self.neck = nn.ModuleDict(
            {f"stride{s}": nn.Linear(a, b) for s, a, b in zip(STRIDES, channels, outputs)}
        )

    def forward(self, image):
        maps = self.trunk(image)
        stride4, stride8, stride16, stride32 = (
            layer(x) for layer, x in zip(self.neck.values(), maps)
        )
        embedding = stride16 + stride32.repeat_interleave(2, 1).repeat_interleave(2, 2)
        return Encoded(embedding, (stride4, stride8), maps)
