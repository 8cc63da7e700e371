"""The losses of the scene head. What labels leave open does not count against it."""

import torch
import torch.nn.functional as F

FOUND = 0.5  # IoU from which a candidate is the labelled thing
CHOOSABLE = 0.4  # IoU from which the best candidate of a thing is worth choosing
INSIDE = 0.85  # share of a candidate inside an entity from which it is a piece of it
PAIR_WEIGHT = 0.3
BY_RULE = 0.3  # weight of a relation that a rule found; one that people named has 1
# Few labels say anything about relations, so their losses have a small weight.
LEVEL_WEIGHTS = (1.0, 1.0, 0.3)


def assigned(overlap):
    """Assigns one candidate to each labelled mask, the best pairs first.

    Returns the IoU that each candidate reaches with its mask, [n]; it is 0 for all others.
    """
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
    """The labelled mask nearest to each candidate, and the IoU; -1 and 0 if there are no labels."""
    if not overlap.shape[1]:
        return torch.full((len(overlap),), -1), torch.zeros(len(overlap))
    iou, which = overlap.max(1)
    return which, iou


def total(output, target):
    """The loss of one photo, and its parts by name."""
    parts = {}
    for level, name in enumerate(("part", "entity", "relation")):
        overlap, known = target.overlap[level], target.known[:, level]
        _, best = best_of(overlap)
        reached = assigned(overlap)
        positive = (reached > 0).float()
        weight = torch.maximum(positive, known)
        if not weight.any():
            continue
        share = LEVEL_WEIGHTS[level]
        # Of the many wrong candidates, those that the head believes in count most.
        hard = output.chosen[:, level].sigmoid().detach() ** 2 * 0.75 + 0.05
        chosen = (
            bce(output.chosen[:, level], reached) * torch.where(positive > 0, 1.0, hard) * weight
        )
        parts[f"{name} chosen"] = share * chosen.sum() / positive.sum().clamp(min=1)
        is_thing = ((best - FOUND + 0.1) / 0.2).clamp(0, 1)
        weight = torch.maximum(known, (best >= FOUND).float())
        parts[f"{name} level"] = share * mean(bce(output.level[:, level], is_thing), weight)
        weight = torch.maximum(known * 0.2, (best >= 0.25).float())
        parts[f"{name} iou"] = share * 0.5 * mean(bce(output.iou[:, level], best), weight)
    parts |= pair_losses(output.pairs, target)
    return sum(parts.values(), output.level.sum() * 0), parts


def pair_losses(pairs, target):
    """The losses of all pairs of candidates about which the labels say something."""
    same_part, same_entity, part_of, related = pairs.unbind(-1)
    part, part_iou = best_of(target.overlap[0])
    entity, entity_iou = best_of(target.overlap[1])
    home, inside = best_of(target.within[1])
    is_part, is_entity, is_piece = (
        (x >= least).nonzero()[:, 0]
        for x, least in ((part_iou, FOUND), (entity_iou, FOUND), (inside, INSIDE))
    )
    equal = lambda which, rows: which[rows][:, None] == which[rows]
    losses = {
        "same part": evenly(same_part, is_part, is_part, equal(part, is_part)),
        "same entity": evenly(same_entity, is_piece, is_piece, equal(home, is_piece)),
    }
    if len(is_part) and len(is_entity):
        wanted = target.parents[part[is_part]][:, None] == entity[is_entity]
        losses["part of"] = evenly(part_of, is_part, is_entity, wanted)
    if len(target.members) and len(is_entity):
        losses["related"] = related_loss(related, target, is_entity, entity[is_entity])
    return {name: PAIR_WEIGHT * loss for name, loss in losses.items() if loss is not None}


def related_loss(logits, target, rows, things):
    """The loss of relations. Relations that people named weigh most.

    No label says that a pair is not related. In photos with relations, other pairs probably are
    not.
    """
    count = target.overlap[1].shape[1]
    related, weight = torch.zeros(count, count, dtype=torch.bool), torch.full((count, count), 0.5)
    for (a, b), named in zip(target.members.tolist(), target.named.tolist()):
        if min(a, b) >= 0:
            related[a, b] = related[b, a] = True
            weight[a, b] = weight[b, a] = 1.0 if named else BY_RULE
    pick = lambda x: x[things][:, things]
    return evenly(logits, rows, rows, pick(related), pick(weight) * (things[:, None] != things))


def evenly(logits, first, second, wanted, weight=None):
    """The binary cross-entropy of the pairs first x second, or None without pairs.

    Right and wrong pairs count alike.
    """
    if not len(first) or not len(second):
        return None
    losses = bce(logits[first][:, second], wanted.float())
    weight = torch.ones_like(losses) if weight is None else weight
    halves = [mean(losses, weight * side) for side in (wanted, ~wanted) if (weight * side).any()]
    return sum(halves) / 2 if halves else None


def bce(logits, target):
    return F.binary_cross_entropy_with_logits(logits, target, reduction="none")


def mean(values, weight):
    return (values * weight).sum() / weight.sum().clamp(min=1)
