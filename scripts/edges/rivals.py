"""What our edges are compared with: simple softening, pymatting, and IS-Net."""

import json
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image
from pymatting import estimate_alpha_cf, estimate_foreground_ml
from scipy import ndimage


def feather(mask, pixels):
    """A linear ramp of this many pixels across the mask's edge, as `maskToAlpha` of the package."""
    inside = ndimage.distance_transform_edt(mask)
    outside = ndimage.distance_transform_edt(~mask)
    distance = np.where(mask, inside - 0.5, 0.5 - outside)
    return np.clip(0.5 + distance / pixels, 0, 1).astype(np.float32)


def trimap(mask, radius):
    """The mask, with one half where the edge is nearer than the radius."""
    near = np.abs(feather(mask, 2 * radius) - 0.5) < 0.5
    return np.where(near, 0.5, mask).astype(np.float32)


def closed_form(photo, trimap):
    """pymatting's closed-form matting, on the part of the photo where the trimap is not known."""
    unknown = (trimap > 0) & (trimap < 1)
    if not unknown.any():
        return trimap
    rows, columns = ndimage.find_objects(unknown.astype(int))[0]
    part = tuple(slice(max(0, s.start - 16), s.stop + 16) for s in (rows, columns))
    alpha = trimap.copy()
    alpha[part] = estimate_alpha_cf(photo[part].astype(float), trimap[part].astype(float))
    return alpha


def foreground(photo, alpha):
    """pymatting's estimate of the subject's own colours."""
    return estimate_foreground_ml(photo.astype(float), alpha.astype(float)).astype(np.float32)


class IsNet:
    """IS-Net as `@imgly/background-removal` runs it; its model file is only measured here."""

    SIDE = 1024

    def __init__(self, folder: Path):
        file = folder / "isnet.onnx"
        if not file.exists():
            package = folder / "node_modules/@imgly/background-removal-data/dist"
            chunks = json.loads((package / "resources.json").read_text())["/models/medium"]
            file.write_bytes(b"".join((package / c["hash"]).read_bytes() for c in chunks["chunks"]))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(file, options)

    def __call__(self, photo):
        """The alpha of what IS-Net takes for the subject."""
        height, width, _ = photo.shape
        picture = Image.fromarray(np.round(255 * photo).astype(np.uint8))
        small = np.asarray(picture.resize((self.SIDE, self.SIDE), Image.BILINEAR), np.float32)
        batch = ((small - 128) / 256).transpose(2, 0, 1)[None]
        entry = self.session.get_inputs()[0]
        alpha = self.session.run(None, {entry.name: batch})[0].reshape(self.SIDE, self.SIDE)
        alpha = Image.fromarray(np.clip(alpha, 0, 1)).resize((width, height), Image.BILINEAR)
        return np.asarray(alpha, np.float32)
