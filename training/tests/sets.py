"""Writes labelled photos as the sets in `../shared/data` are."""

import io
import json
import tarfile

from PIL import Image


def write_set(folder, name, rows, photos):
    """Writes a set of these rows and of `photos`, whose pixels are given by image name."""
    (folder / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    with tarfile.open(folder / f"{name}.tar", "w") as tar:
        for image, pixels in photos.items():
            file = io.BytesIO()
            # The format is that of the name: .jpg or .png.
            Image.fromarray(pixels).save(
                file, Image.registered_extensions()[image[image.rindex(".") :]]
            )
            member = tarfile.TarInfo(image)
            member.size = len(file.getvalue())
            tar.addfile(member, io.BytesIO(file.getvalue()))
