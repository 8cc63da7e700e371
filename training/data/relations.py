"""Finds entities that belong together if nobody has said so: those that touch.

This is a rule, not a label.
"""

# Share of the shorter outline that must lie on the other entity.
MIN_CONTACT = 0.08
MAX_PAIRS = 12


def touching(entities, candidates):
    """Pairs of `candidates` that touch, the longest contact first.

    Candidates are rows of `entities`, which are [n, height, width] of bool.
    """
    if len(candidates) < 2:
        return []
    outlines = {n: outline(entities[n]) for n in candidates}
    near = {n: grow(entities[n]) for n in candidates}
    pairs = []
    for i, a in enumerate(candidates):
        for b in candidates[i + 1 :]:
            shared = min((outlines[a] & near[b]).sum(), (outlines[b] & near[a]).sum())
            share = shared / max(1, min(outlines[a].sum(), outlines[b].sum()))
            if share >= MIN_CONTACT:
                pairs.append((share, a, b))
    pairs.sort(reverse=True)
    return [(a, b) for _, a, b in pairs[:MAX_PAIRS]]


def grow(mask):
    """A mask grown by one pixel in the four directions."""
    result = mask.copy()
    result[1:] |= mask[:-1]
    result[:-1] |= mask[1:]
    result[:, 1:] |= mask[:, :-1]
    result[:, :-1] |= mask[:, 1:]
    return result


def outline(mask):
    """The pixels of a mask that are next to pixels outside it."""
    return mask & grow(~mask)
