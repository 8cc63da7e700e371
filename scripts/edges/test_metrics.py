"""The measures, against slow and plain ways to compute them."""

import numpy as np
import pytest
from metrics import boundary, boundary_f, colour_error, gradient_error, interval, mse, sad


def blob(shift, size=24):
    y, x = np.mgrid[0:size, 0:size]
    return np.clip(7.3 - np.hypot(x - 11 - shift, y - 12), 0, 1)


def test_sums_and_means_are_those_of_all_pixels():
    alpha, truth = np.array([[0.0, 0.5], [1.0, 1.0]]), np.array([[0.0, 1.0], [1.0, 0.0]])
    assert sad(alpha, truth) == pytest.approx(1.5 / 1000)
    assert mse(alpha, truth) == pytest.approx(1000 * (0.25 + 1) / 4)


def test_boundary_f_is_that_of_all_pairs():
    alpha, truth = blob(2), blob(0)
    found, true = (np.argwhere(boundary(x >= 0.5)) for x in (alpha, truth))
    far = np.linalg.norm(found[:, None] - true[None], axis=-1)
    for pixels in (1, 3):
        precision, recall = (far.min(axis) <= pixels for axis in (1, 0))
        precision, recall = precision.mean(), recall.mean()
        expected = 2 * precision * recall / (precision + recall)
        assert boundary_f(alpha, truth, pixels) == pytest.approx(expected)
    assert boundary_f(alpha, truth, 1) < boundary_f(alpha, truth, 3) == 1


def test_empty_masks_agree_with_empty_masks_only():
    nothing = np.zeros((5, 5))
    assert boundary_f(nothing, nothing, 1) == 1
    assert boundary_f(np.zeros((24, 24)), blob(0), 1) == 0


def test_gradients_of_a_moved_edge_differ():
    assert gradient_error(blob(0), blob(0)) == 0
    assert gradient_error(blob(1), blob(0)) > gradient_error(blob(0.3), blob(0)) > 0


def test_colours_count_where_they_show():
    truth = blob(0)
    red, blue = (np.broadcast_to(np.array(c, float), (24, 24, 3)) for c in ((1, 0, 0), (0, 0, 1)))
    assert colour_error(truth, red, truth, red, [0.0, 1.0]) == 0
    # Where alpha is 0 the colour does not show.
    hidden = np.where(truth[..., None] > 0, red, blue)
    assert colour_error(truth, hidden, truth, red, [0.0, 1.0]) == 0
    expected = 1000 * 2 / 3 * np.square(truth).mean()
    assert colour_error(truth, blue, truth, red, [0.5]) == pytest.approx(expected)


def test_intervals_hold_the_mean():
    values = np.random.default_rng(1).normal(3, 1, 40)
    low, high = interval(values)
    half = 1.96 * values.std() / np.sqrt(40)
    assert low < values.mean() < high
    assert high - low == pytest.approx(2 * half, rel=0.15)
