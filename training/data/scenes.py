"""What the scene head sees of a photo, and how it is varied in training.

Some candidates are dropped, and the positions of the others are moved.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch

from .candidates import KINDS

# Features of a pair of candidates, see `Scene.pairs`: the IoU, the share of each mask in the other,
# whether each of these is large, and the share of each outline next to the other mask.
PAIRS = 8


@dataclass
class Scene:
    """n candidates of one photo."""

    tokens: torch.Tensor  # [n, 256]
    inside: torch.Tensor  # [n, 256]
    around: torch.Tensor  # [n, 256]
    deep: torch.Tensor  # [n, 768]
    efficient: torch.Tensor  # [n, 352]
    classes: torch.Tensor  # [n, classes of the semantic head]
    shape: torch.Tensor  # [n, 8]: as in `Candidates`
    edges: torch.Tensor  # [n, 4]: which borders of the photo it touches: top, left, bottom, right
    own: torch.Tensor  # [n, 11]: the decoder's scores, repeats, and which token the mask is from
    # [n, 3]: whether there is a mask prompt, the share of the candidate that lies in the prompt,
    # and the share of the prompt that lies in the candidate.
    prompt: torch.Tensor
    wide: float  # the logarithm of the photo's width over its height
    within: torch.Tensor  # [n, n]: share of the row's mask that lies in the column's mask
    touch: torch.Tensor  # [n, n]: share of the row's outline next to or in the column's mask
    area: torch.Tensor  # [n]: cells
    point: torch.Tensor  # [n]: number of the point that was asked

    @classmethod
    def of(cls, found):
        tensor = lambda x: torch.from_numpy(np.asarray(x, np.float32))
        area, outline = (np.diag(x).astype(np.float32).clip(1) for x in (found.both, found.contact))
        own = [
            found.quality,
            found.score,
            found.stable,
            np.log1p(found.repeats),
            *(found.kind == i for i in range(len(KINDS))),
        ]
        top, left, bottom, right = found.shape[:, 3:7].T
        half = 0.5 / found.size[2:].max()
        return cls(
            **{
                name: torch.from_numpy(getattr(found, name))
                for name in ("tokens", "inside", "around", "deep", "efficient", "classes")
            },
            shape=tensor(found.shape),
            edges=tensor(
                np.stack([top < half, left < half, bottom > 1 - half, right > 1 - half], 1)
            ),
            own=tensor(np.stack(own, 1)),
            prompt=torch.tensor([0.0, 1.0, 0.0]).repeat(len(found.kind), 1),
            wide=float(np.log(found.size[0] / found.size[1])),
            within=tensor(found.both / area[:, None]).half(),
            touch=tensor(found.contact / outline[:, None]).half(),
            area=tensor(area),
            point=torch.from_numpy(found.point.astype(np.int64)),
        )

    def __len__(self):
        return len(self.shape)

    def only(self, rows):
        """A scene of only these candidates, in this order."""
        changed = {
            name: value[rows]
            for name, value in vars(self).items()
            if torch.is_tensor(value) and value.dim() < 3
        }
        changed |= {name: getattr(self, name)[rows][:, rows] for name in ("within", "touch")}
        return replace(self, **changed)

    def prompted(self, within, covers):
        """The scene with a mask prompt.

        `within` is how much of each candidate lies in the prompt, and `covers` is how much of the
        prompt lies in each candidate.
        """
        return replace(self, prompt=torch.stack([torch.ones_like(within), within, covers], 1))

    def mirrored(self):
        """The scene with mirrored positions of the candidates; pooled features stay as they are."""
        area, y, x, top, left, bottom, right, outline = self.shape.unbind(1)
        shape = torch.stack([area, y, 1 - x, top, 1 - right, bottom, 1 - left, outline], 1)
        return replace(self, shape=shape, edges=self.edges[:, [0, 3, 2, 1]])

    def moved(self, scale, shift):
        """The scene as if the photo showed a little more or less.

        `scale` and `shift` have a number for the height and one for the width.
        """
        (tall, wide), (down, across) = scale, shift
        times = torch.tensor([tall * wide, tall, wide, tall, wide, tall, wide, (tall + wide) / 2])
        added = torch.tensor([0, down, across, down, across, down, across, 0])
        return replace(self, shape=self.shape * times + added)

    def geometry(self):
        """What the head reads of each candidate besides tokens and pooled features, [n, 32]."""
        area, y, x, top, left, bottom, right, outline = self.shape.unbind(1)
        size = (area.clamp(min=1e-6)).log()
        compact = outline.clamp(min=1e-3).log() - size / 2
        found = [
            size / 3,
            y,
            x,
            top,
            left,
            bottom,
            right,
            bottom - top,
            right - left,
            outline,
            compact,
        ]
        wide = torch.full_like(area, self.wide)
        found += [(bottom - top).clamp(min=1e-3).log(), (right - left).clamp(min=1e-3).log()]
        return torch.cat(
            [torch.stack(found, 1), self.edges, self.own, self.prompt, wide[:, None]], 1
        )

    def iou(self):
        both = self.within.float() * self.area[:, None]
        return both / (self.area[:, None] + self.area - both)

    def pairs(self):
        """The features of all pairs of candidates, [n, n, PAIRS]."""
        within, touch, iou = self.within.float(), self.touch.float(), self.iou()
        found = (iou, within, within.T, iou > 0.5, within > 0.85, within.T > 0.85, touch, touch.T)
        return torch.stack([x.float() for x in found], -1)


@dataclass
class SceneTarget:
    """What labels say about the candidates of a `Scene`, by level: part, entity, relation."""

    overlap: list  # 3 x [n, m]: IoU with each labelled mask of the level
    within: list  # 3 x [n, m]: how much of the candidate lies in each of them
    covers: list  # 3 x [n, m]: how much of each of them lies in the candidate
    known: torch.Tensor  # [n, 3]: how surely a candidate without label is nothing of the level
    parents: torch.Tensor  # [parts]: place of each part's entity among the entities, or -1
    members: torch.Tensor  # [relations, 2]: two entities of each relation
    named: torch.Tensor  # [relations]: whether people named it; otherwise a rule found it

    @classmethod
    def of(cls, answers, scene, complete=False):
        hit, area = (torch.from_numpy(x.astype(np.float32)) for x in (answers.hit, answers.area))
        overlap = hit / (scene.area[:, None] + area - hit).clamp(min=1)
        rows = [np.flatnonzero(answers.level == level) for level in range(3)]
        within, covers = hit / scene.area[:, None], hit / area.clamp(min=1)
        place = {int(row): i for i, row in enumerate(rows[1])}
        members = lambda pair: [place.get(int(member), -1) for member in pair]
        share = torch.from_numpy(answers.known.astype(np.float32))
        # A single entity is no relation. Labels hardly ever say what else is not a relation.
        alone = within[:, rows[1]].amax(1) if len(rows[1]) else torch.zeros(len(scene))
        doubt = 0.3 if complete else 0.0
        known = torch.cat(
            [(share > 0.5).float(), (alone > 0.85).float().clamp(min=doubt)[:, None]], 1
        )
        return cls(
            overlap=[overlap[:, level] for level in rows],
            within=[within[:, level] for level in rows],
            covers=[covers[:, level] for level in rows],
            known=known,
            parents=torch.tensor(
                [place.get(int(answers.parent[row]), -1) for row in rows[0]], dtype=torch.long
            ),
            members=torch.tensor(
                [members(answers.members[row]) for row in rows[2]], dtype=torch.long
            ).view(-1, 2),
            named=torch.from_numpy(answers.named[rows[2]]),
        )

    def only(self, rows):
        some = {
            name: [x[rows] for x in getattr(self, name)] for name in ("overlap", "within", "covers")
        }
        return replace(self, known=self.known[rows], **some)

    def asked(self):
        """The labelled masks that a mask prompt may be: (level, place among the level's masks).

        Level 1 is an entity whose parts are asked for, and level 2 is a relation.
        """
        opened = sorted({int(parent) for parent in self.parents if parent >= 0})
        return [(1, entity) for entity in opened] + [
            (2, relation) for relation in range(len(self.members))
        ]


def prompted(scene, target, level, place):
    """Scene and target with one labelled mask as prompt; only candidates mostly in it are left."""
    within, covers = target.within[level][:, place], target.covers[level][:, place]
    rows = (within >= 0.5).nonzero()[:, 0]
    return scene.prompted(within, covers).only(rows), target.only(rows)


def varied(scene, target, rng, drop=0.4, prompts=0.3):
    """A random variant of a scene and its target.

    Some candidates are dropped, and perhaps all of some points. The others are mirrored or not, and
    moved. A share `prompts` of all variants has a mask prompt, if there is a labelled mask to
    prompt with.
    """
    asked = target.asked()
    if asked and rng.random() < prompts:
        inside = prompted(scene, target, *asked[rng.integers(len(asked))])
        if len(inside[0]):  # otherwise no candidate lies in the prompt
            scene, target = inside
    keep = rng.random(len(scene)) >= drop * rng.random()
    gone = rng.random(int(scene.point.max()) + 1) < 0.3 * drop * rng.random()
    rows = torch.from_numpy(np.flatnonzero(keep & ~gone[scene.point.numpy()]))
    if len(rows) < 4:
        rows = torch.arange(len(scene))
    return jittered(scene.only(rows), rng), target.only(rows)


def jittered(scene, rng):
    """A scene whose candidates are mirrored or not, and moved."""
    if rng.random() < 0.5:
        scene = scene.mirrored()
    scale = np.exp(rng.normal(0, 0.08, 2))
    return scene.moved(scale.tolist(), rng.normal(0, 0.04, 2).tolist())


def by_click(scene, target):
    """Yields the answers to each click on a photo as a scene and a target of their own."""
    for point in scene.point.unique().tolist():
        rows = (scene.point == point).nonzero()[:, 0]
        yield scene.only(rows), target.only(rows)
