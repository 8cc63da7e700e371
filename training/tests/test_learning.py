"""Tests how a head learns."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
pytest.importorskip("torch", reason="PyTorch is needed: pip install -r training/requirements.txt")

import torch  # noqa: E402

from learning import Learning  # noqa: E402


def learnt(folder, stops):
    """The run after as many steps as the last of `stops`, stopped and resumed at the others."""
    folder.mkdir()
    options = SimpleNamespace(rate=1e-2, steps=8, seed=1, out=folder)
    for stop in stops:
        torch.manual_seed(0)
        run = Learning(torch.nn.Linear(3, 1), options)
        while run.step < stop:
            with run.update() as rng:
                x = torch.randn(4, 3) + rng.random()
                (run.network(x) - x.sum(1, keepdim=True)).square().mean().backward()
        run.save()
    return run


def test_a_resumed_run_ends_like_one_that_was_not_stopped(tmp_path):
    whole, stopped = learnt(tmp_path / "whole", [8]), learnt(tmp_path / "stopped", [3, 5, 8])
    assert whole.step == stopped.step == 8
    for name, value in whole.average.items():
        assert torch.equal(value, stopped.average[name])
        assert not torch.equal(value, whole.network.state_dict()[name])
