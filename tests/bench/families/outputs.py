"""What ComfyUI's modules and ours make of the same inputs."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import Any

PROMPTS = {"prompt": "a photo of a woman at the sea", "long_prompt": "a red fox jumps, " * 30}


def inputs() -> dict[str, Any]:
    """No square, so that height and width cannot be mistaken for each other."""
    import torch

    generator = torch.Generator().manual_seed(1)
    return {
        "sample": torch.randn(1, 9, 16, 24, generator=generator),
        "picture": torch.rand(1, 3, 64, 96, generator=generator) * 2 - 1,
        "latent": torch.randn(1, 4, 8, 12, generator=generator),
    }


def theirs(family: str, work: Path) -> dict[str, Any]:
    """What ComfyUI's modules make of the file in float32; kept for the other stages."""
    import comfy.sd
    import torch
    from safetensors.torch import save_file

    began = perf_counter()
    exact = {"dtype": torch.float32}
    given = inputs()
    with torch.inference_mode():
        model, clip, vae = comfy.sd.load_checkpoint_guess_config(
            str(work / "model.safetensors"), model_options=exact, te_model_options=exact
        )[:3]
        load_s = round(perf_counter() - began, 1)
        made = {}
        for name, prompt in PROMPTS.items():
            context, pooled = clip.encode_from_tokens(clip.tokenize(prompt), return_pooled=True)
            made[name] = context.float()
            if family == "sdxl":
                made[f"{name}_pooled"] = pooled.float()
        height, width = (8 * side for side in given["sample"].shape[-2:])
        more = {}
        if family == "sdxl":
            pooled = made["prompt_pooled"]
            more["y"] = model.model.encode_adm(pooled_output=pooled, width=width, height=height)
        unet = model.model.diffusion_model.float()
        made["unet"] = unet(
            given["sample"], torch.tensor([500.0]), context=made["prompt"], **more
        ).float()
        coder = vae.first_stage_model.float()
        made["vae_encode"] = coder.quant_conv(coder.encoder(given["picture"]))
        made["vae_decode"] = coder.decode(given["latent"])
    save_file({k: v.clone().contiguous() for k, v in made.items()}, work / "theirs.safetensors")
    return {"load_s": load_s, "std": {key: float(value.std()) for key, value in made.items()}}


def compare(backbone: Any, work: Path) -> dict[str, Any]:
    """Each module of ours on the inputs of theirs: largest difference, and that over their std."""
    import torch
    from safetensors.torch import load_file

    wanted, given = load_file(work / "theirs.safetensors"), inputs()
    conditioning = backbone.text.encode(["x"])
    with torch.no_grad():
        made = {}
        for name, prompt in PROMPTS.items():
            encoded = backbone.text.encode([prompt])
            made[name] = encoded.context
            if encoded.pooled is not None:
                made[f"{name}_pooled"] = encoded.pooled
        conditioning = type(conditioning)(wanted["prompt"], wanted.get("prompt_pooled"))
        parts = given["sample"].split((4, 1, 4), dim=1)
        noisy, mask, masked = parts
        made["unet"] = backbone.predict(noisy, torch.tensor([500]), conditioning, mask, masked)
        latent = backbone.vae.encode(given["picture"]).latent_dist
        made["vae_encode"] = latent.parameters
        made["vae_decode"] = backbone.vae.decode(given["latent"]).sample
    assert made.keys() == wanted.keys()
    return {
        key: {
            "max_abs": float(f"{difference(value, wanted[key]):.3g}"),
            "over_std": float(f"{difference(value, wanted[key]) / float(wanted[key].std()):.3g}"),
        }
        for key, value in made.items()
    }


def difference(ours: Any, wanted: Any) -> float:
    return float((ours.float() - wanted).abs().max())
