"""The scene head: its symmetries, that it learns, and what mask prompts leave of a scene."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

pytest.importorskip(
    "torch", reason="torch is not installed: pip install -r training/requirements.txt"
)

import numpy as np  # noqa: E402
import torch  # noqa: E402

from aims.hiera import Encoded  # noqa: E402
from aims.scene import SceneConfig, SceneHead  # noqa: E402
from aims.scene_losses import total  # noqa: E402
from data import candidates  # noqa: E402
from data.answers import NONE, Answers  # noqa: E402
from data.scenes import Scene, SceneTarget, by_click, jittered, prompted, varied  # noqa: E402

ROWS, COLUMNS = 64, 80


def rectangles(rng, count):
    found = np.zeros((count, ROWS, COLUMNS), bool)
    for mask in found:
        top, left = rng.integers(ROWS - 12), rng.integers(COLUMNS - 12)
        mask[top : top + rng.integers(8, 32), left : left + rng.integers(8, 32)] = True
    return found


def photo(seed):
    """A scene of random rectangles and its target.

    Every third mask is an entity, and the one after it is a part of it.
    """
    rng = np.random.default_rng(seed)
    masks = rectangles(rng, 24)
    for i in range(0, 24, 3):
        masks[i + 1] = masks[i] & (np.arange(COLUMNS) < np.nonzero(masks[i])[1].mean())
    level = np.resize([1, 0, NONE], 24)
    maps = [
        torch.from_numpy(rng.normal(size=(1, ROWS // s, COLUMNS // s, c)).astype(np.float32))
        for s, c in ((1, 32), (2, 64), (4, 256), (8, 768))
    ]
    encoded = Encoded(maps[2], (maps[0], maps[1]), [None, None, None, maps[3]])
    # The tokens reveal the level, as those of a real decoder nearly do.
    tokens = torch.from_numpy(rng.normal(size=(24, 256)).astype(np.float32))
    tokens[:, 0] += torch.from_numpy(4.0 * level)
    number = np.arange(24)
    even = np.full(24, 0.8, np.float32)
    raw = {"quality": even, "score": even, "stable": even, "tokens": tokens.half().numpy()}
    raw |= {"point": number.astype(np.int16), "kind": (number % 3).astype(np.uint8)}
    size = (4 * COLUMNS, 4 * ROWS, COLUMNS, ROWS)
    found = candidates.described(
        size, candidates.packed(masks), number, np.ones(24, np.float32), raw, encoded
    )
    scene = Scene.of(found)
    own = torch.from_numpy(masks).float()
    labels = masks[level != NONE]
    answers = Answers(
        hit=candidates.overlaps(own, torch.from_numpy(labels).float()),
        area=labels.sum((1, 2)).astype(np.uint16),
        level=level[level != NONE].astype(np.int8),
        parent=np.array([NONE if i % 2 == 0 else i - 1 for i in range(len(labels))], np.int16),
        members=np.full((len(labels), 2), NONE, np.int16),
        known=np.ones((24, 2), np.float16),
        named=np.zeros(len(labels), bool),
    )
    return scene, SceneTarget.of(answers, scene, complete=True)


@pytest.fixture(scope="module")
def head():
    torch.manual_seed(0)
    return SceneHead(SceneConfig()).eval()


@torch.no_grad()
def test_order_of_candidates_does_not_matter(head):
    scene, _ = photo(1)
    order = torch.randperm(len(scene))
    said, other = head(scene), head(scene.only(order))
    for a, b in zip(said[:3], other[:3]):
        assert torch.allclose(a[order], b, atol=1e-5)
    assert torch.allclose(said.pairs[order][:, order], other.pairs, atol=1e-5)


@torch.no_grad()
def test_mirrored_twice_is_the_same(head):
    scene, _ = photo(2)
    twice = scene.mirrored().mirrored()
    assert torch.allclose(scene.geometry(), twice.geometry(), atol=1e-6)
    once = scene.mirrored()
    assert torch.allclose(once.shape[:, 4] + scene.shape[:, 6], torch.ones(len(scene)))
    assert torch.equal(once.edges[:, 1], scene.edges[:, 3])
    assert not torch.allclose(head(scene).level, head(once).level, atol=1e-5)


@torch.no_grad()
def test_pairs_are_symmetric_but_for_parts(head):
    same_part, same_entity, part_of, related = head(photo(3)[0]).pairs.unbind(-1)
    for x in (same_part, same_entity, related):
        assert torch.allclose(x, x.T)
    assert not torch.allclose(part_of, part_of.T, atol=1e-4)


def test_a_prompt_leaves_what_lies_in_it():
    scene, target = photo(4)
    level, entity = target.asked()[0]
    inside, told = prompted(scene, target, level, entity)
    assert (
        0 < len(inside) < len(scene)
        and (inside.prompt[:, 1] >= 0.5).all()
        and (inside.prompt[:, 0] == 1).all()
    )
    assert len(told.known) == len(inside) and told.overlap[1].amax() == 1


def test_it_learns():
    torch.manual_seed(0)
    network = SceneHead(SceneConfig(width=40, layers=1, heads=5, drop=0.0))
    optimizer = torch.optim.AdamW(network.parameters(), 3e-3)
    photos, losses = [photo(seed) for seed in range(4)], []
    for step in range(60):
        loss, _ = total(network(photos[step % 4][0]), photos[step % 4][1])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert sum(losses[-8:]) < 0.6 * sum(losses[:8])


def test_variants_keep_scene_and_lesson_together():
    rng, (scene, target) = np.random.default_rng(0), photo(5)
    for _ in range(20):
        other, told = varied(scene, target, rng)
        assert (
            len(other) == len(told.known) == len(told.overlap[1]) == len(told.within[0])
            and other.within.shape == (len(other),) * 2
        )


def test_answers_to_a_click_are_a_scene_of_their_own():
    scene, target = photo(6)
    scene.point = torch.arange(len(scene)) // 3
    parts = list(by_click(scene, target))
    assert [len(own) for own, _ in parts] == [3] * 8 and [len(told.known) for _, told in parts] == [
        3
    ] * 8
    own, told = parts[5]
    assert torch.equal(own.tokens, scene.tokens[15:18]) and torch.equal(
        own.within, scene.within[15:18, 15:18]
    )
    assert torch.equal(told.overlap[1], target.overlap[1][15:18])
    assert len(jittered(own, np.random.default_rng(0))) == 3


def test_a_prompt_without_candidates_is_left_out():
    scene, target = photo(3)
    for within in target.within:
        within.zero_()
    other, told = varied(scene, target, np.random.default_rng(0), drop=0.0, prompts=1.0)
    assert len(other) == len(scene) == len(told.known) and not other.prompt[:, 0].any()
