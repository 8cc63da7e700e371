"""The level decoders: masks of all three levels around points, and what ties points and levels together."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from .config import EMBED_DIM, LEVELS, OUTPUT_TOKENS
from .grid import SharedImage
from .layers import Attention, Mlp, zero_init
from .transformer import TwoWayTransformer, Upscale


class Objectness(nn.Module):
    """Where masks of this level have their centres."""

    def __init__(self, config):
        super().__init__()
        self.norm = nn.LayerNorm(config.width)
        self.mlp = Mlp(config.width, config.width, 1)
        # Centres are rare: at first the objectness is low everywhere.
        nn.init.constant_(self.mlp.layers[-1].bias, -4.0)

    def forward(self, map8):
        """[batch, side, side, width] to logits [batch, side, side]."""
        return self.mlp(self.norm(map8)).squeeze(-1)


class Head(nn.Module):
    """What one output token says."""

    def __init__(self, config):
        super().__init__()
        self.token = nn.Parameter(torch.randn(1, EMBED_DIM) * 0.02)
        # For the image as the query sees it, and for the mask features that all queries share.
        self.hypernetwork = Mlp(EMBED_DIM, EMBED_DIM, EMBED_DIM, EMBED_DIM // 8, between=F.relu)
        self.kernel = zero_init(nn.Linear(EMBED_DIM, config.mask_dim))


class LevelDecoder(Head):
    """A head, and the level's places for queries."""

    def __init__(self, config):
        super().__init__(config)
        self.objectness = Objectness(config)


class Prediction(NamedTuple):
    """Of the queries at one level: a mask each; at the level of entities, of each round first the large readings of all its queries,
    then the small ones."""

    tokens: torch.Tensor  # [batch, masks, 256]
    logits: torch.Tensor  # [batch, masks, S / 4, S / 4]
    score: torch.Tensor  # [batch, masks], a logit: whether the point lies in such a mask
    quality: torch.Tensor  # [batch, masks], the logit of the predicted IoU


def joined(predictions):
    """One after the other."""
    return Prediction(*(torch.cat(parts, 1) for parts in zip(*predictions)))


