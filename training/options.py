"""The options that train.py and export.py share."""

import argparse
from pathlib import Path

from aims.config import PRESETS


def options_for(description):
    """A parser with these options, to which others can be added."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "--config",
        type=Path,
        default=Path(__file__).parent / "configs" / "all.json",
        help="config with the sets",
    )
    parser.add_argument(
        "--data", type=Path, default=Path("../shared/data"), help="folder of the labelled photos"
    )
    parser.add_argument("--preset", choices=PRESETS, default="tiny")
    parser.add_argument(
        "--encoder", type=Path, required=True, help="float32 file of SAM's weights of the preset"
    )
    parser.add_argument("--size", type=int, default=512, help="side of the input, a multiple of 64")
    return parser
