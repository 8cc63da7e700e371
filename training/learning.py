"""How the two heads learn: the optimizer, the rate, averaged weights, and checkpoints."""

import contextlib
import math
import random

import torch

WARMUP = 200
EMA = 0.998


class Learning:
    """A network that learns, and everything that a checkpoint holds.

    The rate rises over the first `WARMUP` steps and falls to zero like a cosine until the last of
    `options.steps`. If `options.out` has a checkpoint, learning goes on from there.
    """

    def __init__(self, network, options):
        self.network, self.options = network, options
        self.optimizer = torch.optim.AdamW(network.parameters(), options.rate, weight_decay=0.05)
        self.average = {name: value.clone() for name, value in network.state_dict().items()}
        self.step, self.seconds, self.best = 0, 0.0, -1.0
        self.path = options.out / "last.pt"
        if self.path.exists():
            state = torch.load(self.path)
            self.network.load_state_dict(state["network"])
            self.optimizer.load_state_dict(state["optimizer"])
            for name in ("average", "step", "seconds", "best"):
                setattr(self, name, state[name])

    def save(self):
        state = {"network": self.network.state_dict(), "optimizer": self.optimizer.state_dict()}
        state |= {name: getattr(self, name) for name in ("average", "step", "seconds", "best")}
        torch.save(state, self.path.with_suffix(".partial"))
        self.path.with_suffix(".partial").replace(self.path)

    @contextlib.contextmanager
    def update(self):
        """Makes one step with the gradients of the losses in its `with` block.

        It gives a source of random numbers. These, and those of PyTorch inside the block, are the
        same in every run with this seed.
        """
        rng = random.Random(f"{self.options.seed} {self.step}")
        torch.manual_seed(rng.randrange(2**62))
        self.network.train()
        rate = self.options.rate * min(1, (self.step + 1) / WARMUP)
        rate *= 0.5 + 0.5 * math.cos(math.pi * self.step / self.options.steps)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad()
        yield rng
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        keep = min(EMA, (self.step + 1) / (self.step + 10))
        for name, value in self.network.state_dict().items():
            self.average[name].lerp_(value, 1 - keep)
        self.step += 1
