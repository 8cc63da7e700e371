"""COCO's compressed run-length encoding (RLE), without compiled dependencies."""

import numpy as np


def decode(rle):
    """Decodes RLE to a boolean mask [height, width]."""
    height, width = rle["size"]
    runs, position, text = [], 0, rle["counts"].encode("ascii")
    while position < len(text):
        value = shift = 0
        more = True
        while more:
            char = text[position] - 48
            position += 1
            value |= (char & 31) << shift
            shift += 5
            more = bool(char & 32)
            if not more and char & 16:
                value |= -1 << shift
        if len(runs) > 2:
            value += runs[-2]
        runs.append(value)
    if sum(runs) != height * width or min(runs, default=0) < 0:
        raise ValueError(f"runs of {sum(runs)} pixels do not fill {height} x {width}")
    flat = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    return flat.reshape(width, height).T


def encode(mask):
    """Encodes a boolean mask [height, width] as RLE."""
    flat = np.asarray(mask, bool).T.ravel()
    ends = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    runs = np.diff(np.concatenate([[0], ends, [flat.size]])).tolist() if flat.size else []
    if flat.size and flat[0]:
        runs.insert(0, 0)
    text = bytearray()
    for i, run in enumerate(runs):
        value = run - (runs[i - 2] if i > 2 else 0)
        more = True
        while more:
            char = value & 31
            value >>= 5
            more = value != (-1 if char & 16 else 0)
            text.append((char | (32 if more else 0)) + 48)
    return {"size": list(mask.shape), "counts": text.decode("ascii")}
