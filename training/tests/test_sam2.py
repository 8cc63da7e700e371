"""Compares SAM 2 in PyTorch with onnxruntime, which runs the files that the weights come from.

../README.md says how to run it.
"""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

for module in ("torch", "onnx", "onnxruntime"):
    pytest.importorskip(
        module, reason=f"{module} is not installed: pip install -r training/requirements.txt"
    )

import numpy as np  # noqa: E402
import torch  # noqa: E402
from safetensors import safe_open  # noqa: E402

from aims import checkpoint, prompts  # noqa: E402
from aims.config import manifest  # noqa: E402
from sam2 import positions, reference  # noqa: E402

WEIGHTS = Path(
    os.environ.get("SAM2_WEIGHTS") or Path.home() / ".cache/aims-web/sam2-hiera-tiny.safetensors"
)
ADVICE = f"python training/extract.py --out {WEIGHTS} --keep {reference.folder()}"
SIZE = reference.SIZE
LIMIT = 1e-4


def difference(found, exact):
    """The largest difference, as a share of the largest value."""
    return float(np.abs(np.asarray(found) - exact).max() / np.abs(exact).max())


@pytest.fixture(scope="module")
def sam():
    if not WEIGHTS.exists():
        pytest.skip(f"{WEIGHTS} is missing: {ADVICE}")
    return checkpoint.sam(manifest("aims-base"), WEIGHTS)


@pytest.fixture(scope="module")
def original():
    if not all(
        (reference.folder() / name).exists() for name in (reference.ENCODER, reference.DECODER)
    ):
        pytest.skip(f"{reference.folder()} does not have the package's files: {ADVICE}")
    return reference.Reference()


@pytest.fixture(scope="module")
def encoded(original):
    return original.encode(prompts.photo(SIZE).numpy())


@torch.no_grad()
def test_encoder(sam, encoded):
    found, _ = prompts.encode(sam, prompts.photo(SIZE))
    differences = {name: difference(found[name], exact) for name, exact in encoded.items()}
    print(differences)
    assert max(differences.values()) < LIMIT, differences


@torch.no_grad()
@pytest.mark.parametrize("prompt", prompts.prompts(SIZE), ids=lambda prompt: prompt["name"])
def test_decoder(sam, original, encoded, prompt):
    exact = original.decode(encoded, prompt["coords"][:-1], prompt["labels"][:-1], prompt["mask"])
    features = {name: torch.from_numpy(x) for name, x in encoded.items()}
    found = prompts.answer(sam, features, prompt, SIZE)
    differences = [difference(a, b) for a, b in zip(found, exact)]
    print(dict(zip(("logits", "scores"), differences)))
    assert max(differences) < LIMIT, differences


def golden(size):
    with safe_open(prompts.TESTS / f"golden/sam2_{size}.safetensors", "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}


@torch.no_grad()
def test_golden_of_onnxruntime(sam):
    """The stored outputs of onnxruntime, from the photo to the masks."""
    exact = golden(SIZE)
    found, _ = prompts.encode(sam, prompts.photo(SIZE))
    steps = {"embedding": 9, "s1": 18, "s0": 17}
    for name, step in steps.items():
        assert difference(found[name][:, ::step, ::step], exact[name].numpy()) < LIMIT
        assert difference(found[name].mean((0, 1, 2)), exact[f"{name}_mean"].numpy()) < LIMIT
    for i, prompt in enumerate(prompts.prompts(SIZE)):
        logits, scores = prompts.answer(sam, found, prompt, SIZE)
        assert difference(logits[:, ::17, ::17], exact["logits"][i].numpy()) < LIMIT, prompt["name"]
        assert difference(scores, exact["ious"][i].numpy()) < LIMIT, prompt["name"]
        masks = np.unpackbits(exact["masks"][i].numpy(), axis=-1).astype(bool)
        assert (masks != (logits > 0).numpy()).mean() < 1e-5, prompt["name"]


@torch.no_grad()
def test_golden_of_small_inputs(sam):
    """The stored outputs of the model in PyTorch.

    They are those of the decoder alone, and those of a rectangle from the photo to the masks.
    """
    exact = golden(256)
    rounded = {name: exact[name].float() for name in ("embedding", "s1", "s0")}
    square, _ = prompts.encode(sam, prompts.photo(256))
    for name, x in rounded.items():
        assert difference(square[name], x.numpy()) < 1e-3  # 16-bit numbers
    wide, _ = prompts.encode(sam, prompts.photo(256, 192))
    for prefix, features in (("", rounded), ("wide.", wide)):
        for i, prompt in enumerate(prompts.prompts(256)):
            logits, scores = prompts.answer(sam, features, prompt, 256)
            assert difference(logits[:, ::3, ::3], exact[f"{prefix}logits"][i].numpy()) < LIMIT
            assert difference(scores, exact[f"{prefix}ious"][i].numpy()) < LIMIT


@torch.no_grad()
def test_prompts_of_one_batch(sam, encoded):
    """Several images with several prompts each get the same answers as each alone."""
    features = {name: torch.from_numpy(x) for name, x in encoded.items()}
    two = {
        name: torch.cat([x, x.flip(2)])[:, : x.shape[1] // 4, : x.shape[2] // 4]
        for name, x in features.items()
    }
    points = torch.tensor(
        [[[0.2, 0.3], [0.7, 0.6], [0.5, 0.1]], [[0.4, 0.4], [0.1, 0.8], [0.9, 0.9]]]
    )
    decoder, encoder = sam.mask_decoder, sam.prompt_encoder
    together = decoder.nested(encoder, two["embedding"], points, [1, 2, 3], (two["s0"], two["s1"]))
    for image in range(2):
        for i in range(3):
            own = {name: x[image : image + 1] for name, x in two.items()}
            alone = decoder.nested(
                encoder,
                own["embedding"],
                points[image : image + 1, i : i + 1],
                [1, 2, 3],
                (own["s0"], own["s1"]),
            )
            for a, b in zip(together, alone):
                assert difference(a[image, i], b[0, 0].numpy()) < LIMIT


@torch.no_grad()
def test_rectangle_keeps_places(sam):
    """Positions of a rectangle are those of the square on its longer side, cropped."""
    trunk, encoder = sam.image_encoder.trunk, sam.prompt_encoder
    square = trunk.positions(64, 64)
    assert torch.equal(trunk.positions(48, 64), square[:48]) and torch.equal(
        trunk.positions(64, 48), square[:, :48]
    )
    square = encoder.positions(16, 16).view(16, 16, -1)
    assert torch.equal(encoder.positions(12, 16).view(12, 16, -1), square[:12])
    assert torch.equal(encoder.positions(16, 12).view(16, 12, -1), square[:, :12])


def test_bicubic_matrix():
    """The interpolation that recovers the table of positions is the same as PyTorch's."""
    x = torch.randn(1, 3, 7, 7, dtype=torch.float64)
    for size in (5, 64, 256):
        matrix = torch.from_numpy(positions.bicubic_matrix(size, 7))
        exact = torch.nn.functional.interpolate(x, size=(size, size), mode="bicubic")
        assert torch.allclose(matrix @ x @ matrix.T, exact, atol=1e-12)
