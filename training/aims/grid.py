"""SAM's mask decoder for very many points on one image.

It gives the same numbers as `TwoWayTransformer` with fewer products. A query changes the image only
through its few tokens in eight heads, so the image-side projections of each query are folded into
as many rows as it has tokens and heads: `(x Wq) (Wk t)` is `x (Wq Wk t)`, and `(p v) Wo` is
`p (v Wo)`. What all queries share is computed once for each image.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F

from .sam import PADDING
from .transformer import in_cells


class SharedImage:
    """One image ([cells, 256]) and its positional encoding, which all queries share."""

    def __init__(self, transformer, image, positions):
        self.transformer, self.image, self.positions = transformer, image, positions
        first, *_ = layers = transformer.layers
        self.first_key = image @ first.cross_attn_token_to_image.k_proj.weight.T
        self.first_value = first.cross_attn_token_to_image.v_proj(image)
        self.first_query = image @ first.cross_attn_image_to_token.q_proj.weight.T
        looks = [layer.cross_attn_token_to_image for layer in layers] + [
            transformer.final_attn_token_to_image
        ]
        self.looks = [Look(attention, positions) for attention in looks]
        self.updates = [Update(layer.cross_attn_image_to_token, positions) for layer in layers]

    def look(self, tokens):
        """Does the same as `TwoWayTransformer.look`."""
        layer = self.transformer.layers[0]
        queries = layer.norm1(layer.self_attn(tokens, tokens, tokens))
        queries = layer.norm2(
            queries + self.looks[0].shared(queries + tokens, self.first_key, self.first_value)
        )
        return layer.norm3(queries + layer.mlp(queries))

    def finish(self, tokens, queries, read=slice(None), entered=None, images=None):
        """Does the same as `TwoWayTransformer.finish`, but returns only the tokens to `read`.

        The lists, if given, collect the tokens that enter each block and the image after each
        block.
        """
        first, *layers = self.transformer.layers
        image = first.norm4(
            self.updates[0].shared(self.image, self.first_query, queries + tokens, queries)
        )
        entered, images = ([] if x is None else x for x in (entered, images))
        entered.append(tokens)
        images.append(image)
        for layer, look, update in zip(layers, self.looks[1:], self.updates[1:]):
            entered.append(queries)
            here = queries + tokens
            queries = layer.norm1(queries + layer.self_attn(here, here, queries))
            queries = layer.norm2(queries + look(queries + tokens, image))
            queries = layer.norm3(queries + layer.mlp(queries))
            image = layer.norm4(update(image, queries + tokens, queries))
            images.append(image)
        queries, tokens = queries[:, read], tokens[:, read]
        return self.transformer.norm_final_attn(
            queries + self.looks[-1](queries + tokens, image)
        ), image


class Answer(NamedTuple):
    """The answer to n prompts, with m masks each."""

    logits: torch.Tensor  # [n, m, 4 height, 4 width]
    quality: torch.Tensor  # [n, m]
    tokens: torch.Tensor  # [n, m, 256]
    pixels: torch.Tensor  # [n, cells * 16, 32]: kernels are multiplied with these
    entered: list  # the tokens that enter each block
    images: list  # the image after each block, [n, cells, 256]


class ManyPoints:
    """SAM's decoder on one encoded image (a batch of one)."""

    @torch.no_grad()
    def __init__(self, sam, encoded):
        self.decoder, self.encoder = sam.mask_decoder, sam.prompt_encoder
        self.height, self.width = encoded.embedding.shape[1:3]
        image = (encoded.embedding + self.encoder.no_mask_embed.weight).flatten(1, 2)[0]
        self.shared = SharedImage(
            self.decoder.transformer, image, self.encoder.positions(self.height, self.width)[0]
        )
        stride4, stride8 = encoded.high_resolution
        upscale = self.decoder.output_upscaling
        self.stride8 = in_cells(stride8, 1).view(1, -1, len(upscale["0"].bias)) + upscale["0"].bias
        self.stride4 = in_cells(stride4, 2).view(1, -1, len(upscale["3"].bias)) + upscale["3"].bias

    def nested(self, points):
        """The three nested masks of points [n, 2].

        Returns logits [n, 3, 4 height, 4 width], predicted IoU [n, 3] and tokens [n, 3, 256].
        """
        answer = self.answer(points)
        return answer.logits, answer.quality, answer.tokens

    def boxes(self, corners):
        """All four masks of boxes, whose top left and bottom right corners are [n, 2, 2].

        Returns the same as `nested`, with the mask for unambiguous prompts first.
        """
        # As in SAM 2's predictor, a filler ends the prompt.
        points = F.pad(corners, (0, 0, 0, 1))
        labels = torch.tensor([2, 3, PADDING]).expand(len(corners), -1)
        answer = self.decoded(self.encoder.embed(points, labels), (0, 1, 2, 3))
        return answer.logits, answer.quality, answer.tokens

    def answer(self, points):
        """Does the same as `nested`, but returns the intermediate results as well."""
        # The first mask is for unambiguous prompts.
        return self.decoded(self.encoder.tokens(points), (1, 2, 3))

    @torch.no_grad()
    def decoded(self, prompts, masks):
        """The answers to prompts [n, tokens, 256]: those of the decoder's `masks`."""
        decoder, entered, images = self.decoder, [], []
        outputs = torch.cat(
            [decoder.obj_score_token.weight, decoder.iou_token.weight, decoder.mask_tokens.weight]
        )
        placed = torch.cat([outputs.expand(len(prompts), -1, -1), prompts], 1)
        # The object score and the prompt's own tokens are not read.
        queries, image = self.shared.finish(
            placed, self.shared.look(placed), slice(1, 6), entered, images
        )
        kernels = torch.stack(
            [decoder.output_hypernetworks_mlps[i](queries[:, 1 + i]) for i in masks], 1
        )
        pixels = self.upscaled(image)
        logits = decoder.output_upscaling.into_rows(
            kernels @ pixels.transpose(1, 2), self.height, self.width
        )
        quality = decoder.iou_prediction_head(queries[:, 0]).sigmoid()[:, list(masks)]
        tokens = queries[:, [1 + i for i in masks]]
        return Answer(logits, quality, tokens, pixels, entered, images)

    def upscaled(self, image):
        """The upscaled image, [n, cells * 16, channels]."""
        upscale = self.decoder.output_upscaling
        n, cells, _ = image.shape
        x = torch.baddbmm(self.stride8, image, upscale["0"].weight.T.expand(n, -1, -1))
        x = F.gelu(upscale["1"](x.view(n, cells * 4, upscale.hidden)))
        x = torch.baddbmm(self.stride4, x, upscale["3"].weight.T.expand(n, -1, -1))
        return F.gelu(x).view(n, cells * 16, upscale.channels)


