"""Whether probabilities are what they say."""

import numpy as np

BINS = 10


def calibration_error(said, true, weight):
    """Expected calibration error in percent: candidates are put into ten bins of equal width by what is `said` of them, 0 to 1; in each, the mean
    of it is compared with the mean of what is `true`, and the bins count by their weight."""
    bins = np.minimum((said * BINS).astype(int), BINS - 1)
    error = sum(abs((weight * (bins == number) * (said - true)).sum()) for number in range(BINS))
    return 100 * error / max(weight.sum(), 1e-9)
