"""The pixel decoder makes tokens of strides 16 and 8 and mask features of stride 4.

It reads the encoder's maps, and mask prompts are added here.
"""

import torch.nn.functional as F
from torch import nn

from .config import EMBED_DIM
from .layers import Attention, Depthwise, axis_codes, cells, sine_positions, zero_init


class ContextLayer(nn.Module):
    """Self-attention over all tokens, then an MLP."""

    def __init__(self, width, heads):
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, x, positions):
        y = self.norm1(x)
        placed = y + positions
        x = x + self.attention(placed, placed, y)
        return x + self.fc2(F.gelu(self.fc1(self.norm2(x))))


class Refine(nn.Module):
    """A depthwise convolution, then an MLP at each pixel."""

    def __init__(self, width):
        super().__init__()
        self.local_conv = Depthwise(width)
        self.norm = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, 2 * width)
        self.fc2 = nn.Linear(2 * width, width)

    def forward(self, x):
        return x + self.fc2(F.gelu(self.fc1(self.norm(self.local_conv(x)))))


class Upsample(nn.Module):
    """Doubles the resolution: a linear layer makes a cell's four pixels in the order (y, x)."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.outputs = outputs
        self.linear = nn.Linear(inputs, 4 * outputs)

    def forward(self, x):
        batch, height, width, _ = x.shape
        x = self.linear(x).view(batch, height, width, 2, 2, self.outputs).transpose(2, 3)
        return x.reshape(batch, 2 * height, 2 * width, self.outputs)


class PromptEncoder(nn.Module):
    """Turns a mask prompt into what is added to the features of strides 4, 8 and 16.

    The mask has the input's resolution. At first it adds nothing.
    """

    def __init__(self, config):
        super().__init__()
        widths = config.prompt_widths
        inputs = (16, 4 * widths[0], 4 * widths[1])
        outputs = (config.mask_dim, config.width, config.width)
        self.reduce = nn.ModuleList(nn.Linear(a, b) for a, b in zip(inputs, widths))
        self.norm = nn.ModuleList(nn.LayerNorm(width) for width in widths)
        self.inject = nn.ModuleList(zero_init(nn.Linear(a, b)) for a, b in zip(widths, outputs))

    def forward(self, mask):
        """`mask` is [batch, S, S, 1] of 0 and 1."""
        x, added = mask, []
        for side, reduce, norm, inject in zip((4, 2, 2), self.reduce, self.norm, self.inject):
            x = F.gelu(norm(reduce(cells(x, side))))
            added.append(inject(x))
        return added


class PixelDecoder(nn.Module):
    def __init__(self, config):
        super().__init__()
        width, (stride4, stride8, deepest) = config.width, config.maps
        self.deepest = config.deepest
        self.from_embedding = nn.Linear(EMBED_DIM, width)
        self.add_module(f"from_stride{config.deepest}", nn.Linear(deepest, width))
        self.from_stride8 = nn.Linear(stride8, width)
        self.from_stride4 = nn.Linear(stride4, config.mask_dim)
        self.norm = nn.LayerNorm(width)
        self.context = nn.ModuleList(
            ContextLayer(width, config.heads) for _ in range(config.context_layers)
        )
        self.up8 = Upsample(width, width)
        self.refine8 = Refine(width)
        self.up4 = Upsample(width, config.mask_dim)
        self.refine4 = Refine(config.mask_dim)
        # With these, a kernel can ask for a place and distinguish things that look the same.
        self.row4 = nn.Linear(width // 2, config.mask_dim)
        self.column4 = nn.Linear(width // 2, config.mask_dim)

    def forward(self, features, prompt=None):
        """Returns maps of strides 16, 8 and 4. `prompt` is the prompt encoder's output, or None."""
        stride4, stride8, deepest, embedding = features
        add4, add8, add16 = prompt or (0.0, 0.0, 0.0)
        deepest = self.get_submodule(f"from_stride{self.deepest}")(deepest)
        times = self.deepest // 16
        x = (
            self.norm(
                self.from_embedding(embedding)
                + deepest.repeat_interleave(times, 1).repeat_interleave(times, 2)
            )
            + add16
        )
        batch, height, side, width = x.shape
        positions = sine_positions(height, side, width, x.device).to(x.dtype)
        x = x.reshape(batch, height * side, width)
        for layer in self.context:
            x = layer(x, positions)
        map16 = x.view(batch, height, side, width)
        map8 = self.refine8(self.up8(map16) + self.from_stride8(stride8) + add8)
        map4 = self.refine4(self.up4(map8) + self.from_stride4(stride4) + add4)
        rows, columns = (
            axis_codes(size, max(map4.shape[1:3]), width // 2, x.device) for size in map4.shape[1:3]
        )
        map4 = map4 + self.row4(rows)[:, None] + self.column4(columns)
        return map16, map8, map4
