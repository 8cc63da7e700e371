"""SAM's prompt encoder and mask decoder of both families, with the names of the model file.

Inputs may be rectangular: positions are always those in the square on the longer side, so the
shorter side is cropped.
"""

import torch
import torch.nn.functional as F
from torch import nn

from .config import SamConfig
from .hiera import Hiera
from .layers import Mlp, cells
from .tiny_vit import TinyVit
from .transformer import TwoWayTransformer, Upscale, fourier

# The label of a filler. The others are 0 background, 1 foreground, 2 and 3 top-left and
# bottom-right of a box.
PADDING = -1


class Frequencies(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.register_buffer("positional_encoding_gaussian_matrix", torch.randn(2, width // 2))


class PromptEncoder(nn.Module):
    """SAM's prompt encoder, frozen. Points are in 0..1 of the square's side."""

    def __init__(self, config):
        super().__init__()
        width, few, more = config.channels, config.channels // 64, config.channels // 16
        self.pe_layer = Frequencies(width)
        self.point_embeddings = nn.ModuleList(nn.Embedding(1, width) for _ in range(4))
        self.not_a_point_embed = nn.Embedding(1, width)
        self.no_mask_embed = nn.Embedding(1, width)
        # Two 2 x 2 convolutions of stride 2, and one of 1 x 1.
        self.mask_downscaling = nn.ModuleDict(
            {
                "0": nn.Linear(4, few),
                "1": nn.LayerNorm(few, eps=1e-6),
                "3": nn.Linear(4 * few, more),
                "4": nn.LayerNorm(more, eps=1e-6),
                "6": nn.Linear(more, width),
            }
        )
        self.requires_grad_(False)

    def codes(self, points):
        return fourier(points, self.pe_layer.positional_encoding_gaussian_matrix)

    def embed(self, points, labels):
        """The tokens [..., n, 256] of points, corners of boxes and fillers.

        `points` are [..., n, 2], and `labels` are [..., n].
        """
        table = torch.cat(
            [
                self.not_a_point_embed.weight,
                *(embedding.weight for embedding in self.point_embeddings),
            ]
        )
        is_point = (labels != PADDING)[..., None]
        return torch.where(is_point, self.codes(points), 0.0) + table[labels.long() + 1]

    def tokens(self, points):
        """The tokens [..., 2, 256] of single foreground points [..., 2].

        The second token is the filler that SAM expects after a point.
        """
        pair = torch.stack([points, torch.zeros_like(points)], -2)
        return self.embed(
            pair, torch.tensor([1, PADDING], device=points.device).expand(pair.shape[:-1])
        )

    def positions(self, height, width):
        """The positional encoding of the embedding's cells, [1, height * width, 256]."""
        side = max(height, width)
        at = (torch.arange(side, device=self.no_mask_embed.weight.device) + 0.5) / side
        grid = torch.stack(
            [at[:width].expand(height, width), at[:height, None].expand(height, width)], -1
        )
        return self.codes(grid.view(1, height * width, 2))

    def masks(self, logits):
        """Turns mask prompts [n, 4 height, 4 width] into what is added to the embedding.

        This is [n, height, width, 256].
        """
        layers = self.mask_downscaling
        x = F.gelu(layers["1"](layers["0"](cells(logits[..., None], 2))))
        x = F.gelu(layers["4"](layers["3"](cells(x, 2))))
        return layers["6"](x)


class MaskDecoder(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        width = config.channels
        if config.object_token:
            self.obj_score_token = nn.Embedding(1, width)
        self.iou_token = nn.Embedding(1, width)
        self.mask_tokens = nn.Embedding(config.masks, width)
        self.transformer = TwoWayTransformer(config)
        self.output_upscaling = Upscale(width)
        kernels = (
            Mlp(width, width, width, width // 8, between=F.relu) for _ in range(config.masks)
        )
        self.output_hypernetworks_mlps = nn.ModuleList(kernels)
        self.iou_prediction_head = Mlp(width, width, width, config.masks, between=F.relu)

    def forward(self, encoder, embedding, prompts, mask=None, high_resolution=()):
        """Answers prompts.

        `embedding` is [batch, height, width, 256], and `prompts` are [batch, n, tokens, 256].
        `mask` is what the prompt encoder makes of one mask for each image. `high_resolution` has
        the maps of strides 4 and 8. Returns logits [batch, n, masks, 4 height, 4 width] and
        predicted IoU [batch, n, masks].
        """
        batch, height, width, _ = embedding.shape
        stride4, stride8 = high_resolution or (None, None)
        prompts = prompts.flatten(0, 1)
        outputs = torch.cat([self.iou_token.weight, self.mask_tokens.weight])
        if self.config.object_token:
            outputs = torch.cat([self.obj_score_token.weight, outputs])
        tokens = torch.cat([outputs.expand(len(prompts), -1, -1), prompts], 1)
        image = (embedding + (encoder.no_mask_embed.weight if mask is None else mask)).flatten(1, 2)
        positions = encoder.positions(height, width)
        tokens, image = self.transformer.finish(
            image, positions, tokens, self.transformer.look(image, positions, tokens)
        )
        tokens = tokens[:, int(self.config.object_token) :]
        kernels = torch.stack(
            [mlp(tokens[:, 1 + i]) for i, mlp in enumerate(self.output_hypernetworks_mlps)], 1
        )
        pixels = self.output_upscaling(image, stride8, stride4)
        logits = Upscale.into_rows(kernels @ pixels.transpose(1, 2), height, width).float()
        scores = self.iou_prediction_head(tokens[:, 0]).float()
        scores = scores.sigmoid() if self.config.score_sigmoid else scores
        return logits.unflatten(0, (batch, -1)), scores.unflatten(0, (batch, -1))

    @torch.no_grad()
    def nested(self, encoder, embedding, points, tokens, high_resolution=()):
        """Logits and predicted IoU of the masks of `tokens` for single points [batch, n, 2]."""
        logits, scores = self(
            encoder, embedding, encoder.tokens(points), high_resolution=high_resolution
        )
        return logits[:, :, tokens], scores[:, :, tokens]


class Sam(nn.Module):
    """The encoders and the mask decoder of a family, with the names of the model file."""

    def __init__(self, manifest):
        super().__init__()
        config = SamConfig.of(manifest)
        kinds = {"tiny-vit": TinyVit, "hiera": lambda: Hiera(manifest["encoder"], config)}
        self.image_encoder = kinds[manifest["encoder"]["kind"]]()
        self.prompt_encoder = PromptEncoder(config)
        self.mask_decoder = MaskDecoder(config)
