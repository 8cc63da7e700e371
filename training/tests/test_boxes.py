"""The box head: targets, losses, the choice of boxes, and SAM's answers to boxes."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

pytest.importorskip(
    "torch", reason="torch is not installed: pip install -r training/requirements.txt"
)

import numpy as np  # noqa: E402
import torch  # noqa: E402

from aims.boxes import BoxConfig, BoxHead, BoxOutput, merged, overlap, prompt_boxes  # noqa: E402
from aims.config import manifest  # noqa: E402
from aims.grid import ManyPoints  # noqa: E402
from aims.sam import PADDING, Sam  # noqa: E402
from data import rle  # noqa: E402
from data.box_targets import BoxTargets, losses, mirrored  # noqa: E402
from data.records import Mask, Record  # noqa: E402

WIDTH, HEIGHT = 256, 128
SIZE = (WIDTH, HEIGHT, 64, 32)  # as in `Maps`: the masks have a quarter of the photo's size
SHAPE = (16, 32)


def record():
    """A photo with a thing, a part of it, and a thing that is roughly outlined."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    thing = (y >= 16) & (y < 112) & (x >= 24) & (x < 120)
    part = (y >= 32) & (y < 56) & (x >= 40) & (x < 88)
    rough = (y >= 16) & (y < 80) & (x >= 160) & (x < 240)
    masks = [
        Mask("entity", rle.encode(thing)),
        Mask("part", rle.encode(part), parent=0),
        Mask("entity", rle.encode(rough), approx=True),
    ]
    return Record("some", "some/photo.jpg", "train", WIDTH, HEIGHT, None, masks)


def test_targets_are_the_boxes_of_the_masks():
    targets = BoxTargets.of(record(), SIZE, SHAPE)
    part, entity = targets.owner
    assert np.array_equal(np.argwhere(part >= 0).min(0), [4, 5])
    assert np.array_equal(np.argwhere(part >= 0).max(0), [6, 10])
    assert np.allclose(targets.boxes[1], [5, 4, 11, 7])
    assert np.allclose(targets.boxes[0], [3, 2, 15, 14])
    assert set(entity[entity >= 0]) == {0}, "what is roughly outlined has no box"
    # Where the thing has no part, a part's box would be wrong; elsewhere nobody knows.
    assert targets.known[0, 10, 5] and not targets.known[0, 10, 25]


def test_mirroring_twice_changes_nothing():
    targets = BoxTargets.of(record(), SIZE, SHAPE)
    features = [torch.randn(16, 32, 3)]
    twice = mirrored(*mirrored(features, targets))
    assert torch.equal(twice[0][0], features[0])
    assert np.array_equal(twice[1].owner, targets.owner)
    assert np.allclose(twice[1].boxes, targets.boxes)
    # Mirrored masks have the mirrored boxes.
    once = mirrored(features, targets)[1]
    owned = np.argwhere(once.owner[0] == 1)
    assert np.allclose(once.boxes[1], [owned[:, 1].min(), 4, owned[:, 1].max() + 1, 7])


def test_overlap_of_boxes():
    a = torch.tensor([0.0, 0.0, 2.0, 2.0])
    b = torch.tensor([[0.0, 0.0, 2.0, 2.0], [1.0, 0.0, 3.0, 2.0], [4.0, 0.0, 6.0, 2.0]])
    iou, generalised = overlap(a, b)
    assert iou.tolist() == pytest.approx([1.0, 1 / 3, 0.0])
    assert generalised.tolist() == pytest.approx([1.0, 1 / 3, -1 / 3])


def test_boxes_of_one_thing_are_merged():
    boxes = torch.tensor([[0.0, 0, 4, 4], [0, 0, 4, 3.6], [8, 8, 9, 9]])
    kept, quality = merged(boxes, torch.tensor([0.9, 0.3, 0.5]), 9)
    assert quality.tolist() == pytest.approx([0.9, 0.5])
    assert kept[0].tolist() == pytest.approx([0, 0, 4, (4 * 0.81 + 3.6 * 0.09) / 0.9])


def test_boxes_end_at_the_edge_of_the_photo():
    quality = torch.full((16, 32, 2), -5.0)
    quality[2, 3, 1] = quality[15, 3, 0] = 5.0
    boxes = torch.tensor([-9.0, -9.0, 99.0, 99.0]).expand(16, 32, 2, 4)
    found = prompt_boxes(BoxOutput(quality, boxes), 40, 25, 1)
    assert found.level.tolist() == [1] and found.boxes[0].tolist() == pytest.approx(
        [0, 0, 20, 12.5]
    )


def test_training_lowers_the_loss():
    torch.manual_seed(0)
    head = BoxHead(BoxConfig(width=32, blocks=1))
    channels = (32, 64, 768, 256)
    features = [
        torch.randn(HEIGHT // stride, WIDTH // stride, count)
        for stride, count in zip((4, 8, 32, 16), channels)
    ]
    targets = BoxTargets.of(record(), SIZE, SHAPE)
    optimizer = torch.optim.AdamW(head.parameters(), 3e-3)
    found = []
    for _ in range(60):
        loss, _ = losses(head(features), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        found.append(loss.item())
    assert found[-1] < 0.5 * found[0]


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
