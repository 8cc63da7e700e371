"""What the scene head sees of a photo, and how it is varied in training: candidates drop out, and where they lie is moved."""

from dataclasses import dataclass, replace

import numpy as np
import torch

from .candidates import KINDS

# Shares of a mask that lie in another, and of its outline beside it; then IoU. `Scene.pairs` makes the head's features of these.
PAIRS = 8


@dataclass
class Scene:
    """n candidates of one photo."""

    tokens: torch.Tensor  # [n, 256]
    inside: torch.Tensor  # [n, 256]
    around: torch.Tensor  # [n, 256]
    deep: torch.Tensor  # [n, 768]
    shape: torch.Tensor  # [n, 8]: as in `Candidates`
    edges: torch.Tensor  # [n, 4]: which borders of the photo it touches: top, left, bottom, right
    own: torch.Tensor  # [n, 11]: the decoder's scores, repeats, and which token the mask is from
    prompt: torch.Tensor  # [n, 3]: whether there is a mask prompt, how much of the candidate lies in it, how much of it in the candidate
    wide: float  # logarithm of width over height
    within: torch.Tensor  # [n, n]: share of the row's mask that lies in the column's
    touch: torch.Tensor  # [n, n]: share of the row's outline that is beside or in the column's mask
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
                for name in ("tokens", "inside", "around", "deep")
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
        """Of these candidates, in this order."""
        changed = {
            name: value[rows]
            for name, value in vars(self).items()
            if torch.is_tensor(value) and value.dim() < 3
        }
        changed |= {name: getattr(self, name)[rows][:, rows] for name in ("within", "touch")}
        return replace(self, **changed)

    def prompted(self, within, covers):
        """With a mask prompt: how much of each candidate lies in it, and how much of it in each candidate."""
        return replace(self, prompt=torch.stack([torch.ones_like(within), within, covers], 1))

    def mirrored(self):
        """Where the candidates lie, seen in a mirror; what was pooled stays as it is."""
        area, y, x, top, left, bottom, right, outline = self.shape.unbind(1)
        shape = torch.stack([area, y, 1 - x, top, 1 - right, bottom, 1 - left, outline], 1)
        return replace(self, shape=shape, edges=self.edges[:, [0, 3, 2, 1]])

    def moved(self, scale, shift):
        """As if the photo showed a little more or less: `scale` and `shift` of height and width."""
        (tall, wide), (down, across) = scale, shift
        times = torch.tensor([tall * wide, tall, wide, tall, wide, tall, wide, (tall + wide) / 2])
        added = torch.tensor([0, down, across, down, across, down, across, 0])
        return replace(self, shape=self.shape * times + added)

    def geometry(self):
        """[n, 32]."""
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
        """[n, n, PAIRS]."""
        within, touch, iou = self.within.float(), self.touch.float(), self.iou()
        found = (iou, within, within.T, iou > 0.5, within > 0.85, within.T > 0.85, touch, touch.T)
        return torch.stack([x.float() for x in found], -1)


@dataclass
class SceneTarget:
    """What people say of the candidates of a `Scene`, by level: part, entity, relation."""

    overlap: list  # 3 x [n, m]: IoU with each labelled mask of the level
    within: list  # 3 x [n, m]: how much of the candidate lies in each of them
    covers: list  # 3 x [n, m]: and how much of each lies in the candidate
    known: (
        torch.Tensor
    )  # [n, 3]: how much it is held against a candidate that it is nothing of the level
    parents: torch.Tensor  # [parts]: place of each part's entity among the entities, or -1
    members: torch.Tensor  # [relations, 2]: two entities of each relation
    named: torch.Tensor  # [relations]: whether people named it; otherwise it is a rule's

    @classmethod
    def of(cls, answers, scene, complete=False):
        hit, area = (torch.from_numpy(x.astype(np.float32)) for x in (answers.hit, answers.area))
        overlap = hit / (scene.area[:, None] + area - hit).clamp(min=1)
        rows = [np.flatnonzero(answers.level == level) for level in range(3)]
        within, covers = hit / scene.area[:, None], hit / area.clamp(min=1)
        place = {int(row): i for i, row in enumerate(rows[1])}
        members = lambda pair: [place.get(int(member), -1) for member in pair]
        share = torch.from_numpy(answers.known.astype(np.float32))
        # One entity is no relation; what else is none, hardly anyone says.
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
        """What a mask prompt may be: of each, its level (1: an entity to be opened, 2: a relation), and its place there."""
        opened = sorted({int(parent) for parent in self.parents if parent >= 0})
        return [(1, entity) for entity in opened] + [
            (2, relation) for relation in range(len(self.members))
        ]


def prompted(scene, target, level, place):
    """Both with one labelled mask as prompt: only candidates that lie mostly in it."""
    within, covers = target.within[level][:, place], target.covers[level][:, place]
    rows = (within >= 0.5).nonzero()[:, 0]
    return scene.prompted(within, covers).only(rows), target.only(rows)


def varied(scene, target, rng, drop=0.4, prompts=0.3):
    """Of both, a random variant: without some candidates, perhaps without some points, mirrored and moved; with a mask prompt in so
    many of all cases, where there is a labelled mask to prompt with."""
    asked = target.asked()
    if asked and rng.random() < prompts:
        scene, target = prompted(scene, target, *asked[rng.integers(len(asked))])
    keep = rng.random(len(scene)) >= drop * rng.random()
    gone = rng.random(int(scene.point.max()) + 1) < 0.3 * drop * rng.random()
    rows = torch.from_numpy(np.flatnonzero(keep & ~gone[scene.point.numpy()]))
    if len(rows) < 4:
        rows = torch.arange(len(scene))
    return jittered(scene.only(rows), rng), target.only(rows)


def jittered(scene, rng):
    """Mirrored or not, and moved."""
    if rng.random() < 0.5:
        scene = scene.mirrored()
    scale = np.exp(rng.normal(0, 0.08, 2))
    return scene.moved(scale.tolist(), rng.normal(0, 0.04, 2).tolist())


def by_click(scene, target):
    """Of a photo that was clicked, the answers to each click by themselves."""
    for point in scene.point.unique().tolist():
        rows = (scene.point == point).nonzero()[:, 0]
        yield scene.only(rows), target.only(rows)
