"""Kinds of checkpoints that people have and that are refused, each with its cause.

Names and shapes are those of published files; where they come from is said at each kind. Numbers
are holes in the file.
"""

import pytest

from facea_core.backbone import inspect_checkpoint, load_backbone
from facea_core.backbone import parts as parts_module
from facea_core.errors import BackboneError, IdentityFormatError
from facea_core.identity import load_identity

from ...layouts import (
    NARROW,
    Shapes,
    extra,
    folders,
    narrow_backbone,
    plain,
    shapes_of,
    single_file,
    without,
    write_hollow,
)
from .changes import FIRST, TEXT, TO_Q, UNET, VAE, first, plus


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
