"""TinyViT-5M as MobileSAM uses it, with its batch norms folded into other layers.

The Rust twin is `src/model/tiny_vit.rs`.
"""

from functools import partial

import torch
import torch.nn.functional as F
from torch import nn

from .config import EMBED_DIM, STAGES
from .layers import Conv, Depthwise


class MbConv(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Linear(channels, 4 * channels)
        self.conv2 = Depthwise(4 * channels)
        self.conv3 = nn.Linear(4 * channels, channels)

    def forward(self, x):
        hidden = F.gelu(self.conv2(F.gelu(self.conv1(x))))
        return F.gelu(self.conv3(hidden) + x)


class PatchMerging(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Linear(inputs, outputs)
        self.conv2 = Depthwise(outputs, stride)
        self.conv3 = nn.Linear(outputs, outputs)

    def forward(self, x):
        return self.conv3(F.gelu(self.conv2(F.gelu(self.conv1(x)))))


class WindowAttention(nn.Module):
    def __init__(self, stage):
        super().__init__()
        self.heads, self.window = stage.heads, stage.window
        self.norm = nn.LayerNorm(stage.channels)
        self.qkv = nn.Linear(stage.channels, 3 * stage.channels)
        self.proj = nn.Linear(stage.channels, stage.channels)
        self.attention_biases = nn.Parameter(torch.zeros(stage.heads, stage.window**2))
        at = torch.arange(stage.window)
        distance = (at[:, None] - at[None]).abs()
        # There is one bias for each pair of |dy| and |dx|.
        index = distance[:, None, :, None] * stage.window + distance[None, :, None, :]
        self.register_buffer(
            "index", index.reshape(stage.window**2, stage.window**2), persistent=False
        )

    def forward(self, x):
        batch, height, width, channels = x.shape
        w = self.window
        rows, cols = -(-height // w), -(-width // w)
        # The reference pads with zeros before the norm, so padding takes part in the attention.
        x = F.pad(x, (0, 0, 0, cols * w - width, 0, rows * w - height))
        x = x.view(batch, rows, w, cols, w, channels).transpose(2, 3).reshape(-1, w * w, channels)
        qkv = self.qkv(self.norm(x)).view(-1, w * w, self.heads, 3, channels // self.heads)
        q, k, v = qkv.permute(3, 0, 2, 1, 4)
        bias = self.attention_biases[:, self.index].to(q.dtype)
        x = self.proj(F.scaled_dot_product_attention(q, k, v, bias).transpose(1, 2).flatten(2))
        x = x.view(batch, rows, cols, w, w, channels).transpose(2, 3)
        return x.reshape(batch, rows * w, cols * w, channels)[:, :height, :width]


class BlockMlp(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.fc1 = nn.Linear(channels, 4 * channels)
        self.fc2 = nn.Linear(4 * channels, channels)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(self.norm(x))))


class Block(nn.Module):
    def __init__(self, stage):
        super().__init__()
        self.attn = WindowAttention(stage)
        self.local_conv = Depthwise(stage.channels)
        self.mlp = BlockMlp(stage.channels)

    def forward(self, x):
        x = self.local_conv(x + self.attn(x))
        return x + self.mlp(x)


class Layer(nn.Module):
    def __init__(self, blocks, downsample):
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        if downsample:
            self.downsample = downsample


class PatchEmbed(nn.Module):
    def __init__(self):
        super().__init__()
        self.seq = nn.ModuleDict(
            {"0": Conv(3, 32, 3, 2, 1), "2": Conv(32, STAGES[0].channels, 3, 2, 1)}
        )

    def forward(self, x):
        return self.seq["2"](F.gelu(self.seq["0"](x)))


class TinyVit(nn.Module):
    """Turns a normalised image [batch, S, S, 3] into maps and SAM's embedding.

    The maps have strides 4, 8 and 16; the embedding has stride 16.
    """

    def __init__(self):
        super().__init__()
        self.patch_embed = PatchEmbed()
        self.layers = nn.ModuleList()
        for i, stage in enumerate(STAGES):
            block = partial(Block, stage) if stage.heads else partial(MbConv, stage.channels)
            is_last = i + 1 == len(STAGES)
            stride = 1 if i + 2 == len(STAGES) else 2
            merging = (
                None if is_last else PatchMerging(stage.channels, STAGES[i + 1].channels, stride)
            )
            self.layers.append(Layer([block() for _ in range(stage.depth)], merging))
        self.neck = nn.ModuleDict(
            {
                "0": nn.Linear(STAGES[-1].channels, EMBED_DIM),
                "1": nn.LayerNorm(EMBED_DIM, eps=1e-6),
                "2": Conv(EMBED_DIM, EMBED_DIM, 3, 1, 1),
                "3": nn.LayerNorm(EMBED_DIM, eps=1e-6),
            }
        )

    def forward(self, image):
        x = self.patch_embed(image)
        maps = []
        for i, layer in enumerate(self.layers):
            for block in layer.blocks:
                x = block(x)
            maps.append(x)
            if i + 1 < len(self.layers):
                x = layer.downsample(x)
        embedding = x
        for part in self.neck.values():
            embedding = part(embedding)
        stride4, stride8, _, stride16 = maps
        return stride4, stride8, stride16, embedding
