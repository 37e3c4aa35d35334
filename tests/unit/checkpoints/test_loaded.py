"""Kinds of checkpoints that people have and that load, with what is said of them.

Names and shapes are those of published files; where they come from is said at each kind. Numbers
are holes in the file.
"""

import re

import pytest

from facea_core.backbone import inspect_checkpoint

from ...layouts import (
    FAMILY,
    Shapes,
    extra,
    folders,
    plain,
    renamed,
    without,
    write_hollow,
)
from .changes import IDS, ONE, TEXT, TO_Q, TWO, VAE


def vae_of_diffusers(shapes: Shapes) -> Shapes:
    kept = without("^" + VAE)(shapes)
    return {**kept, **{VAE + key: shape for key, shape in folders("sd15")["vae"].items()}}


def flat(shapes: Shapes) -> Shapes:
    return {k: s[:2] if ".mid.attn_1." in k and len(s) == 4 else s for k, s in shapes.items()}


TABLES = ("betas", "alphas_cumprod", "alphas_cumprod_prev", "sqrt_recipm1_alphas_cumprod",
          "posterior_mean_coef1", "posterior_log_variance_clipped", "log_one_minus_alphas_cumprod",
          "logvar", "model_ema.decay", "model_ema.num_updates")  # fmt: skip
LAST = "cond_stage_model.model.transformer.resblocks.23."

# Kind: (family, how it differs from the plain inpainting file, what the note says if there is one).
LOADED = {
    # runwayml's, whose listing is in ostris/ai-toolkit; the tables in CompVis' code.
    "SD 1.5, published": ("sd15", extra(TEXT + IDS, *TABLES), ""),
    # AUTOMATIC1111/stable-diffusion-webui#3788: the merger keeps the weights only.
    "SD 1.5, merge of a web UI": ("sd15", extra(TEXT + IDS), ""),
    # victorchall/EveryDream2trainer#219, huggingface/diffusers#4790.
    "SD 1.5, VAE attention to_q": ("sd15", TO_Q, ""),
    "SDXL, VAE attention to_q": ("sdxl", TO_Q, ""),
    "SD 1.5, VAE attention as matrices": ("sd15", flat, ""),
    # AUTOMATIC1111/stable-diffusion-webui#11803.
    "SD 1.5, VAE with diffusers' names": ("sd15", vae_of_diffusers, ""),
    # NovelAI's and merges of it.
    "SD 1.5, text without text_model": (
        "sd15",
        renamed((r"transformer\.text_model", "transformer")),
        "",
    ),
    # What ComfyUI's Save Checkpoint adds.
    "SD 1.5, saved by ComfyUI": (
        "sd15",
        extra(TEXT + "logit_scale", TEXT + "text_projection.weight"),
        "",
    ),
    # invoke-ai/InvokeAI#9404, #9581.
    "SD 1.5, model_sampling.sigmas": (
        "sd15",
        extra("model_sampling.sigmas"),
        "1 .*model_sampling.sigmas",
    ),
    "SD 1.5, a flag of its own": ("sd15", extra("nsfw_flag"), "1 .*nsfw_flag"),
    # nickyisadog/latent-diffusion-inpainting#10.
    "SD 1.5, tables of a sampler": ("sd15", extra("ddim_sigmas", "ddim_alphas"), "2 .*ddim_alphas"),
    "SD 1.5, all of CLIP": (
        "sd15",
        extra(
            TEXT + "transformer.vision_model.embeddings.class_embedding",
            TEXT + "transformer.visual_projection.weight",
        ),
        "2 .*vision_model.embeddings.class_embedding",
    ),
    # lllyasviel's training files: the ControlNet beside the whole model.
    "SD 1.5 with a ControlNet": (
        "sd15",
        extra("control_model.input_hint_block.0.weight"),
        "1 .*control_model",
    ),
    # stabilityai's 512-inpainting-ema; mlcommons/training#807 lists what is beside the modules.
    "SD 2, published": (
        "sd2",
        extra(
            TEXT + "model.logit_scale",
            TEXT + "model.text_projection",
            *TABLES,
            LAST + "ln_1.weight",
            LAST + "mlp.c_proj.bias",
        ),
        "",
    ),
    # Stability-AI/generative-models.
    "SD 2, text under conditioner": ("sd2", renamed((r"^cond_stage_model\.", ONE)), ""),
    # ewrfcas/LeftRefill#5.
    "SD 2, words of its own": (
        "sd2",
        extra(TEXT + "special_embeddings.weight"),
        "1 .*special_embeddings",
    ),
    # diffusers' inpainting 0.1 as one file; the listing in ostris/ai-toolkit.
    "SDXL, published": (
        "sdxl",
        extra(
            ONE + IDS,
            TWO + "model.logit_scale",
            "denoiser.sigmas",
            ONE + "transformer.text_model.encoder.layers.11.layer_norm1.bias",
        ),
        "",
    ),
    # Comfy-Org/ComfyUI#2172.
    "SDXL, stray position_ids": ("sdxl", extra(TWO + "model." + IDS), ""),
    "SDXL, position_ids of ComfyUI": (
        "sdxl",
        extra(TEXT + "clip_l." + IDS),
        "1 .*clip_l.*position_ids",
    ),
    # Acly/krita-ai-diffusion#355: merges of a v-prediction model with the inpainting one.
    "SDXL merge that predicts v": ("sdxl", extra("v_pred"), ""),
}


@pytest.mark.parametrize("kind", LOADED)
def test_kinds_that_load(kind, tmp_path):
    name, change, note = LOADED[kind]
    path = write_hollow(tmp_path / "model.safetensors", change(plain(name)))
    header = inspect_checkpoint(path)
    predicts = "v_prediction" if kind.endswith("predicts v") else "epsilon"
    assert header.spec == FAMILY[name].variant(True, predicts)
    assert len(header.notes) == bool(note)
    assert all(re.search(note, one) for one in header.notes)
