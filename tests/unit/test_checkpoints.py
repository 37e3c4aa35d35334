"""The kinds of checkpoints that people have: which load, which are refused, and what is said.

Names and shapes are those of published files; where they come from is said at each kind. Numbers
are holes in the file.
"""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from facea_core.backbone import inspect_checkpoint, load, load_backbone
from facea_core.backbone import parts as parts_module
from facea_core.backbone.load import empty_backbone
from facea_core.backbone.spec import Family
from facea_core.errors import BackboneError, IdentityFormatError
from facea_core.identity import load_identity

from ..layouts import (
    FAMILY,
    NARROW,
    Shapes,
    extra,
    folders,
    narrow_backbone,
    plain,
    renamed,
    shapes_of,
    single_file,
    without,
    write_hollow,
)

UNET, VAE, TEXT = "model.diffusion_model.", "first_stage_model.", "cond_stage_model."
ONE, TWO = "conditioner.embedders.0.", "conditioner.embedders.1."
IDS = "transformer.text_model.embeddings.position_ids"
FIRST = UNET + "input_blocks.0.0.weight"


@pytest.fixture(scope="module", autouse=True)
def _built_once():
    """The empty modules of each variant, which take half a second, built once for all kinds."""
    made = {}

    def once(family: Family, spec=None):
        if torch.empty(0).device.type != "meta" or narrow(family):
            return empty_backbone(family, spec)
        key = family.spec.family, spec is None or spec.inpainting
        if key not in made:
            made[key] = empty_backbone(family, spec)
        return replace(made[key], spec=spec or family.spec)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(load, "empty_backbone", once)
        yield


def narrow(family: Family) -> bool:
    return family.unet["block_out_channels"][0] < 320


def plus(**more: tuple[int, ...]) -> Callable[[Shapes], Shapes]:
    return lambda shapes: {**shapes, **more}


def first(channels: int) -> Callable[[Shapes], Shapes]:
    return lambda shapes: {**shapes, FIRST: (shapes[FIRST][0], channels, 3, 3)}


def vae_of_diffusers(shapes: Shapes) -> Shapes:
    kept = without("^" + VAE)(shapes)
    return {**kept, **{VAE + key: shape for key, shape in folders("sd15")["vae"].items()}}


def flat(shapes: Shapes) -> Shapes:
    return {k: s[:2] if ".mid.attn_1." in k and len(s) == 4 else s for k, s in shapes.items()}


TO_Q = renamed(
    *[
        (rf"\.mid\.attn_1\.{old}\.", f".mid.attn_1.{new}.")
        for old, new in (("q", "to_q"), ("k", "to_k"), ("v", "to_v"), ("proj_out", "to_out.0"))
    ]
)
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


def ssd(shapes: Shapes) -> Shapes:
    """Segmind's SSD-1B: SDXL with fewer blocks, as its listing in ostris/ai-toolkit has it."""
    return without(
        r"(input_blocks\.[78]|output_blocks\.[01])\.1\.transformer_blocks\.[4-9]\.",
        r"output_blocks\.[45]\.1\.transformer_blocks\.1\.",
        r"middle_block\.[12]\.",
    )(shapes)


def only_unet(shapes: Shapes) -> Shapes:
    return {k.removeprefix(UNET): s for k, s in shapes.items() if k.startswith(UNET)}


def only_vae(shapes: Shapes) -> Shapes:
    return {k.removeprefix(VAE): s for k, s in shapes.items() if k.startswith(VAE)}


def of_diffusers(shapes: Shapes) -> Shapes:
    return folders("sd15")["unet"]


