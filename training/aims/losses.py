"""What training minimises. Losses of one image are summed over levels and averaged over images.

* heat: the tokens in the middles of masks, as a penalty-reduced focal loss;
* dense: a kernel from any token inside a labelled mask must give that mask;
* queries: matched one to one with masks after every layer; mask, predicted IoU, score;
* links: both affinity matrices between matched queries.

Where a set does not say what is there, nothing is held against the model."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from .config import LEVELS
from .decoder import mask_logits

WEIGHTS = {"heat": 1.0, "dense": 1.0, "mask": 1.0, "quality": 1.0, "score": 2.0, "link": 1.0}
# Tokens a level and image from which a mask is asked in the dense loss.
DENSE_TOKENS = 48
MATCH_STRIDE = 4  # of the masks' own stride


def heat_loss(logits, target, known):
    """After CenterNet: negatives near a middle count less."""
    probability = logits.sigmoid()
    positive = target >= 1.0
    loss = torch.where(
        positive,
        -F.logsigmoid(logits) * (1 - probability) ** 2,
        -F.logsigmoid(-logits) * probability**2 * (1 - target) ** 4,
    )
    return (loss * (positive | known)).sum() / positive.sum().clamp(min=1)


def mask_loss(logits, masks, near):
    """Binary cross-entropy, in the whole image and around the mask (`near`), and dice: [n]."""
    entropy = F.binary_cross_entropy_with_logits(logits, masks, reduction="none")
    local = (entropy * near).sum((1, 2)) / near.sum((1, 2)).clamp(min=1)
    probability = logits.sigmoid()
    overlap = 2 * (probability * masks).sum((1, 2))
    dice = 1 - (overlap + 1) / (probability.sum((1, 2)) + masks.sum((1, 2)) + 1)
    return 2 * entropy.mean((1, 2)) + 2 * local + 2 * dice


@torch.no_grad()
def grown(masks):
    """By eight pixels in all directions, along one axis after the other: [n, h, w]."""
    return F.max_pool2d(F.max_pool2d(masks, (17, 1), 1, (8, 0)), (1, 17), 1, (0, 8))


@torch.no_grad()
def iou(logits, masks):
    found = logits > 0
    both = (found & masks).sum((-1, -2))
    return both / (found | masks).sum((-1, -2)).clamp(min=1)


@torch.no_grad()
def match(kernels, score, small4, masks):
    """Greedy one-to-one assignment by overlap and score: (queries, masks), each [n]."""
    small = F.avg_pool2d(masks[:, None].float(), MATCH_STRIDE)[:, 0].flatten(1)
    probability = mask_logits(kernels[None], small4[None])[0].flatten(1).float().sigmoid()
    overlap = 2 * probability @ small.t()
    dice = (overlap + 0.1) / (probability.sum(1, keepdim=True) + small.sum(1) + 0.1)
    worth = dice + 0.2 * score.sigmoid().float()[:, None]
    queries, chosen = [], []
    worth = worth.cpu()
    for _ in range(min(worth.shape)):
        query, mask = divmod(int(worth.argmax()), worth.shape[1])
        queries.append(query)
        chosen.append(mask)
        worth[query] = -1.0
        worth[:, mask] = -1.0
    return torch.tensor(queries, device=masks.device, dtype=torch.long), torch.tensor(chosen, device=masks.device, dtype=torch.long)


def dense_tokens(target, generator):
    """Random tokens inside masks, as many from each: (tokens, masks), each [n]."""
    cells = F.max_pool2d(target.masks[:, None].float(), 2)[:, 0].flatten(1)
    each = max(1, DENSE_TOKENS // len(cells))
    picked = torch.multinomial(cells, each, replacement=True, generator=generator)
    masks = torch.arange(len(cells), device=cells.device).repeat_interleave(each)
    order = torch.randperm(len(masks), generator=generator, device=cells.device)[:DENSE_TOKENS]
    return picked.flatten()[order], masks[order]


@dataclass
class ImageOutputs:
    """One image of a batch."""

    outputs: object
    row: int
    map4: torch.Tensor
    small4: torch.Tensor

    def logits(self, kernels):
        return mask_logits(kernels[None], self.map4[None])[0].float()


def level_losses(view, model, level, target, generator):
    """The losses of one level and image, and the queries matched after the last layer."""
    outputs, row = view.outputs, view.row
    known8 = F.avg_pool2d(target.known[None, None].float(), 2)[0, 0].flatten() > 0.5
    losses = {"heat": heat_loss(outputs.heat[level][row].float(), target.heat, known8)}
    matched = (torch.zeros(0, dtype=torch.long, device=known8.device),) * 2
    if len(target.masks):
        exact = target.masks.float()
        near = grown(exact)
        tokens, masks = dense_tokens(target, generator)
        said = model.decoders[level].head(outputs.tokens[level][row, tokens])
        logits = view.logits(said.kernels)
        losses["dense"] = mask_loss(logits, exact[masks], near[masks]).mean()
        losses["quality"] = F.binary_cross_entropy_with_logits(said.quality.float(), iou(logits, target.masks[masks]))

    known = F.avg_pool2d(target.known[None, None].float(), MATCH_STRIDE)[0, 0].flatten()
    for layer in outputs.predictions:
        said = layer[level]
        kernels, score, quality = said.kernels[row], said.score[row].float(), said.quality[row].float()
        wanted = torch.zeros_like(score)
        if len(target.masks):
            matched = match(kernels, score, view.small4, target.masks)
            queries, masks = matched
            logits = view.logits(kernels[queries])
            add(losses, "mask", mask_loss(logits, exact[masks], near[masks]).mean())
            reached = iou(logits, target.masks[masks])
            add(losses, "quality", F.binary_cross_entropy_with_logits(quality[queries], reached))
            wanted[queries] = 1.0
        # A query without a mask is wrong only where the labels would have one.
        with torch.no_grad():
            found = mask_logits(kernels[None], view.small4[None])[0].flatten(1) > 0
            share = (found * known).sum(1) / found.sum(1).clamp(min=1)
            judged = (wanted > 0) | (share > 0.7)
        entropy = F.binary_cross_entropy_with_logits(score, wanted, reduction="none")
        focus = (score.sigmoid() - wanted).abs().detach() ** 2
        add(losses, "score", (entropy * focus * judged).sum() / max(1, len(target.masks)))
    return losses, matched


def link_loss(logits, truth, coarse, fine):
    """Of the links between matched queries; `coarse` and `fine` are (queries, masks)."""
    if not len(coarse[0]) or not len(fine[0]):
        return None
    logits = logits[coarse[0]][:, fine[0]].float()
    return F.binary_cross_entropy_with_logits(logits, truth[coarse[1]][:, fine[1]])


def embedding_loss(found, original):
    """How far the encoder's embedding is from the one that SAM's mask decoder was trained with, as a share of its variance."""
    original = original.float()
    return F.mse_loss(found.float(), original) / original.var()


def add(losses, name, value):
    losses[name] = losses.get(name, 0.0) + value


def total(outputs, model, samples, generator):
    """The weighted sum for a batch, and each loss by name."""
    sums = {}
    small4 = F.avg_pool2d(outputs.map4.permute(0, 3, 1, 2), MATCH_STRIDE).permute(0, 2, 3, 1)
    for row, (sample, map4) in enumerate(zip(samples, outputs.map4.unbind())):
        view = ImageOutputs(outputs, row, map4, small4[row].detach())
        matched = {}
        for level in LEVELS:
            losses, matched[level] = level_losses(view, model, level, sample.targets[level], generator)
            for name, value in losses.items():
                add(sums, name, value)
        for name, logits in outputs.links.items():
            coarse, fine = name.split("_")
            value = link_loss(logits[row], sample.links[name], matched[coarse], matched[fine])
            if value is not None:
                add(sums, "link", value)
    sums = {name: value / len(samples) for name, value in sums.items()}
    return sum(WEIGHTS[name] * value for name, value in sums.items()), sums