class Complementarity(nn.Module):
    """Between the two-way blocks the output tokens of all queries of a round look at one another."""

    def __init__(self, config):
        super().__init__()
        self.norm = nn.LayerNorm(EMBED_DIM)
        self.attention = Attention(EMBED_DIM, config.sam.heads, EMBED_DIM // 2)
        zero_init(self.attention.out_proj)

    def forward(self, tokens, places):
        """[batch, queries * output tokens, 256] each."""
        x = self.norm(tokens)
        placed = x + places
        return tokens + self.attention(placed, placed, x)


class Affinity(nn.Module):
    """Logits of the links between the masks of a coarse level and of a fine one."""

    def __init__(self, config):
        super().__init__()
        self.dim = config.affinity_dim
        self.coarse = nn.Linear(EMBED_DIM, self.dim)
        self.fine = nn.Linear(EMBED_DIM, self.dim)
        self.bias = nn.Parameter(torch.full((1,), -2.0))

    def forward(self, coarse, fine):
        return self.coarse(coarse) @ self.fine(fine).transpose(1, 2) * self.dim**-0.5 + self.bias


class Decoder(nn.Module):
    """SAM's two-way transformer, which starts from MobileSAM's weights, with output tokens for the levels: one look at a
    point gives its part, its entity and its relation."""

    def __init__(self, config):
        super().__init__()
        self.config = config
        self.from_context = zero_init(nn.Linear(config.width, EMBED_DIM))
        self.quality_token = nn.Parameter(torch.randn(1, EMBED_DIM) * 0.02)
        self.transformer = TwoWayTransformer(config.sam)
        self.upscale = Upscale(EMBED_DIM)
        self.quality_head = Mlp(
            EMBED_DIM, EMBED_DIM, EMBED_DIM, 2 * len(OUTPUT_TOKENS), between=F.relu
        )
        self.complementarity = Complementarity(config)

    def forward(self, heads, encoder, prepared, points):
        """One round. `heads` are in the order of `OUTPUT_TOKENS`, `prepared` is what `Aims.prepare` returns, `points` [batch, queries, 2] in 0..1 of
        the longer side."""
        batch, height, width, _ = prepared.embedding.shape
        queries = points.shape[1]
        image = (
            prepared.embedding + encoder.no_mask_embed.weight + self.from_context(prepared.map16)
        ).flatten(1, 2)
        prompts = encoder.tokens(points).flatten(0, 1)
        outputs = torch.cat([self.quality_token, *(head.token for head in heads)])
        tokens = torch.cat([outputs.expand(len(prompts), -1, -1), prompts], 1)
        places = prompts[:, :1].expand(-1, len(OUTPUT_TOKENS), -1).reshape(batch, -1, EMBED_DIM)
        positions = encoder.positions(height, width)
        # Of one image it is worth computing once what all queries share.
        shared = SharedImage(self.transformer, image[0], positions[0]) if batch == 1 else None
        looked = shared.look(tokens) if shared else self.transformer.look(image, positions, tokens)
        if self.config.complementarity:
            own = slice(1, 1 + len(OUTPUT_TOKENS))
            of_levels = self.complementarity(looked[:, own].reshape(batch, -1, EMBED_DIM), places)
            of_levels = of_levels.view(len(looked), -1, EMBED_DIM)
            looked = torch.cat([looked[:, : own.start], of_levels, looked[:, own.stop :]], 1)
        tokens, image = (
            shared.finish(tokens, looked)
            if shared
            else self.transformer.finish(image, positions, tokens, looked)
        )
        kernels = torch.stack(
            [head.hypernetwork(tokens[:, 1 + i]) for i, head in enumerate(heads)], 1
        )
        pixels = self.upscale(image)
        logits = Upscale.into_rows(kernels @ pixels.transpose(1, 2), height, width).unflatten(
            0, (batch, queries)
        )
        judged = self.quality_head(tokens[:, 0]).view(batch, queries, 2, len(OUTPUT_TOKENS))
        predictions = {level: [] for level in LEVELS}
        for i, (level, head) in enumerate(zip(OUTPUT_TOKENS.values(), heads)):
            said = tokens[:, 1 + i].view(batch, queries, EMBED_DIM)
            shared = mask_logits(head.kernel(said), prepared.map4)
            predictions[level].append(
                Prediction(said, logits[:, :, i] + shared, judged[:, :, 0, i], judged[:, :, 1, i])
            )
        return {level: joined(parts) for level, parts in predictions.items()}


def mask_logits(kernels, map4):
    """[batch, n, mask_dim] and [batch, height, width, mask_dim] to [batch, n, height, width]."""
    batch, height, width, channels = map4.shape
    logits = kernels @ map4.reshape(batch, height * width, channels).transpose(1, 2)
    return logits.view(batch, -1, height, width)


def local_maxima(objectness):
    """The places that no neighbour outdoes."""
    return F.max_pool2d(objectness, 3, 1, 1) == objectness


def query_scores(objectness, maxima, allowed):
    """How much each place ([batch, height, width]) is worth a query: its objectness ([batch, levels, height, width]) at the highest level, but after
    all maxima if it is none, and last of all if it is not `allowed`."""
    return (objectness.double() - 100.0 * ~maxima).amax(1) - 1000.0 * ~allowed


def select_queries(worth, count):
    """The next queries: the `count` places ([batch, count, 2] in 0..1 of the longer side) that are worth most. No two are neighbours if it
    can be helped."""
    batch, height, width = worth.shape
    chosen = []
    for _ in range(count):
        at = worth.flatten(1).argmax(1)
        chosen.append(at)
        hit = F.one_hot(at, height * width).view(batch, 1, height, width).float()
        worth = worth - 10000.0 * F.max_pool2d(hit, 3, 1, 1)[:, 0]
    chosen = torch.stack(chosen, 1)
    return torch.stack([chosen % width, chosen // width], -1).add(0.5) / max(height, width)
