"""Files and folders of models: names, VAEs of their own, adapters, what `--base` may be."""

import json
import re
import resource
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from facea_core.backbone import Backbone, hash_of, inspect_checkpoint, load_backbone
from facea_core.backbone import parts as parts_module
from facea_core.errors import AssetError, BackboneError, IdentityFormatError
from facea_core.identity import describe_identity, load_identity

from ..layouts import (
    NARROW,
    folders,
    narrow_backbone,
    plain,
    renamed,
    shapes_of,
    single_file,
    without,
    write_hollow,
)
from .hollow import built_once

VAE = "first_stage_model."


@pytest.fixture(scope="module", autouse=True)
def _built_once():
    with built_once():
        yield


@pytest.fixture
def narrow(monkeypatch) -> Backbone:
    """The only family there is, for narrow ones have the widths of others."""
    monkeypatch.setattr(parts_module, "FAMILIES", (NARROW,))
    return narrow_backbone()


@pytest.mark.parametrize(
    "names", [("to_q", "to_k", "to_v", "to_out.0"), ("query", "key", "value", "proj_attn")]
)
def test_every_naming_of_the_autoencoders_attention_loads_bit_for_bit(narrow, tmp_path, names):
    old = {key: value.contiguous() for key, value in single_file(narrow).items()}
    pairs = [
        (rf"\.attn_1\.{one}\.", f".attn_1.{other}.")
        for one, other in zip(("q", "k", "v", "proj_out"), names, strict=True)
    ]
    new = dict(zip(renamed(*pairs)(shapes_of(old)), old.values(), strict=True))
    assert len(new.keys() - old.keys()) == 16
    save_file(old, tmp_path / "old.safetensors")
    save_file(new, tmp_path / "new.safetensors")
    one, other = (load_backbone(tmp_path / f"{name}.safetensors") for name in ("old", "new"))
    assert one.hash == other.hash
    mine, theirs = one.vae.state_dict(), other.vae.state_dict()
    assert all(torch.equal(mine[key], theirs[key]) for key in mine)


def test_a_narrow_checkpoint_takes_its_vae_from_another_file(narrow, tmp_path):
    state = {key: value.contiguous() for key, value in single_file(narrow).items()}
    save_file(state, tmp_path / "whole.safetensors")
    save_file({k: v for k, v in state.items() if not k.startswith(VAE)}, tmp_path / "no-vae")
    alone = {k.removeprefix(VAE): v for k, v in state.items() if k.startswith(VAE)}
    save_file(alone, tmp_path / "vae.safetensors")
    narrow.vae.save_pretrained(tmp_path / "folder" / "vae")
    with pytest.raises(BackboneError, match="no-vae is .* without its VAE.*--vae"):
        inspect_checkpoint(tmp_path / "no-vae")
    narrow.vae.save_pretrained(tmp_path / "models--org--vae" / "snapshots" / "abc123")
    for vae in ("models--org--vae", "whole.safetensors", "vae.safetensors", "folder", "folder/vae",
                "folder/vae/diffusion_pytorch_model.safetensors"):  # fmt: skip
        found = load_backbone(tmp_path / "no-vae", vae=tmp_path / vae)
        assert found.hash == narrow.hash
    assert inspect_checkpoint(tmp_path / "no-vae", vae=tmp_path / vae).spec == found.spec


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without("decoder"), r"^vae does not fit AutoencoderKL: 138 keys missing"),
        (
            lambda shapes: {**shapes, "decoder.conv_in.weight": (512, 16, 3, 3)},
            r"^vae does not fit.*16",
        ),
        (
            lambda shapes: {"text_model.embeddings.token_embedding.weight": (9, 9)},
            "vae holds no VAE",
        ),
    ],
)
def test_a_vae_that_does_not_fit_is_named(tmp_path, change, message):
    base = write_hollow(tmp_path / "base", without("^first_")(plain("sd15")))
    alone = {k.removeprefix(VAE): s for k, s in plain("sd15").items() if k.startswith(VAE)}
    vae = write_hollow(tmp_path / "vae", change(alone))
    with pytest.raises(BackboneError, match=message):
        inspect_checkpoint(base, vae=vae)
    with pytest.raises(AssetError, match="VAE .*none does not exist"):
        inspect_checkpoint(base, vae=tmp_path / "none")


# Adapters, which people give as models and as identities

