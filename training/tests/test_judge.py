"""Recall and precision of masks, also if a photo has no masks or nothing to ignore."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

np = pytest.importorskip(
    "numpy", reason="numpy is not installed: pip install -r training/requirements.txt"
)

pytest.importorskip(
    "torch", reason="torch is not installed: pip install -r training/requirements.txt"
)

from aims.judge import judge, precision, recall  # noqa: E402
from aims.reliability import calibration_error  # noqa: E402
from aims.scene_masks import Pick  # noqa: E402
from data.candidates import packed, words  # noqa: E402
from judge import Clicked  # noqa: E402


def masks(*columns):
    """Masks of 8 x 8 in 64-bit words, each of which fills a range of columns."""
    found = np.zeros((len(columns), 8, 8), bool)
    for mask, (start, end) in zip(found, columns):
        mask[:, start:end] = True
    return words(packed(found))


def test_nothing_to_ignore():
    photo = judge(masks((0, 4), (5, 6)), [0.9, 0.5], masks((0, 4)), masks())
    assert recall([photo]) == 100 and precision([photo]) == 100


def test_no_masks_and_no_targets():
    assert recall([judge(masks(), [], masks((0, 4)), masks())]) == 0
    photo = judge(masks((0, 4)), [0.9], masks(), masks())
    assert photo.targets == 0 and (photo.outcomes == 0).all()


def test_what_lies_in_an_ignored_mask_is_not_wrong():
    wrong = judge(masks((5, 7), (0, 4)), [0.9, 0.5], masks((0, 4)), masks())
    ignored = judge(masks((5, 7), (0, 4)), [0.9, 0.5], masks((0, 4)), masks((4, 8)))
    assert precision([wrong]) < precision([ignored]) == 100


def test_where_nothing_is_judged_nothing_is_wrong():
    found, truth = masks((5, 7), (0, 4)), masks((0, 4))
    assert precision([judge(found, [0.9, 0.5], truth, masks(), masks((0, 4))[0])]) == 100


def test_a_click_takes_what_is_worth_most():
    say = lambda *rows: np.array(rows)
    level = say([0.2, 0.7, 0], [0.9, 0.1, 0], [0.1, 0.1, 0])
    click = Clicked(
        np.array([0.92, 0.5, 0.1]), np.array([0.5, 0.6, 0.9]), level, level, np.ones((3, 3))
    )
    assert click.picked(Pick(part=0.5, quality=0)) == 0.9
    assert click.picked(Pick(part=1.0, quality=0)) == 0.1
    assert click.picked(Pick(part=1.0, quality=9)) == 0


def test_calibration_error():
    said = np.array([0.25, 0.25, 0.25, 0.25, 0.95])
    true = np.array([1.0, 0.0, 0.0, 0.0, 0.0])
    ones = np.ones(5)
    # The bin of 0.25 is right; the candidate of 0.95 is wrong.
    assert calibration_error(said, true, ones) == pytest.approx(100 * 0.95 / 5)
    assert calibration_error(said, true, np.array([1, 1, 1, 1, 0])) == pytest.approx(0)
    assert calibration_error(said, said, ones) == pytest.approx(0)
