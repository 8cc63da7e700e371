"""Writes what the repository keeps of a training run.

These are the trained weights in 16 bits, and how much the inputs of each layer matter (their mean
square on some training photos), which `convert` uses to choose the scales of quantised weights. For
aims-base, only the weights are written, because `convert` looks at photos itself.

    python training/export.py --encoder ENCODER --trained out/train/best.safetensors
"""

import itertools
import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from aims import checkpoint
from aims.calibration import calibrate
from aims.config import PRESETS
from aims.model import Network
from data.stream import Samples, inputs
from options import options_for


def main():
    parser = options_for(__doc__)
    parser.add_argument("--trained", type=Path, required=True, help="weights that train.py wrote")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "weights")
    parser.add_argument("--samples", type=int, default=48)
    parser.add_argument("--seed", type=int, default=2)
    options = parser.parse_args()

    trained, sam = checkpoint.read(options.trained), checkpoint.read(options.encoder)
    # Weights that are still SAM's are left out, because `convert` has them anyway.
    is_sams = lambda name: name in sam and torch.equal(trained[name], sam[name])
    trained = {name: x.half() for name, x in trained.items() if not is_sams(name)}
    name = f"aims-{options.preset}"
    options.out.mkdir(exist_ok=True)
    save_file(trained, options.out / f"{name}-trained.safetensors")

    if options.preset == "base":
        return
    network = Network(PRESETS[options.preset])
    checkpoint.load(network, sam | trained)
    network.eval()
    config = json.loads(options.config.read_text())
    chosen = itertools.islice(
        Samples(config, options.data, options.size, options.seed), options.samples
    )
    runs = (lambda sample=sample: network(*inputs([sample], "cpu")) for sample in chosen)
    importance = calibrate(network, runs, checkpoint.file_name)
    save_file(importance, options.out / f"{name}-calibration.safetensors")


if __name__ == "__main__":
    main()
