"""The side decoder: the level decoders of aims-base, which run beside SAM 2's mask decoder.

The side decoder has output tokens of its own and changes nothing in SAM's decoder. So one pass for
a point gives SAM's nested masks, exactly as they are, and the masks of all levels, and training has
no gradients on the side of the image. The tokens attend to SAM's tokens and to one another, to the
image as SAM sees it in the same block (through SAM's own keys and values), and to the context,
which knows about the whole photo and about mask prompts.
"""

from types import SimpleNamespace

import torch
import torch.nn.functional as F
from torch import nn

from .config import EMBED_DIM, LEVELS, OUTPUT_TOKENS
from .decoder import Prediction, joined, mask_logits
from .grid import Look
from .layers import Attention, Mlp, zero_init
from .transformer import Upscale


class ImageAttention(nn.Module):
    """Attention to the image through SAM's keys and values."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.q_proj = nn.Linear(width, width // 2)
        self.out_proj = nn.Linear(width // 2, width)

    def through(self, attention, positions):
        """The attention with the keys and values of an `attention` of SAM."""
        both = {
            "k_proj": attention.k_proj,
            "v_proj": attention.v_proj,
            "q_proj": self.q_proj,
            "out_proj": self.out_proj,
        }
        return Look(SimpleNamespace(heads=self.heads, **both), positions)


class SideBlock(nn.Module):
    """A block that runs beside a block of SAM's transformer and shares its feed-forward layer."""

    def __init__(self, width, heads, first):
        super().__init__()
        self.first = first
        self.self_attn = Attention(width, heads)
        self.norm1 = nn.LayerNorm(width)
        self.image = ImageAttention(width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.context = Attention(width, heads, width // 2)
        zero_init(self.context.out_proj)
        self.norm_context = nn.LayerNorm(width)
        self.norm3 = nn.LayerNorm(width)

    def forward(self, own, start, others, image_attention, context, mlp):
        """Updates the side decoder's `own` tokens [n, k, 256].

        `start` has the tokens that they started as, and `others` has SAM's tokens and what these
        started as. `image_attention` attends to the image, and `context` has keys and values.
        """
        (theirs, their_start), (keys, values) = others, context
        if self.first:
            all_ = torch.cat([theirs, own], 1)
            own = self.self_attn(own, all_, all_)
        else:
            placed = torch.cat([theirs + their_start, own + start], 1)
            own = own + self.self_attn(own + start, placed, torch.cat([theirs, own], 1))
        own = self.norm1(own)
        own = self.norm2(own + image_attention(own + start))
        own = self.norm_context(own + self.context(own + start, keys, values))
        return self.norm3(own + mlp(own))


class SideDecoder(nn.Module):
    def __init__(self, config):
        super().__init__()
        width, heads = EMBED_DIM, config.sam.heads
        self.config = config
        self.from_context = nn.Linear(config.width, width)
        self.quality_token = nn.Parameter(torch.randn(1, width) * 0.02)
        self.blocks = nn.ModuleList(
            SideBlock(width, heads, i == 0) for i in range(config.sam.depth)
        )
        self.last = ImageAttention(width, heads)
        self.norm = nn.LayerNorm(width)
        self.quality_head = Mlp(width, width, width, 2 * len(OUTPUT_TOKENS), between=F.relu)

    def start(self, transformer):
        """Copies SAM's weights as the start of training."""
        copy = lambda to, source, names: [
            getattr(to, name).load_state_dict(getattr(source, name).state_dict()) for name in names
        ]
        for block, layer in zip(self.blocks, transformer.layers):
            copy(block, layer, ("self_attn", "norm1", "norm2", "norm3"))
            copy(block.image, layer.cross_attn_token_to_image, ("q_proj", "out_proj"))
        copy(self.last, transformer.final_attn_token_to_image, ("q_proj", "out_proj"))
        self.norm.load_state_dict(transformer.norm_final_attn.state_dict())

    def forward(self, heads, prepared, points):
        """Answers one round of queries for a batch of one.

        `heads` are in the order of `OUTPUT_TOKENS`, `prepared` is what `Aims.prepare` returns, and
        `points` are [1, queries, 2] in 0..1 of the longer side. Returns predictions by level, and
        the logits, predicted IoU and tokens of SAM's nested masks.
        """
        many = prepared.many
        answer = many.answer(points[0])
        shared, layers = many.shared, many.decoder.transformer.layers
        attentions = [layer.cross_attn_token_to_image for layer in layers]
        first, *looks = [
            block.image.through(attention, shared.positions)
            for block, attention in zip(self.blocks, attentions)
        ]
        image_attentions = [lambda x: first.shared(x, shared.first_key, shared.first_value)]
        image_attentions += [
            lambda x, look=look, image=image: look(x, image)
            for look, image in zip(looks, answer.images)
        ]
        context = self.from_context(prepared.map16).flatten(1, 2)
        context = context + shared.positions, context
        start = torch.cat([self.quality_token, *(head.token for head in heads)]).expand(
            points.shape[1], -1, -1
        )
        own = start
        for block, layer, theirs, image_attention in zip(
            self.blocks, layers, answer.entered, image_attentions
        ):
            own = block(
                own, start, (theirs, answer.entered[0]), image_attention, context, layer.mlp
            )
        last = self.last.through(
            many.decoder.transformer.final_attn_token_to_image, shared.positions
        )
        own = self.norm(own + last(own + start, answer.images[-1]))
        return self.said(heads, own, answer, prepared), [
            x[None] for x in (answer.logits, answer.quality, answer.tokens)
        ]

    def said(self, heads, own, answer, prepared):
        height, width = prepared.embedding.shape[1:3]
        kernels = torch.stack([head.hypernetwork(own[:, 1 + i]) for i, head in enumerate(heads)], 1)
        logits = Upscale.into_rows(kernels @ answer.pixels.transpose(1, 2), height, width)[None]
        judged = self.quality_head(own[:, 0]).view(1, len(own), 2, len(OUTPUT_TOKENS))
        predictions = {level: [] for level in LEVELS}
        for i, (level, head) in enumerate(zip(OUTPUT_TOKENS.values(), heads)):
            said = own[None, :, 1 + i]
            shared = mask_logits(head.kernel(said), prepared.map4)
            predictions[level].append(
                Prediction(said, logits[:, :, i] + shared, judged[:, :, 0, i], judged[:, :, 1, i])
            )
        return {level: joined(parts) for level, parts in predictions.items()}
