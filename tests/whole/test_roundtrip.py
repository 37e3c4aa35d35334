"""An identity does in diffusers what it does here, loaded as docs/training.md says."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import (
    DDIMScheduler,
    StableDiffusionInpaintPipeline,
    StableDiffusionXLInpaintPipeline,
)
from transformers import CLIPTokenizer

from facea_core.attributes import attribute_table
from facea_core.backbone import Backbone
from facea_core.backbone.load import empty_backbone
from facea_core.backbone.spec import FAMILIES, TINY, Family
from facea_core.identity import apply_identity, save_identity
from facea_core.identity.lora import lora
from facea_core.identity.words import finished_words, learnable_words
from facea_core.io.assets import asset
from facea_core.types import Identity, IdentityMeta, LoraWeights

from ..narrow import narrow_family

ROOT = Path(__file__).parents[2]
PROMPT = "a photo of a woman with embedding:ada/eyes embedding:ada/nose , smiling"
SIDE = 8
BY_NAME = {family.spec.family: family for family in FAMILIES}


def example() -> str:
    """The block of Python code in docs/training.md that says how diffusers loads an identity."""
    text = (ROOT / "docs" / "training.md").read_text("utf-8")
    (code,) = re.findall(r"```python\n(.*?load_lora_weights.*?)```", text, re.DOTALL)
    return code


def learned(backbone: Backbone, targets: str) -> Identity:
    """Words and a LoRA of random numbers; alpha is not the rank, so that a lost alpha shows."""
    generator = torch.Generator().manual_seed(1)
    table = attribute_table("male")
    with lora(backbone.unet, 4, targets, generator=generator) as adapter:
        layers = {
            path: LoraWeights(w.down, torch.randn(w.up.shape, generator=generator) / 10, 2.0)
            for path, w in adapter.learned().items()
        }
    words = tuple(
        replace(
            word,
            vectors={
                encoder: torch.randn(2, rows.shape[1], generator=generator) / 2
                for encoder, rows in word.vectors.items()
            },
        )
        for word in finished_words(learnable_words(backbone, "ada", table), table)
    )
    meta = IdentityMeta(backbone.spec.family, "", "woman", PROMPT, steps=1, seed=0, rank=4)
    return Identity("ada", words, layers, meta)


def pipeline(family: Family, backbone: Backbone) -> Any:
    """diffusers' own pipeline of the family, with the backbone's weights."""

    def tokenizer(pad: str) -> CLIPTokenizer:
        return CLIPTokenizer.from_pretrained(str(asset(family.tokenizer)), pad_token=pad)

    parts: dict[str, Any] = {
        "vae": backbone.vae,
        "unet": backbone.unet,
        "scheduler": DDIMScheduler(steps_offset=1, clip_sample=False),
    }
    first, *second = backbone.text.encoders.values()
    end = "<|endoftext|>"
    if not second:
        return StableDiffusionInpaintPipeline(
            text_encoder=first,  # pyright: ignore[reportArgumentType]
            tokenizer=tokenizer("!" if "clip_h" in backbone.text.encoders else end),
            safety_checker=None,  # pyright: ignore[reportArgumentType]
            feature_extractor=None,  # pyright: ignore[reportArgumentType]
            requires_safety_checker=False,
            **parts,
        )
    # It reads the last layer but one; ours was built without the last.
    config = type(first.config)(
        **{**first.config.to_dict(), "num_hidden_layers": first.config.num_hidden_layers + 1}
    )
    whole = type(first)(config)
    whole.load_state_dict(first.state_dict(), strict=False)
    return StableDiffusionXLInpaintPipeline(
        text_encoder=whole,  # pyright: ignore[reportArgumentType]
        text_encoder_2=second[0],  # pyright: ignore[reportArgumentType]
        tokenizer=tokenizer(end),
        tokenizer_2=tokenizer("!"),
        **parts,
    )


@torch.no_grad()
def predict(pipe: Any, sample: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
    """What the pipeline's U-Net says to the prompt."""
    encoded = pipe.encode_prompt(
        PROMPT, device="cpu", num_images_per_prompt=1, do_classifier_free_guidance=False
    )
    added = None
    if len(encoded) == 4:
        size = 8.0 * SIDE
        added = {
            "text_embeds": encoded[2],
            "time_ids": torch.tensor([[size, size, 0, 0] + 2 * [size]]),
        }
    return pipe.unet(
        sample, timestep, encoder_hidden_states=encoded[0], added_cond_kwargs=added
    ).sample


@pytest.mark.parametrize(
    ("name", "targets"),
    [("facea-tiny", "wide"), ("sd15", "wide"), ("sd2", "attention"), ("sdxl", "attention")],
)
def test_diffusers_paints_the_person_that_we_paint(
    name: str, targets: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    torch.manual_seed(0)
    family = BY_NAME[name] if BY_NAME[name] is TINY else narrow_family(BY_NAME[name])
    backbone = empty_backbone(family)
    identity = learned(backbone, targets)
    save_identity(identity, tmp_path / "ada.safetensors")
    sample, timestep = torch.randn(1, 9, SIDE, SIDE), torch.tensor([500])
    noisy, mask, masked = sample.split((4, 1, 4), dim=1)
    with torch.no_grad(), apply_identity(backbone, identity) as words:
        ours = backbone.predict(
            noisy, timestep, backbone.text.encode([PROMPT], words), mask, masked
        )

    pipe = pipeline(family, backbone)
    monkeypatch.chdir(tmp_path)
    exec(example(), {"pipe": pipe})  # noqa: S102

    adapted = {path for path, module in pipe.unet.named_modules() if hasattr(module, "lora_A")}
    assert adapted == set(identity.lora)
    assert (predict(pipe, sample, timestep) - ours).abs().max() < 1e-5 * ours.abs().max()
    # The layers and the words can both be felt.
    pipe.unload_lora_weights()
    assert (predict(pipe, sample, timestep) - ours).abs().max() > 1e-2
