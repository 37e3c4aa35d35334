"""The table of `training/costs.py`, counted anew from the full-size modules."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from facea_core.attributes import attribute_table
from facea_core.backbone import Backbone
from facea_core.identity.lora import lora
from facea_core.identity.targets import TARGETS
from facea_core.identity.words import by_placeholder, learnable_words

from .one_step import Setting, build, peak_of
from .peaks import counted, no_math_attention


def table_row(family: str) -> dict[str, Any]:
    """A row of `COSTS` as it is counted now."""
    backbone = build(family, "meta", torch.bfloat16)
    spec, size = backbone.spec, 2
    pixels = (spec.resolution // spec.latent_factor) ** 2

    def numbers(*found: torch.nn.Module) -> int:
        return sum(p.numel() for m in found for p in m.parameters())

    def activations(targets: str, twice: bool) -> tuple[int, int]:
        per = []
        for rank in (8, 48):
            setting = Setting(family, spec.resolution, 4, 4, twice, targets, rank, torch.bfloat16)
            small = replace(setting, batch=2, micro_batch=2)
            large, little = peak_of(setting, backbone)[0], peak_of(small, backbone)[0]
            per.append((large - little) / 2 / pixels / size)
        ranked = max((per[1] - per[0]) / 40, 0)
        return round(per[0] - 8 * ranked), round(ranked)

    def sizes(targets: str) -> int:
        with lora(backbone.unet, 1, targets) as adapter:
            return adapter.flat.parameter.numel()

    return {
        "unet": numbers(backbone.unet),
        "text": numbers(*backbone.text.encoders.values()),
        "vae": numbers(backbone.vae),
        "lora": {targets: sizes(targets) for targets in TARGETS},
        "step": {
            f"{targets}, {twice}": activations(targets, twice)
            for targets in TARGETS
            for twice in (False, True)
        },
        "prompt": round(_prompt(backbone) / size),
        "encode": round(_encode(backbone) / pixels / size),
    }


def _prompt(backbone: Backbone) -> float:
    """Bytes of one prompt more in the text encoders, with a word to learn."""
    table = attribute_table("male")
    words = learnable_words(backbone, "person", table)

    def encode(count: int) -> int:
        prompts = ["embedding:person/eyes"] * count
        prepared = backbone.text.prepare(prompts, by_placeholder(words.views()))
        known = [
            p for m in backbone.text.encoders.values() for p in (*m.parameters(), *m.buffers())
        ]
        with no_math_attention("meta"):
            return counted(
                lambda: backbone.text.encode_prepared(prepared, by_placeholder(words.views())),
                known,
            )  # fmt: skip

    return (encode(5) - encode(1)) / 4


def _encode(backbone: Backbone) -> int:
    side = backbone.spec.resolution
    image = torch.zeros(1, 3, side, side, device="meta")
    known = [image, *backbone.vae.parameters(), *backbone.vae.buffers()]
    weights = sum(p.nbytes for p in backbone.vae.parameters())
    with no_math_attention("meta"):
        return counted(lambda: backbone.encode_image(image), known) - weights
