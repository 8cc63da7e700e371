"""Writes trained weights with a module switched off, to see what the module contributes.

Usage:

    python training/without.py complementarity \\
        training/weights/aims-tiny-trained.safetensors out/without.safetensors
    python training/without.py scene_association \\
        training/weights/aims-base-scene.safetensors out/without.safetensors
"""

import sys

import torch
from safetensors import safe_open
from safetensors.torch import save_file

# The layers of each module whose output is added to that of others, or from which links are made.
LAST_LAYERS = {
    "mask_prompts": "aims.prompt_encoder.inject.",
    "complementarity": "aims.decoder.complementarity.attention.out_proj.",
    "association": "aims.association.entity_part.coarse. aims.association.relation_entity.coarse.",
    # In the scene head, candidates then do not attend to one another, and only the positions of two
    # candidates say how they belong together.
    "scene_complementarity": "scene.layers.0.proj. scene.layers.1.proj. scene.layers.2.proj.",
    "scene_association": "scene.first.",
}


def main():
    module, trained, out = sys.argv[1:]
    starts = tuple(LAST_LAYERS[module].split())
    with safe_open(trained, "pt") as file:
        weights, facts = {name: file.get_tensor(name) for name in file.keys()}, file.metadata()
    assert any(name.startswith(starts) for name in weights), starts
    save_file(
        {
            name: torch.zeros_like(x) if name.startswith(starts) else x
            for name, x in weights.items()
        },
        out,
        facts,
    )


if __name__ == "__main__":
    main()
