"""Maps in units of their standard deviation, in which a network learns faster.

The model file needs no such units: they are folded into the layers that read the maps.
"""

from dataclasses import dataclass

import torch

# The layers of the semantic head that read the maps, in the order of `Maps.semantic`.
READERS = (
    "from_stride4",
    "from_stride8",
    "from_deepest",
    "from_embedding",
    "from_efficient16",
    "from_efficient32",
)
CELLS = 200  # of each map that count


@dataclass
class Standard:
    """The mean and the standard deviation of each channel, by map."""

    mean: list
    deviation: list

    @classmethod
    def of(cls, photos):
        """That of some photos' maps, each a list of [height, width, channels]."""
        some = [
            [x.flatten(0, 1)[:: -(-x[..., 0].numel() // CELLS)] for x in maps] for maps in photos
        ]
        joined = [torch.cat(maps) for maps in zip(*some)]
        return cls([x.mean(0) for x in joined], [x.std(0).clamp(min=1e-4) for x in joined])

    def __call__(self, maps):
        return [(x - mean) / std for x, mean, std in zip(maps, self.mean, self.deviation)]

    def folded(self, weights):
        """The weights of a head for maps as they are, from those for maps in these units."""
        return self.changed(weights, lambda x, std: x / std, -1)

    def unfolded(self, weights):
        """The reverse of `folded`."""
        return self.changed(weights, lambda x, std: x * std, 1)

    def changed(self, weights, scaled, sign):
        result = dict(weights)
        for name, mean, std in zip(READERS, self.mean, self.deviation):
            weight = scaled(weights[f"{name}.weight"], std)
            result[f"{name}.weight"] = weight
            # The bias follows from the weights for maps as they are.
            plain = weight if sign < 0 else weights[f"{name}.weight"]
            result[f"{name}.bias"] = weights[f"{name}.bias"] + sign * plain @ mean
        return result
