"""Measures how well probabilities are calibrated."""

import numpy as np

BINS = 10


def calibration_error(said, true, weight):
    """The expected calibration error in percent.

    Candidates are put into ten bins of equal width by what is `said` of them, from 0 to 1. In each
    bin the mean of `said` is compared with the mean of `true`, and bins count by their weight.
    """
    bins = np.minimum((said * BINS).astype(int), BINS - 1)
    error = sum(abs((weight * (bins == number) * (said - true)).sum()) for number in range(BINS))
    return 100 * error / max(weight.sum(), 1e-9)
