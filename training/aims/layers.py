"""Layers with channels last: an image is [batch, height, width, channels]."""

import torch
import torch.nn.functional as F
from torch import nn


class Conv(nn.Module):
    """A square convolution whose weight is a matrix [outputs, (ky, kx, input)]."""

    def __init__(self, inputs, outputs, kernel, stride, padding):
        super().__init__()
        self.kernel, self.stride, self.padding = kernel, stride, padding
        self.weight = nn.Parameter(torch.empty(outputs, kernel * kernel * inputs))
        self.bias = nn.Parameter(torch.zeros(outputs))
        nn.init.kaiming_uniform_(self.weight, nonlinearity="relu")

    def forward(self, x):
        outputs, kernel = self.weight.shape[0], self.kernel
        weight = self.weight.view(outputs, kernel, kernel, -1).permute(0, 3, 1, 2)
        return F.conv2d(
            x.permute(0, 3, 1, 2), weight, self.bias, self.stride, self.padding
        ).permute(0, 2, 3, 1)


class Depthwise(nn.Module):
    """A depthwise convolution whose weight is [(ky, kx), channel].

    `padding` is the number of zeros before the first row and column. There are as many after the
    last ones as the windows need, so that each side of the result is that of the image divided by
    the stride, rounded up.
    """

    def __init__(self, channels, stride=1, kernel=3, padding=1):
        super().__init__()
        self.stride, self.kernel, self.padding = stride, kernel, padding
        self.weight = nn.Parameter(torch.randn(kernel * kernel, channels) / kernel)
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x):
        channels, kernel, stride = x.shape[-1], self.kernel, self.stride
        weight = self.weight.t().reshape(channels, 1, kernel, kernel)
        x = x.permute(0, 3, 1, 2)
        before = self.padding
        after = [(-(-size // stride) - 1) * stride + kernel - before - size for size in x.shape[2:]]
        x = F.pad(x, (before, after[1], before, after[0]))
        return F.conv2d(x, weight, self.bias, stride, groups=channels).permute(0, 2, 3, 1)


class Mlp(nn.Module):
    """Linear layers with a non-linearity between them."""

    def __init__(self, *widths, between=F.gelu):
        super().__init__()
        self.between = between
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(widths, widths[1:]))

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = self.between(layer(x))
        return self.layers[-1](x)


class Attention(nn.Module):
    """Multi-head attention.

    Queries and keys may have batches of different sizes: each entry of the smaller batch is shared
    by equally many entries of the larger one.
    """

    def __init__(self, width, heads, inner=None):
        super().__init__()
        self.heads = heads
        inner = inner or width
        self.q_proj = nn.Linear(width, inner)
        self.k_proj = nn.Linear(width, inner)
        self.v_proj = nn.Linear(width, inner)
        self.out_proj = nn.Linear(inner, width)

    def forward(self, queries, keys, values):
        q, k, v = self.q_proj(queries), self.k_proj(keys), self.v_proj(values)
        tokens = q.shape[1]
        if len(q) > len(k):
            q = q.view(len(k), -1, q.shape[2])
        elif len(k) > len(q):
            q = q.repeat_interleave(len(k) // len(q), 0)
        # Written out, because PyTorch's own is slower on a CPU with the few keys or queries here.
        q, k, v = self.split(q), self.split(k), self.split(v)
        scores = (q * q.shape[-1] ** -0.5) @ k.transpose(2, 3)
        mixed = scores.softmax(-1, dtype=torch.float32).to(v.dtype) @ v
        mixed = mixed.transpose(1, 2).flatten(2)
        return self.out_proj(mixed.reshape(-1, tokens, mixed.shape[2]))

    def split(self, x):
        batch, tokens, width = x.shape
        return x.view(batch, tokens, self.heads, width // self.heads).transpose(1, 2)


def cells(x, side):
    """Joins the pixels of square cells.

    [batch, height, width, c] becomes [batch, height / side, width / side, side² c].
    """
    batch, height, width, channels = x.shape
    x = x.view(batch, height // side, side, width // side, side, channels).transpose(2, 3)
    return x.reshape(batch, height // side, width // side, side * side * channels)


def zero_init(layer):
    """Sets a layer to zero, so that it adds nothing at first."""
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def axis_codes(count, side, channels, device):
    """The positional encoding of the first `count` places along an axis of `side`.

    It is [count, channels]: sines, then cosines. The fastest has eight waves along the whole axis,
    the slowest a hundredth of that.
    """
    half = channels // 2
    frequency = 100.0 ** (-torch.arange(half, device=device) / half)
    at = (torch.arange(count, device=device) + 0.5) / side * 2 * torch.pi
    angle = at[:, None] * frequency * 8
    return torch.cat([angle.sin(), angle.cos()], 1)


def sine_positions(height, width, channels, device):
    """The positional encoding of places in the square on the longer side.

    It is [1, height * width, channels]: half of the channels are for y, half for x.
    """
    side = max(height, width)
    y = axis_codes(height, side, channels // 2, device)[:, None].expand(height, width, -1)
    x = axis_codes(width, side, channels // 2, device)[None].expand(height, width, -1)
    return torch.cat([y, x], -1).view(1, height * width, channels)
