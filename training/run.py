"""The state of a training run, and one step of it.

On the CPU, several processes with one thread each share the work.
"""

import contextlib
import copy
import dataclasses

import torch
import torch.distributed as dist

from aims import checkpoint
from aims.config import PRESETS
from aims.model import Network

WARMUP = 100
EMA = 0.99
# Parameters with these in their names start from SAM's weights and learn more slowly.
FROM_SAM = (
    "transformer",
    "upscale",
    "hypernetwork",
    "token",
    "quality_head.layers.0",
    "quality_head.layers.1",
    "self_attn",
    "q_proj",
    "out_proj",
)
KNOWN_RATE = 0.4


class Run:
    """Everything that a checkpoint holds."""

    def __init__(self, options):
        self.options = options
        torch.manual_seed(options.seed)
        config = dataclasses.replace(
            PRESETS[options.preset], **dict.fromkeys(options.without, False)
        )
        self.network = Network(config).to(options.device)
        checkpoint.load_sam(self.network, options.encoder)
        self.network.image_encoder.requires_grad_(options.encoder_rate > 0)
        # The model file has these layers only once, for SAM and AIMS.
        if not self.network.aims.has_side_decoder:
            for layer in self.network.aims.decoder.transformer.layers:
                layer.mlp.requires_grad_(False)
        self.original = (
            copy.deepcopy(self.network.image_encoder).requires_grad_(False)
            if options.encoder_rate > 0
            else None
        )
        self.teacher = (
            None
            if self.network.aims.has_side_decoder
            else checkpoint.teacher(options.encoder, config.sam).to(options.device)
        )
        if options.begin_with:
            checkpoint.load(
                self.network, checkpoint.read(options.encoder) | checkpoint.read(options.begin_with)
            )
        known, new = [], []
        for name, parameter in self.network.aims.named_parameters():
            if parameter.requires_grad:
                (known if any(part in name for part in FROM_SAM) else new).append(parameter)
        groups = [
            {"params": new, "peak": options.rate},
            {"params": known, "peak": options.rate * KNOWN_RATE},
        ]
        if options.encoder_rate > 0:
            groups.append(
                {"params": self.network.image_encoder.parameters(), "peak": options.encoder_rate}
            )
        self.optimizer = torch.optim.AdamW(groups, lr=options.rate, weight_decay=0.02)
        self.average = {name: value.detach().clone() for name, value in self.trained().items()}
        self.step, self.seconds, self.best = 0, 0.0, -1.0
        self.path = options.out / "last.pt"
        if self.path.exists():
            self.load(torch.load(self.path, map_location=options.device))

    def trained(self):
        return {
            name: parameter
            for name, parameter in self.network.named_parameters()
            if parameter.requires_grad
        }

    def load(self, state):
        self.network.load_state_dict(state["network"], strict=False)
        self.optimizer.load_state_dict(state["optimizer"])
        self.average = state["average"]
        self.step, self.seconds, self.best = state["step"], state["seconds"], state["best"]

    def state(self):
        trained = {name: value.detach() for name, value in self.trained().items()}
        state = {
            "network": trained,
            "optimizer": self.optimizer.state_dict(),
            "average": self.average,
        }
        return state | {"step": self.step, "seconds": self.seconds, "best": self.best}

    def save(self):
        partial = self.path.with_suffix(".partial")
        torch.save(self.state(), partial)
        partial.replace(self.path)

    def follow_the_first(self):
        """Gives all processes the state of the first one, which other machines may not have."""
        state = [self.state() if dist.get_rank() == 0 else None]
        dist.broadcast_object_list(state, 0)
        self.load(state[0])

    @contextlib.contextmanager
    def averaged(self):
        """Gives the network its averaged weights inside a `with` block."""
        current = {name: value.detach().clone() for name, value in self.trained().items()}
        self.network.load_state_dict(self.average, strict=False)
        yield
        self.network.load_state_dict(current, strict=False)

    def share_gradients(self):
        """Replaces the gradients of every process by the mean over all processes."""
        parameters = [
            parameter for parameter in self.network.parameters() if parameter.requires_grad
        ]
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        flat = torch.cat([parameter.grad.flatten() for parameter in parameters])
        dist.all_reduce(flat)
        flat /= self.options.processes
        sizes = [parameter.numel() for parameter in parameters]
        for parameter, grad in zip(parameters, flat.split(sizes)):
            parameter.grad.copy_(grad.view_as(parameter))

    def update(self, losses):
        """Makes one step with the mean of the losses, which are computed one after the other."""
        self.optimizer.zero_grad(set_to_none=False)
        count = 0
        for loss in losses:
            loss.backward()
            count += 1
        if count > 1:
            for parameter in self.network.parameters():
                if parameter.grad is not None:
                    parameter.grad /= count
        self.step_on()

    def step_on(self):
        left = self.options.steps - self.step
        factor = min(1.0, (self.step + 1) / WARMUP, left / self.options.decay)
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak"] * factor
        if self.options.processes > 1:
            self.share_gradients()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        keep = min(EMA, (self.step + 1) / (self.step + 10))
        for name, value in self.trained().items():
            self.average[name].lerp_(value.detach(), 1 - keep)
        self.step += 1
