"""The sizes of the models, from the manifests `models/*.json`.

Model files contain these manifests, and Rust reads them as well.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path

MODELS = Path(__file__).resolve().parents[2] / "models"


def manifest(name):
    """The manifest of a family, such as `aims-tiny`."""
    return json.loads((MODELS / f"{name}.json").read_text())


def fields(of):
    """A JSON object's entries under Python's names: `maskDim` becomes `mask_dim`."""
    return {
        re.sub("[A-Z]", lambda letter: "_" + letter[0].lower(), name): value
        for name, value in of.items()
    }


@dataclass(frozen=True)
class Stage:
    """A stage of an encoder. The first stage of TinyViT is convolutional and has no heads."""

    channels: int
    depth: int
    heads: int = 0
    window: int = 0


def stages_of(encoder):
    return tuple(Stage(**stage) for stage in encoder["stages"])


@dataclass(frozen=True)
class SamConfig:
    """The sizes of SAM's prompt encoder and mask decoder."""

    channels: int
    heads: int
    depth: int
    hidden: int
    masks: int  # output tokens: a mask for unambiguous prompts, then the nested masks for a point
    object_token: bool = False
    score_sigmoid: bool = False
    pad_boxes: bool = False  # whether prompts with a box end with a filler too
    high_resolution: tuple = ()  # channels of the maps of strides 4 and 8 that it adds, if any

    @classmethod
    def of(cls, manifest):
        return cls(**fields(manifest["decoder"]))


@dataclass(frozen=True)
class Config:
    """The sizes of the AIMS head. The switches are for ablations."""

    sam: SamConfig
    maps: tuple  # channels of the encoder's maps of strides 4 and 8, and of the deepest map
    deepest: int  # stride of the deepest map
    nested: tuple  # SAM's mask tokens for a point, from the small mask to the large one
    width: int
    heads: int
    mask_dim: int
    context_layers: int
    affinity_dim: int
    prompt_widths: tuple  # channels of a mask prompt at strides 4, 8 and 16
    # The most rounds of queries. Each round asks where earlier rounds have found no masks.
    rounds: int
    round_queries: int
    mask_prompts: bool = True
    complementarity: bool = True
    association: bool = True

    @classmethod
    def of(cls, manifest):
        levels = {
            name: value
            for name, value in manifest["levels"].items()
            if name not in ("outputs", "thresholds")
        }
        sam, channels = (
            SamConfig.of(manifest),
            [stage.channels for stage in stages_of(manifest["encoder"])],
        )
        if sam.high_resolution:
            return cls(sam, (*sam.high_resolution, channels[-1]), 32, (2, 3, 1), **fields(levels))
        return cls(sam, (channels[0], channels[1], channels[-1]), 16, (1, 2, 3), **fields(levels))


TINY = manifest("aims-tiny")
BASE = manifest("aims-base")
PRESETS = {"tiny": Config.of(TINY), "base": Config.of(BASE)}
STAGES = stages_of(TINY["encoder"])
EMBED_DIM = TINY["decoder"]["channels"]
PIXEL_MEAN, PIXEL_STD = TINY["input"]["mean"], TINY["input"]["std"]

# Each of these tokens makes a mask for every query; the value is the level of that mask. A point
# is often ambiguous, so entities have two readings: a large and a small one.
OUTPUT_TOKENS = {output["token"]: output["level"] for output in TINY["levels"]["outputs"]}
LEVELS = tuple(dict.fromkeys(OUTPUT_TOKENS.values()))
THRESHOLDS = fields(TINY["levels"]["thresholds"])
