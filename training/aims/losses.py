"""The losses that training minimises.

The losses of one image are summed over levels and averaged over images.

* objectness: a penalty-reduced focal loss of the tokens in the centres of masks.
* mask, quality: the mask and the predicted IoU of every query. At each level a query learns the
  labelled mask that its point lies in, and if there are several, the nearest one. Of two readings,
  the better one learns most.
* score: whether there is such a mask.
* link: both affinity matrices, between queries with masks.
* distilled: if the labels do not say what is at a point, the query learns the nearest of the masks
  that SAM's own decoder has for the point.

Otherwise, if a set does not say what is at a place, nothing counts against the model.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from .config import LEVELS

WEIGHTS = {
    "objectness": 1.0,
    "mask": 1.0,
    "quality": 1.0,
    "score": 0.5,
    "link": 0.5,
    "distilled": 0.5,
}

# The share of the mask loss that comes from all readings of a point, not only from the best one.
LOSERS = 0.1

# Which of SAM's three nested masks, from small to large, a level may learn.
DISTILS = {"part": [0, 1], "entity": [1, 2]}
# SAM's masks with a lower predicted IoU are not learnt.
SURE = 0.75


def objectness_loss(logits, target, known):
    """The focal loss of CenterNet, in which negatives near a centre count less."""
    probability = logits.sigmoid()
    positive = target >= 1.0
    loss = torch.where(
        positive,
        -F.logsigmoid(logits) * (1 - probability) ** 2,
        -F.logsigmoid(-logits) * probability**2 * (1 - target) ** 4,
    )
    return (loss * (positive | known)).sum() / positive.sum().clamp(min=1)


def mask_loss(logits, masks, near):
    """The loss of each mask, [n].

    It is the binary cross-entropy in the whole image and around the mask (`near`), and dice.
    """
    entropy = F.binary_cross_entropy_with_logits(logits, masks, reduction="none")
    local = (entropy * near).sum((1, 2)) / near.sum((1, 2)).clamp(min=1)
    probability = logits.sigmoid()
    overlap = 2 * (probability * masks).sum((1, 2))
    dice = 1 - (overlap + 1) / (probability.sum((1, 2)) + masks.sum((1, 2)) + 1)
    return 2 * entropy.mean((1, 2)) + 2 * local + 2 * dice


@torch.no_grad()
def grown(masks):
    """Masks [n, h, w] grown by eight pixels in all directions, along one axis after the other."""
    return F.max_pool2d(F.max_pool2d(masks, (17, 1), 1, (8, 0)), (1, 17), 1, (0, 8))


@torch.no_grad()
def iou(logits, masks):
    found = logits > 0
    both = (found & masks).sum((-1, -2))
    return both / (found | masks).sum((-1, -2)).clamp(min=1)


def at(points, maps):
    """The values [..., n] of maps [..., height, width] at points.

    The points are [n, 2] in 0..1 of the longer side.
    """
    height, width = maps.shape[-2:]
    x, y = (points * max(height, width)).long().unbind(-1)
    return maps[..., y.clamp(0, height - 1), x.clamp(0, width - 1)]


@torch.no_grad()
def assign(points, logits, masks):
    """The queries whose point lies in a mask, and these masks: (queries, masks), each [n]."""
    holds = at(points, masks).t()
    queries = holds.any(1).nonzero()[:, 0]
    found = (logits[queries] > 0).flatten(1).float()
    exact = masks.flatten(1).float()
    both = found @ exact.t()
    overlap = both / (found.sum(1)[:, None] + exact.sum(1) - both).clamp(min=1)
    return queries, (overlap + 1.0 * holds[queries]).argmax(1)


def level_losses(prediction, objectness, points, target):
    """The losses of one level of one image, and which query has which mask."""
    known8 = F.avg_pool2d(target.known[None, None].float(), 2)[0, 0].flatten() > 0.5
    losses = {
        "objectness": objectness_loss(objectness.float().flatten(), target.objectness, known8)
    }
    logits, score, quality = (x.float() for x in prediction)
    readings = len(score) // len(points)
    points = points.repeat(readings, 1)
    wanted = torch.zeros_like(score)
    matched = (torch.zeros(0, dtype=torch.long, device=score.device),) * 2
    if len(target.masks):
        queries, masks = assign(points, logits, target.masks)
        if len(queries):
            exact = target.masks.float()
            each = mask_loss(logits[queries], exact[masks], grown(exact)[masks]).view(readings, -1)
            losses["mask"] = (1 - LOSERS) * each.min(0).values.mean() + LOSERS * each.mean()
            matched = queries, masks
            reached = iou(logits[queries], target.masks[masks])
            losses["quality"] = F.binary_cross_entropy_with_logits(quality[queries], reached)
            wanted[queries] = 1.0
    judged = ((wanted > 0) | at(points, target.known)).float()
    entropy = F.binary_cross_entropy_with_logits(score, wanted, reduction="none")
    losses["score"] = (entropy * judged).sum() / judged.sum().clamp(min=1)
    return losses, matched


def link_loss(logits, truth, coarse, fine):
    """The loss of the links between matched queries; `coarse` and `fine` are (queries, masks)."""
    if not len(coarse[0]) or not len(fine[0]):
        return None
    logits = logits[coarse[0]][:, fine[0]].float()
    return F.binary_cross_entropy_with_logits(logits, truth[coarse[1]][:, fine[1]])


@torch.no_grad()
def unlabelled(points, sample):
    """Whether the labels say nothing about a point, [levels that can be distilled, n]."""
    if not sample.prompt.all():
        return torch.zeros(len(DISTILS), len(points), dtype=torch.bool, device=points.device)
    rows = []
    for level in DISTILS:
        target = sample.targets[level]
        rows.append(~(at(points, target.known) | at(points, target.masks).any(0)))
    return torch.stack(rows)


def distillation_loss(predictions, teacher, row):
    """The distillation loss of one image, or None if no query learns from SAM.

    Each query's mask is compared with the nearest of SAM's masks that its level may learn.
    `teacher` comes from `distillation_for`.
    """
    values = []
    for i, (level, choices) in enumerate(DISTILS.items()):
        for query, wanted, masks, quality in zip(
            teacher.queries[row], teacher.wanted[row, i], teacher.masks[row], teacher.quality[row]
        ):
            sure = [mask for mask in choices if quality[mask] >= SURE]
            if wanted and sure:
                exact = masks[sure].float()
                # Of two readings and two masks, the nearest pair.
                readings = predictions[level].logits[row, query :: teacher.total].float()
                pairs = exact.repeat(len(readings), 1, 1)
                values.append(
                    mask_loss(readings.repeat_interleave(len(exact), 0), pairs, grown(pairs)).min()
                )
    return torch.stack(values).mean() if values else None


@dataclass
class Distillation:
    queries: torch.Tensor  # [batch, n]: their numbers among all `total` queries
    total: int
    wanted: torch.Tensor  # [batch, levels that can be distilled, n]
    masks: torch.Tensor  # [batch, n, 3, h, w] of bool
    quality: torch.Tensor  # [batch, n, 3]: SAM's predicted IoU


@torch.no_grad()
def distillation_for(outputs, samples, nested, count):
    """SAM's masks for the `count` queries of each image about which the labels say least.

    `nested` gives, for these queries and their points, masks from small to large and their
    predicted IoU.
    """
    free = torch.stack(
        [unlabelled(points, sample) for points, sample in zip(outputs.points, samples)]
    )
    queries = free.sum(1).topk(count).indices
    points = outputs.points.gather(1, queries[..., None].expand(-1, -1, 2))
    logits, quality = nested(points, queries)
    wanted = free.gather(2, queries[:, None].expand(-1, len(DISTILS), -1))
    return Distillation(queries, outputs.points.shape[1], wanted, logits > 0, quality)


def embedding_loss(found, original):
    """The distance between the encoder's embedding and SAM's original one.

    SAM's mask decoder was trained with the original. The distance is a share of its variance.
    """
    original = original.float()
    return F.mse_loss(found.float(), original) / original.var()


def add(losses, name, value):
    losses[name] = losses.get(name, 0.0) + value


def total(outputs, samples, teacher=None):
    """The weighted sum of the losses of a batch, and each loss by name."""
    sums = {}
    for row, sample in enumerate(samples):
        matched = {}
        for i, level in enumerate(LEVELS):
            said = outputs.predictions[level]
            prediction = said.logits[row], said.score[row], said.quality[row]
            losses, matched[level] = level_losses(
                prediction, outputs.objectness[row, i], outputs.points[row], sample.targets[level]
            )
            for name, value in losses.items():
                add(sums, name, value)
        for name, logits in outputs.links.items():
            coarse, fine = name.split("_")
            value = link_loss(logits[row], sample.links[name], matched[coarse], matched[fine])
            if value is not None:
                add(sums, "link", value)
        distilled = distillation_loss(outputs.predictions, teacher, row) if teacher else None
        if distilled is not None:
            add(sums, "distilled", distilled)
    sums = {name: value / len(samples) for name, value in sums.items()}
    return sum(WEIGHTS[name] * value for name, value in sums.items()), sums
