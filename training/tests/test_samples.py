"""Samples of each kind of mask prompt, in squares and in the photo's own shape."""

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

torch = pytest.importorskip(
    "torch", reason="torch is not installed: pip install -r training/requirements.txt"
)

import numpy as np  # noqa: E402

from data import samples  # noqa: E402
from data.compose import OnePhoto, PixelMask  # noqa: E402
from data.records import Record, pool  # noqa: E402

WIDTH, HEIGHT = 160, 96


def rectangle(left, top, right, bottom):
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[top:bottom, left:right] = True
    return mask


def record(scope=None):
    """Two things side by side, the first with two parts, and a third one elsewhere."""
    masks = [
        PixelMask("entity", rectangle(16, 16, 80, 80)),
        PixelMask("part", rectangle(16, 16, 80, 48), 0),
        PixelMask("part", rectangle(16, 48, 80, 80), 0),
        PixelMask("entity", rectangle(80, 32, 112, 64)),
        PixelMask("entity", rectangle(136, 16, 152, 32)),
    ]
    return Record("made", "made/photo", "train", WIDTH, HEIGHT, scope, masks, relations=[(0, 3)])


def sample(kind, seed=0, **options):
    pixels = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    return samples.sample(
        record(), OnePhoto(pixels), WIDTH, kind, samples.seeded(seed), augment=False, **options
    )


def counts(found):
    return [len(found.targets[level].masks) for level in ("part", "entity", "relation")]


def test_the_full_image_has_everything():
    found = sample("full")
    assert (
        found.prompt.all()
        and found.prompt.shape == (WIDTH, WIDTH)
        and found.filled == (WIDTH, HEIGHT)
    )
    assert counts(found) == [2, 3, 1]
    assert found.links["entity_part"].tolist() == [[1, 1], [0, 0], [0, 0]]
    assert found.links["relation_entity"].tolist() == [[1, 1, 0]]


def test_an_entity_is_opened_into_its_parts():
    found = sample("entity")
    assert counts(found) == [2, 1, 0]
    assert found.prompt.sum() == 64 * 64 and found.prompt[17, 17] and not found.prompt[40, 100]
    # Outside the prompt every mask is wrong.
    assert found.targets["part"].known[0, 0] and found.targets["entity"].known[0, 0]


def test_two_entities_are_joined_in_their_relation():
    found = sample("entities")
    assert counts(found) == [0, 2, 1]
    assert found.prompt.sum() == 64 * 64 + 32 * 32
    assert found.targets["relation"].masks[0].sum() == (64 * 64 + 32 * 32) // 16


def test_a_region_has_what_lies_mostly_in_it():
    for seed in range(12):
        found = sample("partial", seed)
        inside = torch.nn.functional.avg_pool2d(found.prompt[None, None].float(), 4)[0, 0] > 0
        for level in ("part", "entity"):
            assert not (found.targets[level].masks & ~inside).any()
        assert 0 < found.prompt.sum() < WIDTH * WIDTH


def test_inputs_of_the_photos_shape():
    found = sample("full", square=False)
    # 96 rows become 128: a multiple of 64 pixels.
    assert (
        found.prompt.shape == (128, 192)
        and found.filled == (WIDTH, HEIGHT)
        and counts(found) == [2, 3, 1]
    )
    side = found.targets["part"].known.shape[1]
    for target in found.targets.values():
        objectness = target.objectness.view(16, 24)
        for mask, centre in zip(target.masks, target.centres):
            y, x = divmod(int(centre), 24)
            assert objectness[y, x] == 1 and mask[2 * y : 2 * y + 2, 2 * x : 2 * x + 2].any()
    # Points are in the masks that they were drawn from.
    assert side == 48
    cells = (found.points * 48).long()
    union = torch.stack([mask for target in found.targets.values() for mask in target.masks]).any(0)
    assert all(union[y, x] for x, y in cells.tolist())


def test_where_labels_are_silent_nothing_is_known():
    found = sample("full")
    known = found.targets["entity"].known
    assert known[5, 5] and not known[12, 35], (
        "inside an entity a second one is wrong; outside of entities nobody knows"
    )
    assert found.targets["part"].known[5, 5] and not found.targets["part"].known[10, 25], (
        "only the first entity has labelled parts"
    )


def test_photos_are_chosen_by_licence(tmp_path):
    row = {"image": "made/photo", "split": "train", "width": 2, "height": 1, "masks": []}
    rows = [row | {"license": license} for license in ("CC BY 2.0", "CC BY-NC 2.0", None)]
    (tmp_path / "made.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = lambda **entry: [
        record.license for record in pool(tmp_path, {"name": "made"} | entry, "train")[0]
    ]
    assert found() == ["CC BY 2.0", "CC BY-NC 2.0", None]
    assert found(licenses=["CC BY 2.0", "CC BY-SA 2.0"]) == ["CC BY 2.0"]
