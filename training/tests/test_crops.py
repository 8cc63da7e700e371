"""Crops of photos: pixels and masks as Pillow cuts and mirrors them."""

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

pytest.importorskip(
    "torch", reason="torch is not installed: pip install -r training/requirements.txt"
)

from sets import write_set  # noqa: E402

from candidates import unseen  # noqa: E402
from data import pools, records, rle  # noqa: E402
from data.answers import relations_of  # noqa: E402
from data.crops import Crop, photo_of  # noqa: E402

WIDTH, HEIGHT = 60, 40
NAME = "made/photo.png"


def made(folder):
    """Writes a set of one photo with a large entity, one at its left border, and a part."""
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    masks = np.zeros((3, HEIGHT, WIDTH), bool)
    masks[0, 5:35, 10:50] = True
    masks[1, 2:38, :3] = True
    masks[2, 8:20, 12:30] = True
    levels = [("entity", None), ("entity", None), ("part", 0)]
    row = {
        **{"image": NAME, "split": "train", "width": WIDTH, "height": HEIGHT},
        "masks": [
            {"level": level, "parent": parent, "rle": rle.encode(mask)}
            for mask, (level, parent) in zip(masks, levels)
        ],
    }
    write_set(folder, "made", [row], {NAME: pixels})
    return pixels, masks


def by_pillow(crop, pixels):
    """Cuts pixels with Pillow as the crop says."""
    left, top = round(crop.left * WIDTH), round(crop.top * HEIGHT)
    right, bottom = (
        round((crop.left + crop.width) * WIDTH),
        round((crop.top + crop.height) * HEIGHT),
    )
    part = Image.fromarray(pixels).crop((left, top, right, bottom))
    return np.asarray(ImageOps.mirror(part) if crop.mirrored else part)


def test_crops_show_parts_of_photo_and_masks(tmp_path):
    pixels, masks = made(tmp_path)
    found, photos = records.pool(tmp_path, {"name": "made", "crops": 6}, "train")
    assert [record.image for record in found] == [
        NAME,
        *(f"made/photo@{n}.png" for n in range(1, 7)),
    ]
    assert np.array_equal(photos.read(NAME), pixels) and found[0].whole is None
    kinds = set()
    for record in found[1:]:
        crop = Crop.of(record.image)
        kinds.add((crop.mirrored, crop.width < 1))
        shown = photos.read(record.image)
        assert np.array_equal(shown, by_pillow(crop, pixels))
        assert shown.shape[:2] == (record.height, record.width)
        for mask, whole in zip(record.masks, masks, strict=True):
            assert np.array_equal(mask.pixels(), by_pillow(crop, whole))
        assert record.photo == photo_of(record.image) == NAME and record.whole is found[0]
    assert kinds == {(True, False), (True, True), (False, True)}


def test_crops_keep_relations_and_parents(tmp_path):
    _, masks = made(tmp_path)
    whole, mirrored = records.pool(tmp_path, {"name": "made", "crops": 1}, "train")[0]
    both = rle.encode(masks[0] | masks[1])
    named = [(both, [mask.rle["counts"] for mask in whole.masks[:2]], True)]
    ((mask, members, by_people),) = relations_of(mirrored, named)
    assert members == (0, 1) and by_people
    assert np.array_equal(mask.pixels(), (masks[0] | masks[1])[:, ::-1])
    assert [mask.parent for mask in mirrored.masks] == [None, None, 0]


def test_only_training_photos_have_crops(tmp_path):
    made(tmp_path)
    lines = (tmp_path / "made.jsonl").read_text().replace('"train"', '"val"')
    (tmp_path / "made.jsonl").write_text(lines)
    assert len(records.pool(tmp_path, {"name": "made", "crops": 2}, "val")[0]) == 1


def test_crops_are_in_the_fold_of_their_photo(tmp_path):
    made(tmp_path)
    found, _ = records.pool(tmp_path, {"name": "made", "crops": 6}, "train")
    heads = {unseen(("all", "without 0", "without 1"), record) for record in found}
    assert len(heads) == 1 and "all" not in heads


def test_crops_are_kept_aside_with_their_photo(tmp_path, monkeypatch):
    made(tmp_path)
    monkeypatch.setattr(pools, "load", lambda record, named, folder: record)
    config = {"sets": [{"name": "made", "crops": 6}]}
    counts = [
        sum(len(pool.photos) for pool in found.values())
        for aside in (False, True)
        for wanted in [pools.Wanted("train", 2, aside)]
        for found in [pools.entries("sets", config, tmp_path, tmp_path, wanted)]
    ]
    assert sorted(counts) == [0, 7]
