"""The choice of disjoint masks."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

np = pytest.importorskip(
    "numpy", reason="numpy is not installed: pip install -r training/requirements.txt"
)
torch = pytest.importorskip(
    "torch", reason="torch is not installed: pip install -r training/requirements.txt"
)

from aims.scene import SceneOutput  # noqa: E402
from aims.scene_masks import Choice, choose  # noqa: E402

CHOICE = Choice(chosen=1.0, same=0.0, visible=0.6, hidden=1.0)


def said(values):
    """Makes the output of a head that is sure of everything but what is chosen."""
    sure = torch.full((len(values), 3), 50.0)
    chosen = torch.logit(torch.tensor(values))[:, None].expand(-1, 3)
    return SceneOutput(sure, chosen, sure, torch.full((len(values), len(values), 4), -50.0))


def columns(*ranges):
    """Masks of 40 columns and 16 rows, in 64-bit words."""
    masks = np.zeros((len(ranges), 16, 40), bool)
    for mask, (first, last) in zip(masks, ranges):
        mask[:, first:last] = True
    return np.packbits(masks.reshape(len(masks), -1), axis=1).view(np.uint64)


def test_what_others_hide_goes():
    rows, values = choose(said([0.9, 0.8, 0.5]), 1, columns((0, 20), (10, 30), (25, 40)), CHOICE)
    assert rows.tolist() == [0, 2]
    np.testing.assert_allclose(values, [0.9, 0.5], rtol=1e-6)


def test_a_group_goes_if_its_members_are_worth_more():
    masks = columns((0, 30), (0, 10), (10, 20), (20, 30))
    assert choose(said([0.8, 0.5, 0.4, 0.1]), 1, masks, CHOICE)[0].tolist() == [1, 2, 3]
    assert choose(said([0.8, 0.3, 0.3, 0.1]), 1, masks, CHOICE)[0].tolist() == [0]


def test_without_candidates_of_value_nothing_is_chosen():
    rows, values = choose(said([0.01, 0.02]), 1, columns((0, 20), (10, 30)), CHOICE)
    assert not len(rows) and not len(values)
