"""MobileSAM's own mask decoder, frozen: what it says of points where no label does."""

import torch
import torch.nn.functional as F
from torch import nn

from .config import EMBED_DIM
from .layers import Mlp
from .transformer import TwoWayTransformer, Upscale

# Its output tokens: the quality, one mask for sure prompts, and three nested masks for a point.
NESTED = (1, 2, 3)


class Teacher(nn.Module):
    """With the names of the model file below `mask_decoder`."""

    def __init__(self):
        super().__init__()
        self.transformer = TwoWayTransformer()
        self.output_upscaling = Upscale()
        self.iou_token = nn.Embedding(1, EMBED_DIM)
        self.mask_tokens = nn.Embedding(1 + len(NESTED), EMBED_DIM)
        self.output_hypernetworks_mlps = nn.ModuleList(
            Mlp(EMBED_DIM, EMBED_DIM, EMBED_DIM, Upscale.CHANNELS, between=F.relu) for _ in range(1 + len(NESTED))
        )
        self.iou_prediction_head = Mlp(EMBED_DIM, EMBED_DIM, EMBED_DIM, 1 + len(NESTED), between=F.relu)
        self.requires_grad_(False)

    @torch.no_grad()
    def forward(self, encoder, embedding, points):
        """`embedding` [batch, side, side, 256], `points` [batch, n, 2] in 0..1: logits [batch, n, 3, 4 side, 4 side] of the masks from
        small to large, and their predicted IoU [batch, n, 3]."""
        batch, side, _, _ = embedding.shape
        prompts = encoder.tokens(points).flatten(0, 1)
        outputs = torch.cat([self.iou_token.weight, self.mask_tokens.weight])
        tokens = torch.cat([outputs.expand(len(prompts), -1, -1), prompts], 1)
        image, positions = (embedding + encoder.no_mask).flatten(1, 2), encoder.positions(side)
        tokens, image = self.transformer.finish(image, positions, tokens, self.transformer.look(image, positions, tokens))
        kernels = torch.stack([self.output_hypernetworks_mlps[i](tokens[:, 1 + i]) for i in NESTED], 1)
        logits = Upscale.into_rows(kernels @ self.output_upscaling(image).transpose(1, 2), side)
        quality = self.iou_prediction_head(tokens[:, 0])[:, NESTED[0] :]
        return logits.view(batch, -1, len(NESTED), 4 * side, 4 * side).float(), quality.view(batch, -1, len(NESTED)).float()
