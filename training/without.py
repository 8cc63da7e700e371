"""Trained weights with a module switched off, to see what they owe it.

    python training/without.py complementarity training/weights/aims-tiny-trained.safetensors out/without.safetensors"""

import sys

import torch
from aims import checkpoint
from safetensors.torch import save_file

# Of each module the layers whose output is added to that of others, or from which links are made.
LAST_LAYERS = {
    "mask_prompts": "aims.prompt_encoder.inject.",
    "complementarity": "aims.decoder.complementarity.attention.out_proj.",
    "association": "aims.association.entity_part.coarse. aims.association.relation_entity.coarse.",
}


def main():
    module, trained, out = sys.argv[1:]
    starts = tuple(LAST_LAYERS[module].split())
    weights = checkpoint.read(trained)
    assert any(name.startswith(starts) for name in weights), starts
    save_file({name: torch.zeros_like(x) if name.startswith(starts) else x for name, x in weights.items()}, out)


if __name__ == "__main__":
    main()
