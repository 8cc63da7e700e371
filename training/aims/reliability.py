"""Whether probabilities are what they say."""

import numpy as np

BINS = 10


def calibration_error(said, true, weight):
    """Expected calibration error in percent: candidates are put into ten bins of equal width by what is `said` of them, 0 to 1; in each, the mean
    of it is compared with the mean of what is `true`, and the bins count by their weight."""
    bins = np.minimum((said * BINS).astype(int), BINS - 1)
    total, error = weight.sum(), 0.0
    for number in range(BINS):
        share = weight * (bins == number)
        if share.sum() > 0:
            error += abs((share * (said - true)).sum())
    return 100 * error / max(total, 1e-9)
