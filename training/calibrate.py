"""Writes training/weights/FAMILY-calibration.safetensors for a family without levels of its own: how much the inputs of each layer of
SAM's encoder and decoder matter on some training photos, each asked at a few points.

    python training/calibrate.py --encoder ~/.cache/aims-web/sam2-hiera-tiny.safetensors"""

import itertools
import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from aims import checkpoint
from aims.calibration import calibrate
from aims.config import manifest
from data.stream import Samples, inputs
from options import options_for

POINTS = 8  # a photo


def main():
    parser = options_for(__doc__)
    parser.add_argument("--family", default="aims-base", help="one of models/*.json")
    parser.add_argument("--samples", type=int, default=48)
    parser.add_argument("--seed", type=int, default=2)
    options = parser.parse_args()
    sam = checkpoint.sam(manifest(options.family), options.encoder).eval()
    config = json.loads(options.config.read_text())
    torch.manual_seed(options.seed)

    def ask(sample):
        image, _ = inputs([sample], "cpu")
        encoded = sam.image_encoder(image)
        points = torch.rand(1, POINTS, 2)
        sam.mask_decoder.nested(sam.prompt_encoder, encoded.embedding, points, encoded.high_resolution)

    chosen = itertools.islice(Samples(config, options.data, options.size, options.seed, prompts=False), options.samples)
    importance = calibrate(sam, (lambda sample=sample: ask(sample) for sample in chosen))
    out = Path(__file__).parent / "weights" / f"{options.family}-calibration.safetensors"
    save_file(importance, out)
    print(f"{out}: {len(importance)} layers, {options.samples} photos")


if __name__ == "__main__":
    main()
