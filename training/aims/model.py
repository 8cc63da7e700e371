"""The AIMS model: encoder, pixel decoder, mask prompts, level decoders and links between levels."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from .config import BASE, LEVELS, OUTPUT_TOKENS, PRESETS, THRESHOLDS
from .decoder import (
    Affinity,
    Decoder,
    Head,
    LevelDecoder,
    Prediction,
    joined,
    local_maxima,
    query_scores,
    select_queries,
)
from .grid import ManyPoints
from .hiera import Hiera
from .pixel_decoder import PixelDecoder, PromptEncoder
from .postprocess import confidence
from .sam import MaskDecoder
from .sam import PromptEncoder as SamPromptEncoder
from .side_decoder import SideDecoder
from .tiny_vit import TinyVit

# Masks with this confidence suppress the objectness inside them, so that queries of later rounds go
# elsewhere.
COVERS = THRESHOLDS["cover_confidence"]
# This is subtracted from suppressed objectness, so that suppressed cells come after all others.
COVERED = THRESHOLDS["covered_objectness"]
# After the first round, queries end when the objectness is below this everywhere.
MIN_OBJECTNESS = THRESHOLDS["min_objectness"]


@dataclass
class Prepared:
    """What all queries of an image share."""

    embedding: torch.Tensor
    high_resolution: tuple  # maps of strides 4 and 8, if SAM's decoder of the family reads them
    map16: torch.Tensor
    map4: torch.Tensor
    # [batch, levels, height, width] of stride 8: the logit that the centre of a mask is here.
    objectness: torch.Tensor
    allowed: torch.Tensor  # [batch, height, width]: where queries may be
    many: ManyPoints | None = None  # SAM's decoder, if there is a side decoder


@dataclass
class Outputs:
    objectness: torch.Tensor
    points: torch.Tensor  # [batch, queries, 2] in 0..1 of the longer side
    predictions: dict[str, Prediction]
    links: dict[str, torch.Tensor]  # "entity_part": [batch, entities, parts], "relation_entity"
    # SAM's own masks, if there is a side decoder: logits, predicted IoU and tokens, which are
    # [1, queries, 3, ...] each.
    nested: list | None = None


class Aims(nn.Module):
    """The AIMS head: everything after the image encoder."""

    def __init__(self, config=PRESETS["tiny"]):
        super().__init__()
        self.config = config
        self.pixel_decoder = PixelDecoder(config)
        self.prompt_encoder = PromptEncoder(config)
        self.decoders = nn.ModuleDict(
            {name: (LevelDecoder if name in LEVELS else Head)(config) for name in OUTPUT_TOKENS}
        )
        # With SAM 2, the levels have a side decoder, and the scene head says what belongs together.
        self.has_side_decoder = bool(config.sam.high_resolution)
        self.decoder = SideDecoder(config) if self.has_side_decoder else Decoder(config)
        if self.has_side_decoder:
            return
        self.association = nn.ModuleDict(
            {"entity_part": Affinity(config), "relation_entity": Affinity(config)}
        )
        if not config.association:
            # The Rust twin has no switch, so the weights are set to zero.
            for affinity in self.association.values():
                nn.init.zeros_(affinity.coarse.weight)
                nn.init.zeros_(affinity.coarse.bias)

    def prepare(self, features, sam, prompt):
        """Computes what all queries share.

        `sam` has SAM's prompt encoder and mask decoder. `prompt` is [batch, height, width, 1] of 0
        and 1 at the input's size; None is the full image.
        """
        added = (
            self.prompt_encoder(prompt) if prompt is not None and self.config.mask_prompts else None
        )
        if added:
            # A prompt of the full image must be exactly the same as no prompt.
            partial = (prompt.amin((1, 2, 3), keepdim=True) < 0.5).to(prompt.dtype)
            added = [x * partial for x in added]
        map16, map8, map4 = self.pixel_decoder(features, added)
        objectness = torch.stack([self.decoders[level].objectness(map8) for level in LEVELS], 1)
        if prompt is None:
            allowed = torch.ones_like(objectness[:, 0], dtype=torch.bool)
        else:
            share = F.avg_pool2d(prompt.permute(0, 3, 1, 2), 8)[:, 0]
            allowed = share >= share.amax((1, 2), keepdim=True).clamp(max=0.5)
        high_resolution = tuple(features[:2]) if self.config.sam.high_resolution else ()
        prepared = Prepared(features[-1], high_resolution, map16, map4, objectness, allowed)
        if self.has_side_decoder:
            prepared.many = ManyPoints(sam, prepared)
        return prepared

    def decode(self, prepared, sam, points):
        """Answers a round of queries at `points` ([batch, n, 2] in 0..1).

        Returns predictions by level, and SAM's own masks if there is a side decoder.
        """
        heads = [self.decoders[name] for name in OUTPUT_TOKENS]
        return (
            self.decoder(heads, prepared, points)
            if self.has_side_decoder
            else (self.decoder(heads, sam.prompt_encoder, prepared, points), None)
        )

    def link(self, predictions):
        if self.has_side_decoder or not self.config.association:
            return {}
        pairs = {name: name.split("_") for name in self.association}
        return {
            name: self.association[name](predictions[a].tokens, predictions[b].tokens)
            for name, (a, b) in pairs.items()
        }

    def forward(self, features, sam, prompt, points, selected):
        """Runs one round for training.

        Queries are at the `points` and at the `selected` cells with the highest objectness.
        """
        prepared = self.prepare(features, sam, prompt)
        objectness = prepared.objectness.detach().float()
        points = torch.cat(
            [
                points,
                select_queries(
                    query_scores(objectness, local_maxima(objectness), prepared.allowed), selected
                ),
            ],
            1,
        )
        predictions, nested = self.decode(prepared, sam, points)
        return Outputs(prepared.objectness, points, predictions, self.link(predictions), nested)

    @torch.no_grad()
    def segment(self, features, sam, prompt=None, levels=LEVELS):
        """Segments one image in rounds of queries.

        Queries go where the objectness of the `levels` is highest and no mask is yet, until it is
        low everywhere.
        """
        prepared = self.prepare(features, sam, prompt)
        objectness = prepared.objectness.float()[:, [LEVELS.index(level) for level in levels]]
        maxima, allowed, rounds, points, nested = (
            local_maxima(objectness),
            prepared.allowed,
            [],
            [],
            [],
        )
        for _ in range(self.config.rounds):
            ranked = query_scores(objectness, maxima, allowed)
            if points and ranked.max() < MIN_OBJECTNESS:
                break
            points.append(select_queries(ranked, self.config.round_queries))
            predictions, of_sam = self.decode(prepared, sam, points[-1])
            rounds.append(predictions)
            nested.append(of_sam)
            allowed = allowed & ~around(points[-1], *allowed.shape[1:])
            objectness = torch.stack(
                [
                    objectness[:, i] - COVERED * covered(rounds[-1][level])
                    for i, level in enumerate(levels)
                ],
                1,
            )
        predictions = {level: joined(found[level] for found in rounds) for level in LEVELS}
        nested = [torch.cat(x, 1) for x in zip(*nested)] if self.has_side_decoder else None
        return Outputs(
            prepared.objectness, torch.cat(points, 1), predictions, self.link(predictions), nested
        )


def around(points, height, width):
    """The cells of the points and their neighbours, [1, height, width] of bool."""
    hits = torch.zeros(1, 1, height, width, device=points.device)
    x, y = (points[0] * max(height, width)).long().unbind(-1)
    hits[0, 0, y, x] = 1.0
    return F.max_pool2d(hits, 3, 1, 1)[:, 0] > 0


def covered(prediction):
    """The cells of stride 8 that lie at least half in a mask that is good enough.

    They are [1, height, width] of 0 and 1.
    """
    good = confidence(prediction)[0] >= COVERS
    masks = (prediction.logits[0][good] > 0).float()
    height, width = prediction.logits.shape[-2:]
    if not len(masks):
        return torch.zeros(1, height // 2, width // 2, device=masks.device)
    return (F.avg_pool2d(masks[None], 2)[0] >= 0.5).any(0, keepdim=True).float()


class Network(nn.Module):
    """The encoder and the head, with the names of the model file."""

    def __init__(self, config=PRESETS["tiny"]):
        super().__init__()
        self.image_encoder = (
            Hiera(BASE["encoder"], config.sam) if config.sam.high_resolution else TinyVit()
        )
        self.prompt_encoder = SamPromptEncoder(config.sam)
        if config.sam.high_resolution:
            self.mask_decoder = MaskDecoder(config.sam).requires_grad_(False)
        self.aims = Aims(config)

    def forward(self, image, prompt=None, levels=LEVELS):
        return self.aims.segment(self.image_encoder(image), self, prompt, levels)
