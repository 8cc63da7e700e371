"""Recovers the two small parameters behind Hiera's finished table of positions.

The encoder file has only their sum for an input of 1024 pixels: table = bicubic(pos_embed) +
tiled(pos_embed_window). Both are recovered from it, so that tables for other input sizes can be
made.
"""

import numpy as np

# PyTorch's coefficient for bicubic interpolation.
CUBIC = -0.75
# The parameters are rounded to multiples of this, so that they do not depend on the order in which
# a processor adds. Such differences are near 1e-15, and no value lies nearer than 7e-12 to where it
# would be rounded the other way.
STEP = 2.0**-24


def bicubic_matrix(size, source):
    """The matrix [size, source] in float64 of bicubic interpolation along one axis.

    It does what PyTorch does with align_corners=False. Places beyond the border take the value at
    the border.
    """
    at = (np.arange(size) + 0.5) * source / size - 0.5
    first = np.floor(at).astype(int)
    matrix = np.zeros((size, source))
    for tap in (-1, 0, 1, 2):
        distance = np.abs(at - first - tap)
        near = ((CUBIC + 2) * distance - (CUBIC + 3)) * distance**2 + 1
        far = ((CUBIC * distance - 5 * CUBIC) * distance + 8 * CUBIC) * distance - 4 * CUBIC
        np.add.at(
            matrix,
            (np.arange(size), np.clip(first + tap, 0, source - 1)),
            np.where(distance <= 1, near, far),
        )
    return matrix


def parameters(table, side, window):
    """Recovers the parameters from the table [height, width, channels], height = width.

    Returns `pos_embed` [side, side, channels], `pos_embed_window` [window, window, channels] and
    the largest error of the table that they make.

    They are a least-squares solution in float64. A constant can move from one parameter to the
    other without changing the table, so the equations leave one degree of freedom open for each
    channel. The solution with the smallest norm is taken.
    """
    size, _, channels = table.shape
    table = table.astype(np.float64)
    axis = bicubic_matrix(size, side)
    background = np.einsum("yi,xj->yxij", axis, axis).reshape(size * size, side * side)
    of_axis = np.eye(window)[np.arange(size) % window]
    tiles = np.einsum("yi,xj->yxij", of_axis, of_axis).reshape(size * size, window * window)
    basis = np.concatenate([background, tiles], 1)
    wanted = table.reshape(size * size, channels)
    # The normal equations are small, and in float64 they are conditioned well enough once the open
    # direction is cut off.
    found = np.linalg.pinv(basis.T @ basis, rcond=1e-10, hermitian=True) @ (basis.T @ wanted)
    found = (np.round(found / STEP) * STEP).astype(np.float32)
    error = float(np.abs(basis @ found.astype(np.float64) - wanted).max())
    return (
        found[: side * side].reshape(side, side, channels),
        found[side * side :].reshape(window, window, channels),
        error,
    )
