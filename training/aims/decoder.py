"""The level decoders, which make masks of all three levels around points.

Task complementarity and association relate the masks of points and levels to each other.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from .config import EMBED_DIM, LEVELS, OUTPUT_TOKENS
from .grid import SharedImage
from .layers import Attention, Mlp, zero_init
from .transformer import TwoWayTransformer, Upscale


class Objectness(nn.Module):
    """Says where the masks of a level have their centres."""

    def __init__(self, config):
        super().__init__()
        self.norm = nn.LayerNorm(config.width)
        self.mlp = Mlp(config.width, config.width, 1)
        # Centres are rare, so the objectness is low everywhere at first.
        nn.init.constant_(self.mlp.layers[-1].bias, -4.0)

    def forward(self, map8):
        """Turns a map [batch, side, side, width] into logits [batch, side, side]."""
        return self.mlp(self.norm(map8)).squeeze(-1)


class Head(nn.Module):
    """An output token and the layers that make its mask."""

    def __init__(self, config):
        super().__init__()
        self.token = nn.Parameter(torch.randn(1, EMBED_DIM) * 0.02)
        # One makes kernels for the image as the query sees it, the other for the mask features that
        # all queries share.
        self.hypernetwork = Mlp(EMBED_DIM, EMBED_DIM, EMBED_DIM, EMBED_DIM // 8, between=F.relu)
        self.kernel = zero_init(nn.Linear(EMBED_DIM, config.mask_dim))


class LevelDecoder(Head):
    """A head with the objectness of its level, which says where to put queries."""

    def __init__(self, config):
        super().__init__(config)
        self.objectness = Objectness(config)


class Prediction(NamedTuple):
    """What the queries say at one level.

    Each query has a mask. At the level of entities it has two: in each round, the large readings
    of all queries come first, then the small ones.
    """

    tokens: torch.Tensor  # [batch, masks, 256]
    logits: torch.Tensor  # [batch, masks, S / 4, S / 4]
    score: torch.Tensor  # [batch, masks]: the logit that the point lies in such a mask
    quality: torch.Tensor  # [batch, masks]: the logit of the predicted IoU


def joined(predictions):
    """Joins predictions, one after the other."""
    return Prediction(*(torch.cat(parts, 1) for parts in zip(*predictions)))


class Complementarity(nn.Module):
    """Task complementarity: self-attention among the output tokens of all queries of a round.

    It comes between the two-way blocks.
    """

    def __init__(self, config):
        super().__init__()
        self.norm = nn.LayerNorm(EMBED_DIM)
        self.attention = Attention(EMBED_DIM, config.sam.heads, EMBED_DIM // 2)
        zero_init(self.attention.out_proj)

    def forward(self, tokens, places):
        """Both arguments and the result are [batch, queries * output tokens, 256]."""
        x = self.norm(tokens)
        placed = x + places
        return tokens + self.attention(placed, placed, x)


class Affinity(nn.Module):
    """Association: the logits of links between the masks of a coarse level and of a fine one."""

    def __init__(self, config):
        super().__init__()
        self.dim = config.affinity_dim
        self.coarse = nn.Linear(EMBED_DIM, self.dim)
        self.fine = nn.Linear(EMBED_DIM, self.dim)
        self.bias = nn.Parameter(torch.full((1,), -2.0))

    def forward(self, coarse, fine):
        return self.coarse(coarse) @ self.fine(fine).transpose(1, 2) * self.dim**-0.5 + self.bias


class Decoder(nn.Module):
    """SAM's two-way transformer with output tokens for the levels.

    It starts from MobileSAM's weights. One pass for a point gives its part, its entity and its
    relation.
    """

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
        """Answers one round of queries.

        `heads` are in the order of `OUTPUT_TOKENS`, `prepared` is what `Aims.prepare` returns, and
        `points` are [batch, queries, 2] in 0..1 of the longer side.
        """
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
        # For a single image it pays to compute only once what all queries share.
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
    """The products [batch, n, height, width] of kernels with the mask features.

    Kernels are [batch, n, mask_dim], and `map4` is [batch, height, width, mask_dim].
    """
    batch, height, width, channels = map4.shape
    logits = kernels @ map4.reshape(batch, height * width, channels).transpose(1, 2)
    return logits.view(batch, -1, height, width)


def local_maxima(objectness):
    """The cells where no neighbour has a higher objectness."""
    return F.max_pool2d(objectness, 3, 1, 1) == objectness


def query_scores(objectness, maxima, allowed):
    """How good each cell is for a query, [batch, height, width].

    This is its highest objectness ([batch, levels, height, width]) over the levels. Cells that are
    no maxima rank after all maxima, and cells that are not `allowed` rank last.
    """
    return (objectness.double() - 100.0 * ~maxima).amax(1) - 1000.0 * ~allowed


def select_queries(worth, count):
    """Selects the next queries: the `count` best cells.

    They are [batch, count, 2] in 0..1 of the longer side. No two are neighbours unless only
    neighbours are left.
    """
    batch, height, width = worth.shape
    chosen = []
    for _ in range(count):
        at = worth.flatten(1).argmax(1)
        chosen.append(at)
        hit = F.one_hot(at, height * width).view(batch, 1, height, width).float()
        worth = worth - 10000.0 * F.max_pool2d(hit, 3, 1, 1)[:, 0]
    chosen = torch.stack(chosen, 1)
    return torch.stack([chosen % width, chosen // width], -1).add(0.5) / max(height, width)
