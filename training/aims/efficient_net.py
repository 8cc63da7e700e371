"""EfficientNet-Lite, a classifier of ImageNet, without its last layers.

SAM's encoder learnt to cut photos into pieces, not what these are called. This network learnt what
things are called, so its maps help the semantic head and the scene head. Its batch norms are folded
into other layers. The Rust twin is `src/model/efficient_net.rs`.
"""

import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn

from .layers import Conv, Depthwise

PREFIX = "efficient_net."  # of its tensors in the model file


class Block(nn.Module):
    """An inverted bottleneck; where it keeps the shape, its input is added."""

    def __init__(self, inputs, outputs, expand, kernel, stride, padding):
        super().__init__()
        hidden = inputs * expand
        self.expand = nn.Linear(inputs, hidden) if expand > 1 else None
        self.depthwise = Depthwise(hidden, stride, kernel, padding)
        self.project = nn.Linear(hidden, outputs)
        self.adds = stride == 1 and inputs == outputs

    def forward(self, x):
        hidden = F.relu6(self.expand(x)) if self.expand else x
        y = self.project(F.relu6(self.depthwise(hidden)))
        return x + y if self.adds else y


class EfficientNet(nn.Module):
    """`config` is the entry `efficientNet` of a manifest."""

    def __init__(self, config):
        super().__init__()
        # The classifier has a window of 3 x 3 without padding before the image. Here the window has
        # one more row and column before it, with weights of zero, and one more row and column of
        # padding.
        self.stem = Conv(3, config["stem"], 4, 2, 1)
        self.blocks, channels, stride = nn.ModuleList(), config["stem"], 2
        self.ends = {}  # the last block of each stride
        for stage in config["stages"]:
            for number in range(stage["depth"]):
                kernel, step, padding = stage["kernel"], 1, stage["kernel"] // 2
                if number == 0:
                    step, padding = stage["stride"], stage["padding"]
                self.blocks.append(
                    Block(channels, stage["channels"], stage["expand"], kernel, step, padding)
                )
                channels, stride = stage["channels"], stride * step
                self.ends[stride] = len(self.blocks) - 1

    @classmethod
    def read(cls, manifest, path):
        """Reads what `training/efficient_net.py` writes."""
        network = cls(manifest["efficientNet"])
        weights = load_file(path).items()
        network.load_state_dict({name.removeprefix(PREFIX): x.float() for name, x in weights})
        return network.eval().requires_grad_(False)

    def forward(self, image):
        """The maps of strides 16 and 32 of an image that is normalised as SAM's encoder wants it.

        Its sides are multiples of 32.
        """
        x, maps = F.relu6(self.stem(image)), []
        for number, block in enumerate(self.blocks):
            x = block(x)
            if number in (self.ends[16], self.ends[32]):
                maps.append(x)
        return maps
