"""The semantic head: what labels say, losses, and the segments of its classes."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

pytest.importorskip(
    "torch", reason="torch is not installed: pip install -r training/requirements.txt"
)

import numpy as np  # noqa: E402
import torch  # noqa: E402

from aims.semantic import SemanticConfig, SemanticHead, segments  # noqa: E402
from data import classes, rle  # noqa: E402
from data.class_targets import UNKNOWN, ClassTargets, Vocabulary, losses  # noqa: E402
from data.records import Mask, Record  # noqa: E402

WIDTH, HEIGHT = 256, 128
SIZE = (WIDTH, HEIGHT, 64, 32)  # as in `Maps`: the masks have a quarter of the photo's size
ENTITIES = ["other", "car", "sky"]


def box(top, bottom, left, right):
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return rle.encode((y >= top) & (y < bottom) & (x >= left) & (x < right))


def car():
    """A photo of a car with two of its parts, and of something that nobody else labels."""
    masks = [
        Mask("entity", box(16, 112, 24, 120), label="car"),
        Mask("part", box(32, 56, 40, 88), parent=0, label="left_mirror"),
        Mask("part", box(56, 72, 40, 88), parent=0, label="hood"),
        Mask("entity", box(16, 80, 160, 240), label="moon buggy"),
    ]
    return Record("carparts", "carparts/photo.jpg", "train", WIDTH, HEIGHT, None, masks)


def test_each_cell_has_the_class_of_its_label():
    record = car()
    kept = ClassTargets.of(record, SIZE)
    (parts, rows), (entities, said) = Vocabulary(ENTITIES).target(record, kept, False)
    name = lambda level, row: [level[i] for i in row.nonzero()[:, 0]]
    assert name(classes.PARTS, rows[parts[10, 12]]) == ["left_mirror"]
    assert name(classes.PARTS, rows[parts[16, 12]]) == ["hood"]
    assert name(classes.PARTS, rows[parts[0, 0]]) == [classes.NO_PART]
    assert name(ENTITIES, said[entities[10, 12]]) == ["car"]
    assert name(ENTITIES, said[entities[10, 50]]) == ["other"]
    assert entities[31, 63] == UNKNOWN


def test_the_mirrored_photo_shows_the_other_side_of_a_car():
    record = car()
    kept = ClassTargets.of(record, SIZE)
    (parts, rows), _ = Vocabulary(ENTITIES).target(record, kept, True)
    (found,) = rows[parts[10, 63 - 12]].nonzero()[:, 0].tolist()
    assert classes.PARTS[found] == "right_mirror"
    swapped = [classes.mirrored_part(i) for i in range(len(classes.PARTS))]
    assert [swapped[i] for i in swapped] == list(range(len(classes.PARTS)))


def test_any_class_of_a_vague_label_is_right():
    assert classes.part_classes("faces", "nose") == (classes.PARTS.index("nose"),)
    face = [classes.PARTS[i] for i in classes.part_classes("faces", "skin")]
    assert face == ["face", "neck", "ear"]
    target = (torch.zeros(4, 4, dtype=torch.long), torch.tensor([[0.0, 1.0, 1.0]]))
    nothing = (torch.full((4, 4), UNKNOWN), torch.zeros(0, 1))
    sure = lambda number: torch.nn.functional.one_hot(torch.tensor(number), 4) * 50.0
    each = [losses(sure(i).expand(4, 4, 4), [target, nothing])[0].item() for i in range(3)]
    assert each[1] == pytest.approx(0, abs=1e-5) and each[2] == pytest.approx(0, abs=1e-5)
    assert each[0] > 1


def test_a_label_does_not_count_against_one_that_includes_it():
    """The nose is drawn into skin that includes it: whoever says nose is right in both."""
    owner = torch.zeros(8, 8, dtype=torch.long)
    owner[2:4, 2:4] = 1
    rows = torch.tensor([[0.0, 1.0, 1.0], [0.0, 0.0, 1.0]])
    logits = torch.zeros(8, 8, 4)
    logits[..., 1] = 50.0
    logits[2:4, 2:4, 2] = 100.0
    nothing = (torch.full((8, 8), UNKNOWN), torch.zeros(0, 1))
    loss, _ = losses(logits, [(owner, rows), nothing])
    assert loss.item() == pytest.approx(0, abs=1e-5)


def test_segments_are_connected_cells_of_a_class():
    maps = torch.zeros(12, 20, 4)
    maps[..., 0] = maps[..., 2] = 1.0
    for left in (1, 12):
        maps[2:8, left : left + 6, :2] = torch.tensor([0.2, 0.8])
        maps[2:8, left : left + 6, 2:] = torch.tensor([0.4, 0.6])
    found = segments(maps, SemanticConfig(parts=2, entities=2, unions=((), ())))
    areas = found.masks.sum((1, 2)).tolist()
    assert areas[:2] == [36, 36] and found.level[:2].tolist() == [0, 0]
    # What is not a thing of the second class is one of the first, also around both of them.
    assert sorted(areas[2:]) == [36, 36, 72, 12 * 20 - 72]
    assert found.score[:2].tolist() == pytest.approx([0.8, 0.8])
    assert found.stable[:2].tolist() == [1.0, 1.0]
    # No cell of the second class is above the higher threshold.
    assert found.stable[areas.index(72)] == 0.0


def test_training_lowers_the_loss():
    torch.manual_seed(0)
    record, vocabulary = car(), Vocabulary(ENTITIES)
    head = SemanticHead(SemanticConfig(*vocabulary.counts, width=32, fine=16))
    channels = (32, 64, 768, 256)
    features = [
        torch.randn(HEIGHT // stride, WIDTH // stride, count)
        for stride, count in zip((4, 8, 32, 16), channels)
    ]
    target = vocabulary.target(record, ClassTargets.of(record, SIZE), False)
    optimizer = torch.optim.AdamW(head.parameters(), 3e-3)
    found = []
    for _ in range(40):
        loss, _ = losses(head(features), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        found.append(loss.item())
    assert found[-1] < 0.5 * found[0]


def test_an_unknown_label_is_named():
    """Whoever adds a set of parts is told which of its labels are new."""
    with pytest.raises(ValueError, match="antenna"):
        classes.part_classes("carparts", "antenna")
    assert all(len(union) > 1 for union in classes.unions())
    assert {number for union in classes.unions() for number in union} <= set(
        range(len(classes.PARTS))
    )