LAYER = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q"
DOTTED = "unet.mid_block.attentions.0.transformer_blocks.0.attn1"
ADAPTERS = {
    "kohya": ([f"{LAYER}.lora_down.weight", f"{LAYER}.lora_up.weight"], "a LoRA"),
    "peft": ([f"base_model.model.{DOTTED}.to_q.lora_A.weight"], "a LoRA"),
    "peft, named": ([f"{DOTTED}.to_q.lora_B.default.weight"], "a LoRA"),
    "diffusers": ([f"{DOTTED}.to_q.lora.down.weight", f"{DOTTED}.to_q.lora.up.weight"], "a LoRA"),
    "diffusers, 2023": ([f"{DOTTED}.processor.to_q_lora.down.weight"], "a LoRA"),
    "diffusers, text": ([f"{DOTTED}.to_q.lora_linear_layer.up.weight"], "a LoRA"),
    "DoRA": ([f"{LAYER}.lora_up.weight", f"{LAYER}.dora_scale"], r"a LoRA \(DoRA\)"),
    "LoHa": ([f"{LAYER}.hada_w1_a", f"{LAYER}.hada_w2_a"], "a LoHa adapter"),
    "LoKr": ([f"{LAYER}.lokr_w1", f"{LAYER}.lokr_w2_a"], "a LoKr adapter"),
    "GLoRA": ([f"{LAYER}.{part}.weight" for part in ("a1", "a2", "b1", "b2")], "a GLoRA adapter"),
    "IA3": ([f"{LAYER}.weight", f"{LAYER}.on_input"], "an IA3 adapter"),
    "IA3 of peft": ([f"{DOTTED}.to_k.ia3_l"], "an IA3 adapter"),
    "OFT": ([f"{LAYER}.oft_diag"], "an OFT adapter"),
    "OFT of peft": ([f"{DOTTED}.to_q.oft_R.weight"], "an OFT adapter"),
    "OFT of LyCORIS": ([f"{LAYER}.oft_blocks"], "an OFT adapter"),
    "BOFT of peft": ([f"{DOTTED}.to_q.boft_R"], "a BOFT adapter"),
    "full": ([f"{LAYER}.diff", f"{LAYER}.diff_b"], "a full difference of weights"),
    "norms": ([f"{LAYER}.w_norm", f"{LAYER}.b_norm"], "a full difference of weights"),
}
OTHERS = {
    "embedding": (["emb_params"], r"a file of learned words \(an embedding\)"),
    "ControlNet": (["conv_in.weight", "controlnet_cond_embedding.conv_in.weight"], "a ControlNet"),
    "IP-Adapter": (["image_proj.proj.weight", "ip_adapter.1.to_k_ip.weight"], "an IP-Adapter"),
    "AnimateDiff": (["down_blocks.0.motion_modules.0.norm.weight"], "a motion module"),
    "text encoder": (["text_model.embeddings.token_embedding.weight"], "only a text encoder"),
}


@pytest.mark.parametrize("kind", [*ADAPTERS, *OTHERS])
def test_what_is_no_checkpoint_and_no_identity_is_named(tmp_path, kind):
    names, what = (ADAPTERS | OTHERS)[kind]
    sides = (2, 4, 4) if "OFT" in kind else (4, 4)
    path = write_hollow(tmp_path / "model.safetensors", dict.fromkeys(names, sides))
    advice = (
        "which only changes a model; give the checkpoint" if kind in ADAPTERS else "give a whole"
    )
    with pytest.raises(BackboneError, match=f"model.safetensors is {what}.*{advice}"):
        inspect_checkpoint(path)
    with pytest.raises(IdentityFormatError, match=f"is {what}.*, not a FaceA identity"):
        load_identity(path)


def test_blocks_of_four_sides_are_boft(tmp_path):
    path = write_hollow(tmp_path / "model", {f"{LAYER}.oft_blocks": (2, 2, 4, 4)})
    with pytest.raises(BackboneError, match="model is a BOFT adapter"):
        inspect_checkpoint(path)


# Little is read


