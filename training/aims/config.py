"""Sizes of the model. The Rust twins are `src/model/config.rs` and `AimsConfig` in `src/model/aims`."""

from dataclasses import dataclass

LEVELS = ("part", "entity", "relation")
# What has a mask for every query, and the level of that mask. Which thing a point means is often unclear: entities have two
# readings, a large and a small one.
OUTPUT_TOKENS = {"part": "part", "entity": "entity", "relation": "relation", "small_entity": "entity"}

PIXEL_MEAN = (123.675, 116.28, 103.53)
PIXEL_STD = (58.395, 57.12, 57.375)


@dataclass(frozen=True)
class Stage:
    """Of TinyViT: the first stage is convolutional and has no heads."""

    channels: int
    depth: int
    heads: int = 0
    window: int = 0


STAGES = (Stage(64, 2), Stage(128, 2, 4, 7), Stage(160, 6, 5, 14), Stage(320, 2, 10, 7))
EMBED_DIM = 256


@dataclass(frozen=True)
class Config:
    """Of the AIMS head. Switches are for ablations."""

    width: int = 160
    heads: int = 5
    mask_dim: int = 64
    context_layers: int = 1
    # Each round asks where the masks of those before it are not; there are at most so many.
    rounds: int = 6
    round_queries: int = 8
    mask_prompts: bool = True
    complementarity: bool = True
    association: bool = True


PRESETS = {"tiny": Config()}
