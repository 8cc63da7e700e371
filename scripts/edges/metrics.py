"""How far an alpha is from the true one."""

import numpy as np
from scipy import ndimage


def sad(alpha, truth):
    """The sum of absolute differences, in thousands of pixels."""
    return float(np.abs(alpha - truth).sum()) / 1000


def mse(alpha, truth):
    """The mean squared difference, in thousandths."""
    return 1000 * float(np.square(alpha - truth).mean())


def gradient_error(alpha, truth, sigma=1.4):
    """The squared difference of the gradients' lengths, summed, in thousands.

    As in C. Rhemann et al., "A Perceptually Motivated Online Benchmark for Image Matting" (2009).
    """
    lengths = [ndimage.gaussian_gradient_magnitude(x.astype(float), sigma) for x in (alpha, truth)]
    return float(np.square(lengths[0] - lengths[1]).sum()) / 1000


def boundary(mask):
    """The pixels of a mask that have a neighbour outside of it."""
    return mask & ~ndimage.binary_erosion(mask, border_value=1)


def boundary_f(alpha, truth, pixels):
    """The F measure of the boundaries at half opacity: how much of each is near the other."""
    found, true = boundary(alpha >= 0.5), boundary(truth >= 0.5)
    if not found.any() or not true.any():
        return float(found.any() == true.any())
    near = [ndimage.distance_transform_edt(~edge) <= pixels for edge in (true, found)]
    precision, recall = near[0][found].mean(), near[1][true].mean()
    return 2 * float(precision * recall) / max(float(precision + recall), 1e-9)


def colour_error(alpha, colours, truth, true_colours, grounds):
    """The mean squared difference on new backgrounds, in thousandths."""
    errors = []
    for ground in grounds:
        seen, meant = (
            a[..., None] * c + (1 - a[..., None]) * ground
            for a, c in ((alpha, colours), (truth, true_colours))
        )
        errors.append(np.square(seen - meant).mean())
    return 1000 * float(np.mean(errors))


def interval(values, times=2000):
    """The 95 % interval of the mean, by bootstrap over the pictures."""
    values, rng = np.asarray(values, float), np.random.default_rng(0)
    means = values[rng.integers(0, len(values), (times, len(values)))].mean(1)
    return tuple(np.percentile(means, (2.5, 97.5)))
