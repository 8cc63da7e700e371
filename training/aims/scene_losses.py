"""Losses of the scene head. What labels leave open is not held against it."""

import torch
import torch.nn.functional as F

FOUND = 0.5  # IoU from which a candidate is the labelled thing
CHOOSABLE = 0.4  # IoU from which the best candidate of a thing is worth choosing
# That few labels say nothing of relations makes their losses small.
LEVEL_WEIGHTS = (1.0, 1.0, 0.3)


def assigned(overlap):
    """[n]: one candidate for each labelled mask, the best pairs first: the IoU reached; 0 for all others."""
    left, reached = overlap.clone(), torch.zeros(len(overlap))
    for _ in range(overlap.shape[1]):
        best, place = left.flatten().max(0)
        if best < CHOOSABLE:
            break
        row, column = divmod(int(place), overlap.shape[1])
        reached[row] = best
        left[row], left[:, column] = -1, -1
    return reached


def best_of(overlap):
    """The labelled mask that each candidate is nearest to, and the IoU; -1 and 0 without labels."""
    if not overlap.shape[1]:
        return torch.full((len(overlap),), -1), torch.zeros(len(overlap))
    iou, which = overlap.max(1)
    return which, iou


def total(said, lesson):
    """The loss of one photo, and its parts by name."""
    parts = {}
    for level, name in enumerate(("part", "entity", "relation")):
        overlap, known = lesson.overlap[level], lesson.known[:, level]
        _, best = best_of(overlap)
        reached = assigned(overlap)
        positive = (reached > 0).float()
        weight = torch.maximum(positive, known)
        if not weight.any():
            continue
        share = LEVEL_WEIGHTS[level]
        # Of many wrong candidates those count that the head believes in.
        hard = said.chosen[:, level].sigmoid().detach() ** 2 * 0.75 + 0.05
        chosen = bce(said.chosen[:, level], reached) * torch.where(positive > 0, 1.0, hard) * weight
        parts[f"{name} chosen"] = share * chosen.sum() / positive.sum().clamp(min=1)
        is_thing = ((best - FOUND + 0.1) / 0.2).clamp(0, 1)
        weight = torch.maximum(known, (best >= FOUND).float())
        parts[f"{name} level"] = share * mean(bce(said.level[:, level], is_thing), weight)
        weight = torch.maximum(known * 0.2, (best >= 0.25).float())
        parts[f"{name} iou"] = share * 0.5 * mean(bce(said.iou[:, level], best), weight)
    parts |= pair_losses(said.pairs, lesson)
    return sum(parts.values(), said.level.sum() * 0), parts


def pair_losses(pairs, lesson):
    part, part_iou = best_of(lesson.overlap[0])
    entity, entity_iou = best_of(lesson.overlap[1])
    is_part, is_entity = (part_iou >= FOUND).nonzero()[:, 0], (entity_iou >= FOUND).nonzero()[:, 0]
    losses = {}
    same = [evenly(pairs[..., 0], rows, rows, which[rows][:, None] == which[rows]) for rows, which in ((is_part, part), (is_entity, entity))]
    same = [loss for loss in same if loss is not None]
    if same:
        losses["same"] = 0.3 * sum(same)
    if len(is_part) and len(is_entity):
        loss = evenly(pairs[..., 1], is_part, is_entity, lesson.parents[part[is_part]][:, None] == entity[is_entity])
        losses["part of"] = 0.3 * loss
    if lesson.named and len(is_entity):
        loss = related_loss(pairs[..., 2], lesson, is_entity, entity[is_entity])
        if loss is not None:
            losses["related"] = 0.3 * loss
    return losses


def related_loss(logits, lesson, rows, things):
    count = lesson.overlap[1].shape[1]
    related = torch.zeros(count, count, dtype=torch.bool)
    for a, b in lesson.members.tolist():
        if min(a, b) >= 0:
            related[a, b] = related[b, a] = True
    wanted = related[things][:, things]
    return evenly(logits, rows, rows, wanted, things[:, None] != things)


def evenly(logits, first, second, wanted, counted=None):
    """Binary cross-entropy of the pairs first x second; right and wrong ones count alike. None without pairs."""
    if not len(first) or not len(second):
        return None
    losses = bce(logits[first][:, second], wanted.float())
    counted = torch.ones_like(wanted) if counted is None else counted
    halves = [losses[side & counted].mean() for side in (wanted, ~wanted) if (side & counted).any()]
    return sum(halves) / 2 if halves else None


def bce(logits, target):
    return F.binary_cross_entropy_with_logits(logits, target, reduction="none")


def mean(values, weight):
    return (values * weight).sum() / weight.sum().clamp(min=1)
