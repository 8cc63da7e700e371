"""The two small parameters behind Hiera's finished table of positions.

The encoder file holds only their sum for an input of 1024 pixels: table = bicubic(pos_embed) + tiled(pos_embed_window). Both
are recovered from it, so that tables for other input sizes can be made."""

import numpy as np

# What PyTorch takes for bicubic interpolation.
CUBIC = -0.75
# What is recovered is rounded to multiples of this, so that it does not depend on the order in which a processor adds: such
# differences are near 1e-15, and no value lies nearer than 7e-12 to where it would be rounded the other way.
STEP = 2.0**-24


def bicubic_matrix(size, source):
    """[size, source] in float64: bicubic interpolation along one axis, as PyTorch does it with align_corners=False. Places
    beyond the border take the value at the border."""
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
    """From the table [height, width, channels], height = width: `pos_embed` [side, side, channels], `pos_embed_window`
    [window, window, channels] and the largest error of the table that they make.

    A least-squares solution in float64. A constant can move from one parameter to the other without changing the table, so the
    equations leave one degree of freedom open for each channel: the solution with the smallest norm is taken."""
    size, _, channels = table.shape
    table = table.astype(np.float64)
    axis = bicubic_matrix(size, side)
    background = np.einsum("yi,xj->yxij", axis, axis).reshape(size * size, side * side)
    of_axis = np.eye(window)[np.arange(size) % window]
    tiles = np.einsum("yi,xj->yxij", of_axis, of_axis).reshape(size * size, window * window)
    basis = np.concatenate([background, tiles], 1)
    wanted = table.reshape(size * size, channels)
    # The normal equations are small, and well enough conditioned in float64 once the open direction is cut off.
    found = np.linalg.pinv(basis.T @ basis, rcond=1e-10, hermitian=True) @ (basis.T @ wanted)
    found = (np.round(found / STEP) * STEP).astype(np.float32)
    error = float(np.abs(basis @ found.astype(np.float64) - wanted).max())
    return (
        found[: side * side].reshape(side, side, channels),
        found[side * side :].reshape(window, window, channels),
        error,
    )
