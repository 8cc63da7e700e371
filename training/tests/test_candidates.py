"""Candidates: packing, repeats, run-length encoding, maps and clicks.

SAM's decoder for many points is compared with the plain one.
"""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

pytest.importorskip(
    "torch", reason="torch is not installed: pip install -r training/requirements.txt"
)

import numpy as np  # noqa: E402
import torch  # noqa: E402

import candidates as program  # noqa: E402
from aims.config import manifest  # noqa: E402
from aims.grid import ManyPoints  # noqa: E402
from aims.hiera import Encoded  # noqa: E402
from aims.sam import PADDING, Sam  # noqa: E402
from data import candidates, clicks, maps, rle  # noqa: E402


def masks(seed=0, n=7, rows=21, columns=30):
    """Random rectangles, which overlap as masks do."""
    rng = np.random.default_rng(seed)
    result = np.zeros((n, rows, columns), bool)
    for mask in result:
        top, left = rng.integers(rows - 3), rng.integers(columns - 3)
        mask[top : top + rng.integers(3, rows), left : left + rng.integers(3, columns)] = True
    return result


def test_packing_round_trip():
    some = masks()
    assert np.array_equal(candidates.unpacked(candidates.packed(some), 21, 30), some)


def test_rle_round_trip():
    for mask in [*masks(), np.zeros((4, 5), bool), np.ones((4, 5), bool)]:
        code = rle.encode(mask)
        assert code["size"] == list(mask.shape) and np.array_equal(rle.decode(code), mask)


def test_counts_are_those_of_the_masks():
    some = masks()
    tensor = torch.from_numpy(some).float()
    both = candidates.overlaps(tensor, tensor)
    assert both[2, 5] == (some[2] & some[5]).sum() and both[3, 3] == some[3].sum()
    area, y, x, top, left, bottom, right, _ = candidates.shapes(tensor, tensor)[4]
    ys, xs = np.nonzero(some[4])
    assert area == pytest.approx(some[4].mean())
    assert (y * 21, x * 30) == (pytest.approx(ys.mean() + 0.5), pytest.approx(xs.mean() + 0.5))
    assert (top * 21, bottom * 21) == (
        pytest.approx(ys.min()),
        pytest.approx(ys.max() + 1, abs=1e-4),
    )
    assert (left * 30, right * 30) == (
        pytest.approx(xs.min()),
        pytest.approx(xs.max() + 1, abs=1e-4),
    )


def test_repeats_fall_away():
    some = masks(n=4)
    twice = np.concatenate([some, some])
    kept, repeats = candidates.distinct(candidates.packed(twice), [6, 0, 1, 2, 3, 4, 5, 7], 0.9)
    assert list(kept) == [6, 0, 1, 3] and list(repeats) == [2, 2, 2, 2]


def test_grid_covers_the_photo_only():
    image, columns, rows = maps.fitted(np.zeros((300, 640, 3), np.uint8), 640)
    assert image.shape == (1, 320, 640, 3) and (columns, rows) == (160, 75)
    points = program.grid_points(columns, rows, 4)
    assert points[:, 0].max() == 140 and points[:, 1].max() == pytest.approx(0.875 * 75)


def test_a_photo_keeps_its_shape_or_fills_a_square():
    photo = np.full((300, 400, 3), 255, np.uint8)
    for square, shape in ((False, (384, 512)), (True, (512, 512))):
        filled, columns, rows = maps.fitted(photo, 512, square)
        assert filled.shape == (1, *shape, 3) and (columns, rows) == (128, 96)
        assert filled[0, :384].abs().amin() > 0 and not filled[0, 384:].any()


def test_maps_come_back_in_their_order():
    features = [
        torch.full((1, 8 // stride, 8 // stride, channels), channels / 100)
        for stride, channels in ((1, 64), (2, 128), (4, 320), (4, 256))
    ]
    kept = maps.Maps.of((32, 32, 8, 8), Encoded.of(features)).encoded().features()
    assert all(torch.allclose(a, b, atol=1e-3) for a, b in zip(kept, features, strict=True))


def test_a_click_is_in_the_middle():
    mask = np.zeros((9, 20), bool)
    mask[2:7, 3:8] = True
    mask[4, 8:20] = True
    assert clicks.deepest(mask) == (5, 4)


@torch.no_grad()
def test_many_points_are_like_one():
    """With random weights, the folded products give what the mask decoder gives."""
    torch.manual_seed(0)
    sam = Sam(manifest("aims-base")).eval()
    encoded = sam.image_encoder(torch.randn(1, 64, 128, 3))
    points = torch.rand(5, 2)
    exact = sam.mask_decoder.nested(
        sam.prompt_encoder, encoded.embedding, points[None], [1, 2, 3], encoded.high_resolution
    )
    logits, scores, _ = ManyPoints(sam, encoded).nested(points)
    assert (logits - exact[0][0]).abs().max() < 1e-4 * exact[0].abs().max()
    assert (scores - exact[1][0]).abs().max() < 1e-4


@torch.no_grad()
def test_answers_to_boxes_are_those_of_the_mask_decoder():
    torch.manual_seed(0)
    sam = Sam(manifest("aims-base")).eval()
    encoded = sam.image_encoder(torch.randn(1, 64, 128, 3))
    corners = torch.rand(3, 2, 2)
    points = torch.cat([corners, torch.zeros(3, 1, 2)], 1)
    prompts = sam.prompt_encoder.embed(points, torch.tensor([2, 3, PADDING]).expand(3, -1))
    logits, scores = sam.mask_decoder(
        sam.prompt_encoder,
        encoded.embedding,
        prompts[None],
        high_resolution=encoded.high_resolution,
    )
    found, quality, tokens = ManyPoints(sam, encoded).boxes(corners)
    assert (found - logits[0]).abs().max() < 1e-4 * logits.abs().max()
    assert (quality - scores[0]).abs().max() < 1e-4
    assert tokens.shape == (3, 4, 256)


def test_masks_grow_as_by_max_pooling():
    torch.manual_seed(0)
    some = (torch.rand(5, 40, 50) > 0.98).float()
    for cells in (1, 2, 8, 45):
        pooled = torch.nn.functional.max_pool2d(some, 2 * cells + 1, 1, cells)
        assert torch.equal(candidates.grown(some, cells), pooled)
