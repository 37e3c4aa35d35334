"""What is measured: models of random weights, made without any file, and painted photos."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn

from facea_core.backbone import Backbone
from facea_core.backbone.backbone import alphas_cumprod
from facea_core.backbone.load import empty_backbone, move
from facea_core.backbone.spec import FAMILIES, SD15, Family
from facea_core.errors import ConfigError
from facea_core.synthetic.render import paint, sample_people, sample_scenes
from facea_core.types import Box, FaceAttributes, Part, Photo

NARROW = replace(
    SD15,
    spec=replace(SD15.spec, resolution=128, widths={"clip_l": 64}),
    unet={**SD15.unet, "block_out_channels": (32, 64, 128, 128), "cross_attention_dim": 64},
    text={
        "clip_l": {
            **SD15.text["clip_l"],
            "hidden_size": 64,
            "intermediate_size": 256,
            "num_attention_heads": 4,
        }
    },
    vae={
        **(SD15.vae or {}),
        "block_out_channels": (16, 32, 64, 64),
        "norm_num_groups": 16,
        "sample_size": 128,
    },
)
"""SD1.5-inpainting as deep as it is and a tenth as wide: as many kernels, for a CPU."""


def family_named(name: str) -> Family:
    """A family to measure: `narrow`, `tiny` or one that can be trained. Raises `ConfigError`."""
    known = {family.spec.family.removeprefix("facea-"): family for family in FAMILIES}
    known["narrow"] = NARROW  # to everything else it is an SD1.5
    if name not in known:
        raise ConfigError(f"model {name!r} is unknown; choose one of {', '.join(known)}")
    return known[name]


def random_backbone(
    family: Family, device: str | torch.device = "cpu", dtype: torch.dtype = torch.float32
) -> Backbone:
    """The family with weights that keep every layer's numbers near 1, made on the device itself."""
    generator = torch.Generator(device).manual_seed(0)
    backbone = filled(family, device, dtype, lambda weight, name: _draw(weight, name, generator))
    return move(replace(backbone, alphas_cumprod=alphas_cumprod()), device, dtype)


def filled(
    family: Family,
    device: str | torch.device,
    dtype: torch.dtype,
    draw: Callable[[Tensor, str], None],
) -> Backbone:
    """The family with new weights; `draw(weight, "weight" or "bias")` gives each its values.

    The schedule has none.
    """
    with torch.device("meta"):
        backbone = empty_backbone(family)
    for module in backbone.modules:
        for layer in module.modules():
            for name, shape in [
                (n, p.shape) for n, p in layer._parameters.items() if p is not None
            ]:
                # Drawn in float32: other dtypes would draw other numbers.
                weight = torch.empty(shape, device=device)
                draw(weight, name)
                setattr(layer, name, nn.Parameter(weight.to(dtype), requires_grad=False))
            for name, old in list(layer._buffers.items()):
                # The only buffers are the places of tokens, 0, 1, 2 ...
                if old is not None:
                    places = torch.arange(old.shape[-1], device=device)
                    setattr(layer, name, places.expand(old.shape).contiguous())
        module.eval()
    return backbone


def painted_photos(count: int, size: int) -> list[Photo]:
    """Painted people with their faces known, `size` pixels square."""
    random = torch.Generator().manual_seed(0)
    people = sample_people(1, random).expand(count, -1)
    painting = paint(people, sample_scenes(count, random), size)
    photos = []
    for i, boxes in enumerate(painting.boxes):
        parts = [Part(k, Box(*boxes[k]), 1.0) for k in ("eyes", "nose", "mouth") if k in boxes]
        found = FaceAttributes((size, size), Box(*boxes["face"]), 1.0, tuple(parts))
        photos.append(Photo(painting.image[i : i + 1], found, name=f"painting {i}"))
    return photos


def _draw(weight: Tensor, name: str, generator: torch.Generator) -> None:
    if weight.ndim > 1:
        weight.normal_(0, weight[0].numel() ** -0.5, generator=generator)
    else:
        weight.fill_(float(name == "weight"))  # a norm's scale; biases are 0