REFUSED = {
    "SD 1.5 without VAE": (
        "sd15",
        without("^first_"),
        "sd15 inpainting model without its VAE; .*--vae",
    ),
    "SD 1.5 without text": (
        "sd15",
        without("^cond_"),
        "sd15 inpainting model without its text encoder",
    ),
    # tianweiy/DMD2#20, Comfy-Org/ComfyUI#4563.
    "U-Net alone": (
        "sd15",
        only_unet,
        "is only a U-Net, a sd15 inpainting model without its VAE and",
    ),
    "U-Net alone, diffusers' names": (
        "sd15",
        of_diffusers,
        "is only a U-Net, a sd15 inpainting model",
    ),
    "U-Net alone, with its prefix": (
        "sdxl",
        without("^first_", "^cond"),
        "is only a U-Net, a sdxl inpai",
    ),
    "VAE alone": ("sd15", only_vae, "is only a VAE; give a whole"),
    # Comfy-Org/ComfyUI#1933, huggingface/diffusers#6790.
    "LCM": ("sd15", extra(UNET + "time_embedding.cond_proj.weight"), "is an LCM model.*cond_proj"),
    "GLIGEN": (
        "sd15",
        extra(UNET + "input_blocks.1.1.transformer_blocks.0.fuser.alpha_attn"),
        "GLIGEN",
    ),
    "a U-Net with more in it": ("sd15", extra(UNET + "surprise"), "1 left over.*surprise"),
    "half a VAE": ("sd15", without(r"decoder\.up\.[01]"), "AutoencoderKL: 54 keys missing"),
    "eleven text layers": ("sd15", without(r"layers\.11\."), "CLIPTextModel: 16 keys missing"),
    "a tensor lost": (
        "sd15",
        without(r"out\.2\.bias"),
        "UNet2DConditionModel: 1 keys missing.*conv_out.bias",
    ),
    "pix2pix": ("sd15", first(8), "model with 8 input channels"),
    "SD 2 depth": ("sd2", first(5), "sd2 model with 5 input channels"),
    "SD 2 unCLIP": ("sd2", plus(**{UNET + "label_emb.0.0.weight": (1280, 2048)}), "not a supp"),
    "SDXL refiner": (
        "sdxl",
        plus(**{FIRST: (384, 4, 3, 3), UNET + "label_emb.0.0.weight": (1536, 2560)}),
        "is not a supported model",
    ),
    "SSD-1B": ("sdxl", ssd, "UNet2DConditionModel: 736 keys missing"),
    "zero terminal SNR": ("sdxl", extra("v_pred", "ztsnr"), "zero terminal SNR or EDM"),
    "CosXL": ("sdxl", extra("edm_vpred.sigma_max"), "zero terminal SNR or EDM"),
    "Playground 2.5": ("sdxl", extra("edm_mean", "edm_std"), "zero terminal SNR or EDM"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_kinds_that_are_refused(kind, tmp_path):
    name, change, message = REFUSED[kind]
    path = write_hollow(tmp_path / "model.safetensors", change(plain(name)))
    with pytest.raises(BackboneError, match=rf"^model\.safetensors .*{message}"):
        inspect_checkpoint(path)


@pytest.mark.parametrize(
    "change",
    [
        TO_Q,
        extra("model_sampling.sigmas", TEXT + "transformer.visual_projection.weight"),
        extra(UNET + "time_embedding.cond_proj.weight"),
        extra(UNET + "surprise"),
        without("^first_"),
        without(r"decoder\.up\.[01]"),
        without(r"layers\.3\."),
        without(r"out\.2\.bias"),
        first(8),
    ],
)
def test_a_header_says_and_refuses_what_loading_does(monkeypatch, tmp_path, change):
    monkeypatch.setattr(parts_module, "FAMILIES", (NARROW,))
    path = write_hollow(tmp_path / "model", change(shapes_of(single_file(narrow_backbone()))))
    said = []
    for door in (inspect_checkpoint, load_backbone):
        try:
            found = door(path)
            said.append((found.spec, found.notes))
        except BackboneError as error:
            said.append(str(error))
    assert said[0] == said[1]


def test_bytes_behind_the_last_tensor_are_counted(tmp_path):
    path = write_hollow(tmp_path / "model.safetensors", plain("sd15"), more=8)
    with pytest.raises(BackboneError, match=r"model.safetensors has 8 bytes too many"):
        inspect_checkpoint(path)
    with pytest.raises(IdentityFormatError, match=r"model.safetensors .*8 bytes too many"):
        load_identity(path)


def test_weights_of_eight_bits_are_refused(tmp_path):
    path = write_hollow(tmp_path / "model.safetensors", plain("sd15"), dtype="F8_E4M3")
    with pytest.raises(BackboneError, match="fp8 weights"):
        inspect_checkpoint(path)
    with pytest.raises(IdentityFormatError, match="a whole checkpoint, not a FaceA identity"):
        load_identity(path)
