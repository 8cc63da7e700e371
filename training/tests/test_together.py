"""Two processes that meet over TCP, as on two machines, train one network.

They also resume where the training was stopped.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

TRAINING = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TRAINING))

pytest.importorskip(
    "torch", reason="torch is not installed: pip install -r training/requirements.txt"
)

import numpy as np  # noqa: E402
import torch  # noqa: E402
from sets import write_set  # noqa: E402

from aims import checkpoint  # noqa: E402
from aims.config import manifest  # noqa: E402
from aims.sam import Sam  # noqa: E402
from data import rle  # noqa: E402

SIDE = 128


def write_photos(folder):
    """Writes a set whose photos show a bright square on noise."""
    rng, rows, photos = np.random.default_rng(0), [], {}
    for number in range(6):
        name, (top, left) = f"toy/{number}.jpg", rng.integers(10, SIDE - 70, 2)
        pixels, mask = (
            rng.integers(0, 90, (SIDE, SIDE, 3), np.uint8),
            np.zeros((SIDE, SIDE), bool),
        )
        mask[top : top + 60, left : left + 60] = True
        pixels[mask] += 120
        photos[name] = pixels
        masks = [{"level": "entity", "rle": rle.encode(mask), "parent": None, "label": "square"}]
        split = "val" if number == 0 else "train"
        rows.append(
            {
                "image": name,
                "split": split,
                "width": SIDE,
                "height": SIDE,
                "annotator": None,
                "masks": masks,
            }
        )
    write_set(folder, "toy", rows, photos)
    (folder / "config.json").write_text(
        json.dumps({"sets": [{"name": "toy", "weight": 1}], "composed": 0})
    )


def train(folder, steps):
    where = [
        "--data",
        folder,
        "--config",
        folder / "config.json",
        "--encoder",
        folder / "encoder.safetensors",
        "--out",
        folder / "out",
    ]
    how = [
        "--size",
        SIDE,
        "--batch",
        1,
        "--workers",
        0,
        "--steps",
        steps,
        "--decay",
        1,
        "--distilled",
        0,
        "--validation-images",
        1,
    ]
    torchrun = [
        "-m",
        "torch.distributed.run",
        "--nproc-per-node",
        2,
        "--rdzv-backend",
        "c10d",
        "--rdzv-endpoint",
        "localhost:0",
    ]
    subprocess.run(
        [str(x) for x in [sys.executable, *torchrun, TRAINING / "train.py", *where, *how]],
        check=True,
        timeout=300,
        capture_output=True,
    )
    return torch.load(folder / "out/last.pt")


def test_two_processes_train_one_network(tmp_path):
    torch.manual_seed(0)
    checkpoint.write(tmp_path / "encoder.safetensors", Sam(manifest("aims-tiny")).state_dict())
    write_photos(tmp_path)
    first, second = train(tmp_path, 2), train(tmp_path, 3)
    assert (first["step"], second["step"]) == (2, 3)
    assert any(
        not torch.equal(first["network"][name], second["network"][name])
        for name in first["network"]
    )
    log = [json.loads(line) for line in open(tmp_path / "out/log.jsonl")]
    assert [row["start"]["processes"] for row in log if "start" in row] == [2, 2]