def test_a_checkpoint_is_no_identity_at_the_price_of_its_header(tmp_path):
    path = write_hollow(tmp_path / "xl.safetensors", plain("sdxl"))
    assert path.stat().st_size > 6e9
    with pytest.raises(IdentityFormatError, match=r"xl.safetensors is a whole checkpoint, not a F"):
        describe_identity(path)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(IdentityFormatError):
        load_identity(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # kB


# Folders


def whole_folder(path: Path) -> Path:
    found = folders("sd15")
    for module, stem in (("unet", "diffusion_pytorch_model"), ("vae", "diffusion_pytorch_model"),
                         ("text_encoder", "model")):  # fmt: skip
        shapes = found["clip_l" if module == "text_encoder" else module]
        write_hollow(path / module / f"{stem}.safetensors", shapes)
    return path


def test_a_folder_of_the_hubs_cache_means_its_snapshot(tmp_path):
    hub = tmp_path / "models--org--sd-inpainting"
    snapshot = whole_folder(hub / "snapshots" / "abc123")
    (hub / "refs").mkdir()
    (hub / "refs" / "main").write_text("abc123")
    assert inspect_checkpoint(hub).spec == inspect_checkpoint(snapshot).spec
    (hub / "snapshots" / "def456").mkdir()
    assert inspect_checkpoint(hub).spec.inpainting
    (hub / "refs" / "main").unlink()
    with pytest.raises(
        BackboneError, match=r"holds 2 snapshots \(abc123, def456\).*give the folder"
    ):
        inspect_checkpoint(hub)


def test_a_part_of_a_folder_names_the_folder_around_it(tmp_path):
    whole = whole_folder(tmp_path / "model")
    for part in ("unet", "unet/diffusion_pytorch_model.safetensors", "text_encoder"):
        with pytest.raises(BackboneError, match=f"only the .* of a model; give .*, {whole}$"):
            inspect_checkpoint(whole / part)


def test_a_folder_with_one_file_means_it_and_others_are_asked_which(tmp_path):
    folder = tmp_path / "models"
    one = write_hollow(folder / "one.safetensors", plain("sd15"))
    assert inspect_checkpoint(folder).spec == inspect_checkpoint(one).spec
    with pytest.raises(
        BackboneError, match=r"is no model but holds 1: models/one.saf.*give one of"
    ):
        inspect_checkpoint(tmp_path)
    write_hollow(folder / "two.safetensors", {"x": (1,)})
    with pytest.raises(BackboneError, match=r"holds 2: one.safetensors, two.safetensors; give one"):
        inspect_checkpoint(folder)
    (tmp_path / "empty").mkdir()
    with pytest.raises(
        BackboneError, match="empty holds no U-Net and no .safetensors.*give a whole"
    ):
        inspect_checkpoint(tmp_path / "empty")


@pytest.mark.parametrize(
    ("said", "which"),
    [
        ({}, None),
        ({"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}, None),
        ({"num_train_timesteps": 1000, "timestep_spacing": "leading", "trained_betas": None}, None),
        ({"beta_schedule": "linear"}, "beta_schedule 'linear'"),
        ({"beta_schedule": "squaredcos_cap_v2"}, "beta_schedule 'squaredcos_cap_v2'"),
        ({"beta_end": 0.02}, "beta_end 0.02"),
        ({"beta_start": "small"}, "beta_start 'small'"),
        ({"num_train_timesteps": 4000}, "num_train_timesteps 4000"),
        ({"trained_betas": [0.1, 0.2]}, "betas of its own"),
        ({"rescale_betas_zero_snr": True}, "zero terminal SNR"),
        ({"_class_name": "FlowMatchEulerDiscreteScheduler", "shift": 3.0}, "flow matching"),
    ],
)
def test_only_stable_diffusions_own_noise_schedule_is_taken(narrow, tmp_path, said, which):
    for module in ("unet", "vae"):
        getattr(narrow, module).save_pretrained(tmp_path / module)
    narrow.text.encoders["clip_l"].save_pretrained(tmp_path / "text_encoder")
    (tmp_path / "scheduler").mkdir()
    (tmp_path / "scheduler" / "scheduler_config.json").write_text(json.dumps(said))
    if which is None:
        assert inspect_checkpoint(tmp_path).spec == NARROW.spec
    else:
        with pytest.raises(BackboneError, match=rf"another noise schedule \({re.escape(which)}\)"):
            inspect_checkpoint(tmp_path)


def test_a_hash_is_taken_without_touching_a_hosts_parameters(monkeypatch):
    monkeypatch.setattr(parts_module, "FAMILIES", (NARROW,))
    backbone = narrow_backbone()
    state = {key: torch.nn.Parameter(value) for key, value in single_file(backbone).items()}
    assert hash_of(parts_module.split(state), "it", torch.float32) == backbone.hash
    assert all(value.requires_grad for value in state.values())
