"""Masks and people to paint."""

import torch

from facea_core.composing import (
    ComposeConfig,
    compose_identity,
)
from facea_core.types import (
    Identity,
    IdentityMeta,
    LoraWeights,
    Word,
)

QUICK = ComposeConfig(steps=1, seed=3, cfg=1.0)
LAYER = "mid_block.attentions.0.transformer_blocks.0.attn2.to_v"


def box_mask(size, *boxes):
    mask = torch.zeros(1, 1, *size)
    for x0, y0, x1, y1 in boxes:
        mask[..., y0:y1, x0:x1] = 1
    return mask


LEFT, RIGHT = (box_mask((150, 201), box) for box in ((10, 20, 50, 70), (130, 30, 180, 90)))
EMPTY = torch.zeros(1, 1, 150, 201)


def person(backbone, name="ada", family=None):
    generator = torch.Generator().manual_seed(sum(name.encode()))
    width = backbone.spec.widths["clip_l"]
    words = tuple(
        Word(f"{name}/{part}", part, part, {"clip_l": torch.randn(1, width, generator=generator)})
        for part in ("eyes", "mouth")
    )
    shape = backbone.unet.get_submodule(LAYER).weight.shape
    down = torch.randn(4, shape[1], generator=generator)
    up = torch.randn(shape[0], 4, generator=generator)
    prompt = f"a photo of a woman with embedding:{name}/eyes embedding:{name}/mouth"
    meta = IdentityMeta(family or backbone.spec.family, "", "woman", prompt, 1, 0, 4)
    return Identity(name, words, {LAYER: LoraWeights(down, up, 4.0)}, meta)


def compose(backbone, image, faces, config=QUICK, **more):
    return compose_identity(image, faces, backbone, config, **more)
