"""Which entities belong together where nobody has said so: those that touch. A rule, not a label."""

# Share of the smaller one's outline that must lie on the other.
MIN_CONTACT = 0.08
MAX_PAIRS = 12


def touching(entities, candidates):
    """Pairs of rows of `entities` ([n, height, width] of bool) among `candidates`, longest contact first."""
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
    """By one pixel in the four directions."""
    result = mask.copy()
    result[1:] |= mask[:-1]
    result[:-1] |= mask[1:]
    result[:, 1:] |= mask[:, :-1]
    result[:, :-1] |= mask[:, 1:]
    return result


def outline(mask):
    """Pixels of the mask beside others."""
    return mask & grow(~mask)
