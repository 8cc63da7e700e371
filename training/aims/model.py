"""The AIMS model: shared encoder and pixel decoder, one decoder a level, mask prompts, links between levels."""

from dataclasses import dataclass

import torch
from torch import nn

from .config import LEVELS, Config
from .decoder import Affinity, Complementarity, LevelDecoder, Prediction, outside_bias, places_of, select
from .layers import sine_positions
from .pixel_decoder import PixelDecoder, PromptEncoder
from .tiny_vit import TinyVit


@dataclass
class Outputs:
    heat: dict[str, torch.Tensor]  # [batch, tokens of stride 8]: logits of being the middle of a mask
    tokens: dict[str, torch.Tensor]  # [batch, tokens of stride 8, width]: a query at each token
    chosen: dict[str, torch.Tensor]  # [batch, queries]: which tokens became queries
    predictions: list[dict[str, Prediction]]  # before the first layer, and after each
    links: dict[str, torch.Tensor]  # "entity_part": [batch, entities, parts], "relation_entity"
    map4: torch.Tensor  # [batch, S / 4, S / 4, mask_dim]: mask logits are products of kernels with it


class Aims(nn.Module):
    """Everything after the encoder."""

    def __init__(self, config=Config()):
        super().__init__()
        self.config = config
        self.pixel_decoder = PixelDecoder(config)
        self.prompt_encoder = PromptEncoder(config)
        self.decoders = nn.ModuleDict({level: LevelDecoder(config) for level in LEVELS})
        self.complementarity = nn.ModuleList(Complementarity(config, LEVELS) for _ in range(config.decoder_layers - 1))
        self.association = nn.ModuleDict({"entity_part": Affinity(config), "relation_entity": Affinity(config)})

    def forward(self, features, prompt=None, hints=None, layers=None):
        """`prompt` [batch, S, S, 1] holds 0 and 1, None is the full image; `hints` by level ([batch, n] of tokens, -1 for
        none) become queries whatever their heat; fewer `layers` than there are leave the proposals as they are."""
        config = self.config
        added = self.prompt_encoder(prompt) if prompt is not None and config.mask_prompts else None
        if added:
            # The full image is exactly no prompt.
            partial = (prompt.amin((1, 2, 3), keepdim=True) < 0.5).to(prompt.dtype)
            added = [x * partial for x in added]
        map16, map8, map4 = self.pixel_decoder(features, added)
        maps = (map16, map8)
        side = map8.shape[2]
        flat8 = map8.flatten(1, 2)
        codes = [sine_positions(*x.shape[1:3], config.width, x.device).to(x.dtype) for x in maps]

        heat, tokens, chosen, queries, places = {}, {}, {}, {}, {}
        for level, count in zip(LEVELS, config.queries):
            heat[level], tokens[level] = self.decoders[level].proposals(flat8, codes[1])
            chosen[level] = self.choose(heat[level].detach(), side, count, hints and hints[level])
            index = chosen[level][..., None].expand(-1, -1, config.width)
            queries[level] = tokens[level].gather(1, index)
            places[level] = places_of(chosen[level], side, config.width).to(flat8.dtype)

        predictions = [{level: self.decoders[level].head(queries[level]) for level in LEVELS}]
        for i in range(config.decoder_layers if layers is None else layers):
            # Coarse tokens first, then fine ones.
            stride = (4, 2)[i % 2]
            flat, positions = maps[i % 2].flatten(1, 2), codes[i % 2]
            for level in LEVELS:
                with torch.no_grad():
                    bias = outside_bias(predictions[-1][level].kernels, map4, stride)
                layer = self.decoders[level].layers[i]
                queries[level] = layer(queries[level], places[level], flat, positions, bias)
            if config.complementarity and i < len(self.complementarity):
                queries = self.complementarity[i](queries, places)
            predictions.append({level: self.decoders[level].head(queries[level]) for level in LEVELS})

        links = {}
        if config.association:
            normed = {level: self.decoders[level].head.norm(queries[level]) for level in LEVELS}
            links = {
                "entity_part": self.association["entity_part"](normed["entity"], normed["part"]),
                "relation_entity": self.association["relation_entity"](normed["relation"], normed["entity"]),
            }
        return Outputs(heat, tokens, chosen, predictions, links, map4)

    @staticmethod
    def choose(heat, side, count, hints):
        count = min(count, heat.shape[1])
        chosen = select(heat, side, count)
        if hints is not None:
            chosen[:, -hints.shape[1] :] = torch.where(hints >= 0, hints, chosen[:, -hints.shape[1] :])
        return chosen


class Network(nn.Module):
    """Encoder and head; the names are those of the model file."""

    def __init__(self, config=Config()):
        super().__init__()
        self.image_encoder = TinyVit()
        self.aims = Aims(config)

    def forward(self, image, prompt=None, hints=None):
        return self.aims(self.image_encoder(image), prompt, hints)
