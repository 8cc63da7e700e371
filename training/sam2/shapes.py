"""Names and shapes of the tensors that a model file of `aims-base` has of SAM 2.

These are all tensors of the encoders and of SAM's own decoder.
"""


def linear(name, outputs, inputs):
    return {f"{name}.weight": [outputs, inputs], f"{name}.bias": [outputs]}


def norm(name, width):
    return {f"{name}.weight": [width], f"{name}.bias": [width]}


def mlp(name, *widths):
    return {
        key: shape
        for i, (a, b) in enumerate(zip(widths, widths[1:]))
        for key, shape in linear(f"{name}.layers.{i}", b, a).items()
    }


def attention(name, width, inner):
    layers = {
        key: shape
        for part in "qkv"
        for key, shape in linear(f"{name}.{part}_proj", inner, width).items()
    }
    return layers | linear(f"{name}.out_proj", width, inner)


def encoder(manifest):
    stages, side = manifest["encoder"]["stages"], manifest["encoder"]["positionSide"]
    first, width = stages[0]["channels"], manifest["decoder"]["channels"]
    trunk = "image_encoder.trunk"
    shapes = linear(f"{trunk}.patch_embed.proj", first, 7 * 7 * 3)
    shapes[f"{trunk}.pos_embed"] = [side, side, first]
    shapes[f"{trunk}.pos_embed_window"] = [stages[0]["window"]] * 2 + [first]
    before, number = first, 0
    for stage in stages:
        for _ in range(stage["depth"]):
            block, channels = f"{trunk}.blocks.{number}", stage["channels"]
            shapes |= norm(f"{block}.norm1", before) | norm(f"{block}.norm2", channels)
            shapes |= linear(f"{block}.attn.qkv", 3 * channels, before) | linear(
                f"{block}.attn.proj", channels, channels
            )
            shapes |= mlp(f"{block}.mlp", channels, 4 * channels, channels)
            if before != channels:
                shapes |= linear(f"{block}.proj", channels, before)
            before, number = channels, number + 1
    for stride, outputs, stage in zip(
        (4, 8, 16, 32), (*manifest["decoder"]["highResolution"], width, width), stages
    ):
        shapes |= linear(f"image_encoder.neck.stride{stride}", outputs, stage["channels"])
    return shapes


def prompt_encoder(width):
    name = "prompt_encoder"
    shapes = {f"{name}.pe_layer.positional_encoding_gaussian_matrix": [2, width // 2]}
    shapes |= {f"{name}.point_embeddings.{i}.weight": [1, width] for i in range(4)}
    shapes |= {
        f"{name}.{part}.weight": [1, width] for part in ("not_a_point_embed", "no_mask_embed")
    }
    mask = f"{name}.mask_downscaling"
    shapes |= (
        linear(f"{mask}.0", 4, 4)
        | norm(f"{mask}.1", 4)
        | linear(f"{mask}.3", 16, 16)
        | norm(f"{mask}.4", 16)
    )
    return shapes | linear(f"{mask}.6", width, 16)


def mask_decoder(decoder):
    width, masks = decoder["channels"], decoder["masks"]
    name, transformer = "mask_decoder", "mask_decoder.transformer"
    shapes = {f"{name}.iou_token.weight": [1, width], f"{name}.mask_tokens.weight": [masks, width]}
    if decoder["objectToken"]:
        shapes[f"{name}.obj_score_token.weight"] = [1, width]
    for i in range(decoder["depth"]):
        layer = f"{transformer}.layers.{i}"
        shapes |= attention(f"{layer}.self_attn", width, width)
        for part in ("cross_attn_token_to_image", "cross_attn_image_to_token"):
            shapes |= attention(f"{layer}.{part}", width, width // 2)
        for n in range(1, 5):
            shapes |= norm(f"{layer}.norm{n}", width)
        shapes |= linear(f"{layer}.mlp.lin1", decoder["hidden"], width) | linear(
            f"{layer}.mlp.lin2", width, decoder["hidden"]
        )
    shapes |= attention(f"{transformer}.final_attn_token_to_image", width, width // 2)
    shapes |= norm(f"{transformer}.norm_final_attn", width)
    half, quarter = width // 4, width // 8
    upscaling = f"{name}.output_upscaling"
    shapes |= (
        linear(f"{upscaling}.0", 4 * half, width)
        | norm(f"{upscaling}.1", half)
        | linear(f"{upscaling}.3", 4 * quarter, half)
    )
    for i in range(masks):
        shapes |= mlp(f"{name}.output_hypernetworks_mlps.{i}", width, width, width, quarter)
    return shapes | mlp(f"{name}.iou_prediction_head", width, width, width, masks)


def expected(manifest):
    """All names and shapes: {name: shape}."""
    return (
        encoder(manifest)
        | prompt_encoder(manifest["decoder"]["channels"])
        | mask_decoder(manifest["decoder"])
    )
