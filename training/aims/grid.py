"""SAM's mask decoder for very many points on one image: the same numbers as `MaskDecoder`, with fewer products.

A query changes the image only through its eight tokens in eight heads, so the image-side projections of each query are folded into
these 64 rows: `(x Wq) (Wk t)` is `x (Wq Wk t)`, and `(p v) Wo` is `p (v Wo)`. What all queries share is computed once an image."""

import torch
import torch.nn.functional as F

from .transformer import in_cells


class ManyPoints:
    """Of one encoded image (a batch of one)."""

    def __init__(self, sam, encoded):
        self.decoder, self.encoder = sam.mask_decoder, sam.prompt_encoder
        self.height, self.width = encoded.embedding.shape[1:3]
        self.image = (encoded.embedding + self.encoder.no_mask_embed.weight).flatten(1, 2)[0]
        positions = self.encoder.positions(self.height, self.width)[0]
        first, *_ = layers = self.decoder.transformer.layers
        looks = [layer.cross_attn_token_to_image for layer in layers] + [self.decoder.transformer.final_attn_token_to_image]
        self.looks = [Look(attention, positions) for attention in looks]
        self.updates = [Update(layer.cross_attn_image_to_token, positions) for layer in layers]
        self.first_key = self.image @ first.cross_attn_token_to_image.k_proj.weight.T
        self.first_value = first.cross_attn_token_to_image.v_proj(self.image)
        self.first_query = self.image @ first.cross_attn_image_to_token.q_proj.weight.T
        stride4, stride8 = encoded.high_resolution
        upscale = self.decoder.output_upscaling
        self.stride8 = in_cells(stride8, 1).view(1, -1, len(upscale["0"].bias)) + upscale["0"].bias
        self.stride4 = in_cells(stride4, 2).view(1, -1, len(upscale["3"].bias)) + upscale["3"].bias

    @torch.no_grad()
    def nested(self, points):
        """Of points [n, 2]: logits of the three nested masks [n, 3, 4 height, 4 width], predicted IoU [n, 3], tokens [n, 3, 256]."""
        decoder = self.decoder
        outputs = torch.cat([decoder.obj_score_token.weight, decoder.iou_token.weight, decoder.mask_tokens.weight])
        placed = torch.cat([outputs.expand(len(points), -1, -1), self.encoder.tokens(points)], 1)
        queries, image = self.transform(placed)
        kernels = torch.stack([decoder.output_hypernetworks_mlps[i](queries[:, 2 + i]) for i in (1, 2, 3)], 1)
        logits = kernels @ self.upscaled(image).transpose(1, 2)
        logits = decoder.output_upscaling.into_rows(logits, self.height, self.width)
        return logits, decoder.iou_prediction_head(queries[:, 1]).sigmoid()[:, 1:], queries[:, 3:6]

    def transform(self, placed):
        transformer = self.decoder.transformer
        queries, image = placed, None
        for number, layer in enumerate(transformer.layers):
            if number == 0:
                queries = layer.norm1(layer.self_attn(queries, queries, queries))
            else:
                here = queries + placed
                queries = layer.norm1(queries + layer.self_attn(here, here, queries))
            look, update = self.looks[number], self.updates[number]
            seen = look(queries + placed, image) if number else look.shared(queries + placed, self.first_key, self.first_value)
            queries = layer.norm2(queries + seen)
            queries = layer.norm3(queries + layer.mlp(queries))
            if number:
                image = layer.norm4(update(image, queries + placed, queries))
            else:
                image = layer.norm4(update.shared(self.image, self.first_query, queries + placed, queries))
        # The object score and the prompt's own tokens are not read any more.
        read = queries[:, 1:6]
        read = transformer.norm_final_attn(read + self.looks[-1](read + placed[:, 1:6], image))
        return F.pad(read, (0, 0, 1, 0)), image

    def upscaled(self, image):
        """[n, cells * 16, channels]."""
        upscale = self.decoder.output_upscaling
        n, cells, _ = image.shape
        x = torch.baddbmm(self.stride8, image, upscale["0"].weight.T.expand(n, -1, -1))
        x = F.gelu(upscale["1"](x.view(n, cells * 4, upscale.hidden)))
        x = torch.baddbmm(self.stride4, x, upscale["3"].weight.T.expand(n, -1, -1))
        return F.gelu(x).view(n, cells * 16, upscale.channels)


class Folded:
    """An attention whose image-side projections are folded into rows of its tokens, one row a head."""

    def __init__(self, attention):
        self.attention = attention

    def heads(self, x):
        """[n, rows, inner] to [n, heads, rows, inner / heads]."""
        return x.unflatten(2, (self.attention.heads, -1)).transpose(1, 2)

    def by_head(self, weight):
        """A projection's weight [inner, width] to [heads, inner / heads, width]."""
        return weight.unflatten(0, (self.attention.heads, -1))


class Look(Folded):
    """Of tokens at the image. The keys' bias adds the same to all cells, which the softmax takes away."""

    def __init__(self, attention, positions):
        super().__init__(attention)
        self.key, self.value = self.by_head(attention.k_proj.weight), self.by_head(attention.v_proj.weight)
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
        """The same where all queries see one image, whose projections are given."""
        scores = self.queries(tokens) @ (self.heads(key[None]).transpose(2, 3) + self.place)
        return self.merged(scores.softmax(-1) @ self.heads(value[None]), 0)

    def merged(self, mixed, bias):
        return self.attention.out_proj(mixed.transpose(1, 2).flatten(2) + bias)


class Update(Folded):
    """Of the image by tokens: what is returned is the image with what its cells saw."""

    def __init__(self, attention, positions):
        super().__init__(attention)
        self.query, self.out = self.by_head(attention.q_proj.weight), self.by_head(attention.out_proj.weight.T)
        self.place = self.heads((positions @ attention.q_proj.weight.T + attention.q_proj.bias)[None]).transpose(2, 3)

    def keys_and_values(self, tokens, values):
        key = self.heads(self.attention.k_proj(tokens))
        # A cell's weights sum to one in each head, so each head carries its part of the bias.
        folded = self.heads(self.attention.v_proj(values)) @ self.out + self.attention.out_proj.bias / len(self.out)
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
