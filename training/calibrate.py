"""What the layers are fed on some photos: the mean square of each input of each matrix, for `convert --calibration`.

    python training/calibrate.py --encoder ENCODER --trained best.safetensors --out calibration.safetensors"""

import argparse
import itertools
import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from aims import checkpoint
from aims.config import PRESETS
from aims.layers import Conv
from aims.model import Network
from data.stream import Samples, inputs


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, default=Path(__file__).parent / "configs" / "all.json", help="which sets")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the labelled photos")
    parser.add_argument("--preset", choices=PRESETS, default="tiny")
    parser.add_argument("--encoder", type=Path, required=True, help="float32 model file with MobileSAM's encoder")
    parser.add_argument("--trained", type=Path, required=True, help="what train.py wrote")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--size", type=int, default=512, help="side of the input")
    parser.add_argument("--samples", type=int, default=64)
    parser.add_argument("--views", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=2)
    options = parser.parse_args()

    network = Network(PRESETS[options.preset])
    checkpoint.load_encoder(network, options.encoder)
    network.load_state_dict(checkpoint.read(options.trained), strict=False)
    network.eval()
    sums, counts = {}, {}

    def watch(name, module):
        def hook(_module, inputs):
            x = inputs[0].detach().flatten(0, -2).square()
            repeats = module.kernel**2 if isinstance(module, Conv) else 1
            sums[name] = sums.get(name, 0.0) + x.sum(0).repeat(repeats)
            counts[name] = counts.get(name, 0) + len(x)

        module.register_forward_pre_hook(hook)

    for name, module in network.named_modules():
        if isinstance(module, (torch.nn.Linear, Conv)):
            watch(f"{name}.weight", module)

    config = json.loads(options.config.read_text())
    # Training photos: the validation photos must not choose anything.
    samples = Samples(config, options, options.seed)
    with torch.no_grad():
        for sample in itertools.islice(samples, options.samples):
            network(*inputs([sample], "cpu"))
    save_file({name: (sums[name] / counts[name]).contiguous() for name in sums}, options.out)


if __name__ == "__main__":
    main()
