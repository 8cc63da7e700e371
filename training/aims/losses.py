"""What training minimises. Losses of one image are summed over levels and averaged over images.

* heat: the tokens in the middles of masks, as a penalty-reduced focal loss;
* mask, quality: of every query, at each level, the labelled mask that its point lies in (of several, the one it is nearest to);
* score: whether there is such a mask;
* links: both affinity matrices between queries with masks.

Where a set does not say what is there, nothing is held against the model."""

import torch
import torch.nn.functional as F

from .config import LEVELS

WEIGHTS = {"heat": 1.0, "mask": 1.0, "quality": 0.5, "score": 0.5, "link": 0.5}


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
def assign(points, logits, masks):
    """Queries whose point lies in a mask, and the mask: (queries, masks), each [n]."""
    side = masks.shape[-1]
    x, y = (points * side).long().clamp(0, side - 1).unbind(-1)
    holds = masks[:, y, x].t()
    queries = holds.any(1).nonzero()[:, 0]
    found = (logits[queries] > 0).flatten(1).float()
    exact = masks.flatten(1).float()
    both = found @ exact.t()
    overlap = both / (found.sum(1)[:, None] + exact.sum(1) - both).clamp(min=1)
    return queries, (overlap + 1.0 * holds[queries]).argmax(1)


def level_losses(prediction, heat, points, target):
    """The losses of one level and image, and which queries have which mask."""
    known8 = F.avg_pool2d(target.known[None, None].float(), 2)[0, 0].flatten() > 0.5
    losses = {"heat": heat_loss(heat.float().flatten(), target.heat, known8)}
    logits, score, quality = (x.float() for x in prediction)
    wanted = torch.zeros_like(score)
    matched = (torch.zeros(0, dtype=torch.long, device=score.device),) * 2
    if len(target.masks):
        matched = queries, masks = assign(points, logits, target.masks)
        if len(queries):
            exact = target.masks.float()
            losses["mask"] = mask_loss(logits[queries], exact[masks], grown(exact)[masks]).mean()
            reached = iou(logits[queries], target.masks[masks])
            losses["quality"] = F.binary_cross_entropy_with_logits(quality[queries], reached)
            wanted[queries] = 1.0
    side = target.known.shape[-1]
    x, y = (points * side).long().clamp(0, side - 1).unbind(-1)
    judged = ((wanted > 0) | target.known[y, x]).float()
    entropy = F.binary_cross_entropy_with_logits(score, wanted, reduction="none")
    losses["score"] = (entropy * judged).sum() / judged.sum().clamp(min=1)
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


def total(outputs, samples):
    """The weighted sum for a batch, and each loss by name."""
    sums = {}
    for row, sample in enumerate(samples):
        matched = {}
        for i, level in enumerate(LEVELS):
            said = outputs.predictions[level]
            prediction = said.logits[row], said.score[row], said.quality[row]
            losses, matched[level] = level_losses(prediction, outputs.heat[row, i], outputs.points[row], sample.targets[level])
            for name, value in losses.items():
                add(sums, name, value)
        for name, logits in outputs.links.items():
            coarse, fine = name.split("_")
            value = link_loss(logits[row], sample.links[name], matched[coarse], matched[fine])
            if value is not None:
                add(sums, "link", value)
    sums = {name: value / len(samples) for name, value in sums.items()}
    return sum(WEIGHTS[name] * value for name, value in sums.items()), sums