class Folded:
    """An attention whose image-side projections are folded into rows of its tokens.

    Each token has one row for each head.
    """

    def __init__(self, attention):
        self.attention = attention

    def heads(self, x):
        """Splits [n, rows, inner] into [n, heads, rows, inner / heads]."""
        return x.unflatten(2, (self.attention.heads, -1)).transpose(1, 2)

    def by_head(self, weight):
        """Splits a projection's weight [inner, width] into [heads, inner / heads, width]."""
        return weight.unflatten(0, (self.attention.heads, -1))


class Look(Folded):
    """The tokens' attention to the image.

    The keys' bias adds the same number to all cells, so that the softmax cancels it.
    """

    def __init__(self, attention, positions):
        super().__init__(attention)
        self.key, self.value = (
            self.by_head(attention.k_proj.weight),
            self.by_head(attention.v_proj.weight),
        )
        self.place = self.heads((positions @ attention.k_proj.weight.T)[None]).transpose(2, 3)

    def queries(self, tokens):
        query = self.heads(self.attention.q_proj(tokens))
        return query * query.shape[-1] ** -0.5

    def __call__(self, tokens, image):
        query = self.queries(tokens)
        rows = (query @ self.key).flatten(1, 2)
        scores = torch.baddbmm((query @ self.place).flatten(1, 2), rows, image.transpose(1, 2))
        seen = (scores.softmax(-1) @ image).unflatten(1, query.shape[1:3])
        return self.merged(seen @ self.value.transpose(1, 2), self.attention.v_proj.bias)

    def shared(self, tokens, key, value):
        """Does the same if all queries see one image, whose projected keys and values are given."""
        scores = self.queries(tokens) @ (self.heads(key[None]).transpose(2, 3) + self.place)
        return self.merged(scores.softmax(-1) @ self.heads(value[None]), 0)

    def merged(self, mixed, bias):
        return self.attention.out_proj(mixed.transpose(1, 2).flatten(2) + bias)


class Update(Folded):
    """The image's attention to the tokens. The result is added to the image."""

    def __init__(self, attention, positions):
        super().__init__(attention)
        self.query, self.out = (
            self.by_head(attention.q_proj.weight),
            self.by_head(attention.out_proj.weight.T),
        )
        self.place = self.heads(
            (positions @ attention.q_proj.weight.T + attention.q_proj.bias)[None]
        ).transpose(2, 3)

    def keys_and_values(self, tokens, values):
        key = self.heads(self.attention.k_proj(tokens))
        # A cell's weights sum to one in each head, so each head carries its part of the bias.
        folded = self.heads(
            self.attention.v_proj(values)
        ) @ self.out + self.attention.out_proj.bias / len(self.out)
        return key * key.shape[-1] ** -0.5, folded.flatten(1, 2)

    def __call__(self, image, tokens, values):
        key, folded = self.keys_and_values(tokens, values)
        rows = (key @ self.query).flatten(1, 2)
        scores = torch.baddbmm((key @ self.place).flatten(1, 2), rows, image.transpose(1, 2))
        weights = scores.unflatten(1, key.shape[1:3]).softmax(2).flatten(1, 2)
        return torch.baddbmm(image, weights.transpose(1, 2), folded)

    def shared(self, image, query, tokens, values):
        key, folded = self.keys_and_values(tokens, values)
        scores = key @ (self.heads(query[None]).transpose(2, 3) + self.place)
        weights = scores.softmax(2).flatten(1, 2)
        return torch.baddbmm(image[None], weights.transpose(1, 2), folded)
