"""The stability score, and masks that paint over one another.

`src/levels` and `src/mask` do the same.
"""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

torch = pytest.importorskip(
    "torch", reason="torch is not installed: pip install -r training/requirements.txt"
)

from aims.decoder import Prediction  # noqa: E402
from aims.postprocess import disjoint, distinct, mask_scores, stability  # noqa: E402


def columns(*ends):
    """Masks of 4 x 10 that reach from the left border to these columns."""
    return torch.stack([(torch.arange(10) < end).expand(4, 10) for end in ends])


def test_stability_is_the_overlap_of_a_smaller_and_a_larger_mask():
    # As `stability_counts_pixels_between_offsets` in src/mask/logits.rs: 1 of 3 cells stays above.
    logits = torch.tensor([[[2.0, 0.5, -0.5, -2.0]]])
    assert stability(logits).tolist() == [pytest.approx(1 / 3)]
    assert stability(torch.full((1, 2, 2), -9.0)).tolist() == [0.0]


def test_padding_does_not_count():
    logits = torch.full((1, 1, 4, 10), -3.0)
    logits[..., :4] = 3.0
    logits[..., 6:] = 0.0
    sure = torch.full((1, 1), 9.0)
    whole, shown = (
        float(mask_scores(Prediction(None, logits, sure, sure), size)) for size in ((10, 4), (6, 4))
    )
    assert whole == pytest.approx(0.5, abs=0.01) and shown == pytest.approx(1.0, abs=0.01)


def test_better_masks_hide_worse_ones():
    left, kept = disjoint(columns(4, 6, 10))
    assert kept.tolist() == [0, 2] and left.sum((1, 2)).tolist() == [16, 24]


def test_of_two_that_are_nearly_equal_one_stays():
    _, kept = distinct(columns(8, 9, 2))
    assert kept.tolist() == [0, 2]
