"""Full-size checkpoints of random weights, in the published layouts, through every door.

    python tests/bench/check_families.py [sd15 sd2 sdxl] [--work FOLDER] [--json FILE] [--train]

For each family ComfyUI's own modules are built and filled, and written as ComfyUI writes a
checkpoint, with the names beside it that the published files have; and as a diffusers folder, with
diffusers' own converters. Then both, and ComfyUI's MODEL, CLIP and VAE, are loaded by FaceA and
compared with what ComfyUI's modules make of the same file in float32. `--train` takes one step of
training. Every stage is a process of its own, with its peak of memory. SDXL needs 17 GB of memory,
16 GB of disk and ten minutes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import resource
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from time import perf_counter
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(Path(__file__).parents[1] / "host"), str(ROOT)]

UNET = {
    "sd15": {"use_linear_in_transformer": False, "context_dim": 768, "num_heads": 8},
    "sd2": {"use_linear_in_transformer": True, "context_dim": 1024, "num_head_channels": 64},
    "sdxl": {"use_linear_in_transformer": True, "context_dim": 2048, "num_head_channels": 64},
}
SHAPE = {
    "sd15": {"channel_mult": [1, 2, 4, 4], "num_res_blocks": [2] * 4, "adm_in_channels": None,
             "transformer_depth": [1] * 6 + [0] * 2, "transformer_depth_middle": 1,
             "transformer_depth_output": [1] * 9 + [0] * 3},
    "sdxl": {"channel_mult": [1, 2, 4], "num_res_blocks": [2] * 3, "adm_in_channels": 2816,
             "num_classes": "sequential", "transformer_depth": [0, 0, 2, 2, 10, 10],
             "transformer_depth_middle": 10,
             "transformer_depth_output": [0, 0, 0, 2, 2, 2, 10, 10, 10]},
}  # fmt: skip
COMMON = {"image_size": 32, "in_channels": 9, "out_channels": 4, "model_channels": 320,
          "use_spatial_transformer": True, "use_temporal_attention": False, "legacy": False,
          "use_checkpoint": False}  # fmt: skip
CLASSES = {"sd15": "SD15", "sd2": "SD20", "sdxl": "SDXL"}
VAE = {"double_z": True, "z_channels": 4, "resolution": 256, "in_channels": 3, "out_ch": 3,
       "ch": 128, "ch_mult": [1, 2, 4, 4], "num_res_blocks": 2, "attn_resolutions": [],
       "dropout": 0.0}  # fmt: skip

SCHEDULE = [
    "betas", "alphas_cumprod", "alphas_cumprod_prev", "sqrt_alphas_cumprod",
    "sqrt_one_minus_alphas_cumprod", "log_one_minus_alphas_cumprod", "sqrt_recip_alphas_cumprod",
    "sqrt_recipm1_alphas_cumprod", "posterior_variance", "posterior_log_variance_clipped",
    "posterior_mean_coef1", "posterior_mean_coef2",
]  # fmt: skip
POSITIONS = "cond_stage_model.transformer.text_model.embeddings.position_ids"
EXTRAS = {
    "sd15": [*SCHEDULE, "model_ema.decay", "model_ema.num_updates", POSITIONS],
    "sd2": [*SCHEDULE, "model_ema.decay", "model_ema.num_updates"],
    "sdxl": [],
}
# SHA-256 (first 16 digits) and number of the sorted names in the published files, as listed in
# ostris/ai-toolkit at 27a03a9, toolkit/keymaps; SD1.5's without what stands beside its modules.
PUBLISHED = {
    "sd15": (1130, "178dd4a5d29c415c"),
    "sd2": (1242, "39422be4161986ff"),
    "sdxl": (2515, "d005e41d8aaf62de"),
}
PROMPTS = {"prompt": "a photo of a woman at the sea", "long_prompt": "a red fox jumps, " * 30}


def write(family: str, work: Path) -> dict[str, Any]:
    """The checkpoint and the folder."""
    import torch
    from safetensors.torch import save_file

    config, parts = host_modules(family)
    generator = torch.Generator().manual_seed(0)
    for state in parts.values():
        for key in state:
            state[key] = random_tensor(key, state[key].shape, generator)
    folder_s = write_folder(family, work / "folder", parts)
    state = {
        **config.process_unet_state_dict_for_saving(parts.pop("unet")),
        **config.process_vae_state_dict_for_saving(parts.pop("vae")),
        **config.process_clip_state_dict_for_saving(parts.pop("text")),
    }
    names = sorted(state)
    extras = EXTRAS[family]
    state |= {key: torch.zeros(1000 if key in SCHEDULE else ()) for key in extras}
    if POSITIONS in state:
        state[POSITIONS] = torch.arange(77)[None]
    if family != "sd15":
        names = sorted(state)
    began = perf_counter()
    save_file({key: value.contiguous() for key, value in state.items()}, work / "model.safetensors")
    digest = hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]
    return {
        "tensors": len(state),
        "bytes": (work / "model.safetensors").stat().st_size,
        "names_as_published": (len(names), digest) == PUBLISHED[family],
        "write_file_s": round(perf_counter() - began, 1),
        "write_folder_s": folder_s,
    }


def host_modules(family: str) -> tuple[Any, dict[str, dict[str, Any]]]:
    """ComfyUI's model config, and the states of its modules without memory."""
    import comfy.ops
    import comfy.supported_models
    from comfy.ldm.models.autoencoder import AutoencoderKL
    from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel

    shape = SHAPE["sdxl" if family == "sdxl" else "sd15"]
    unet = {**COMMON, **shape, **UNET[family]}
    config = getattr(comfy.supported_models, CLASSES[family])(unet)
    import torch

    with torch.device("meta"):
        modules = {
            "unet": UNetModel(**unet, device="meta", operations=comfy.ops.disable_weight_init),
            "vae": AutoencoderKL(ddconfig=VAE, embed_dim=4),
            "text": config.clip_target().clip(device="meta", dtype=torch.float16),
        }
    return config, {name: dict(module.state_dict()) for name, module in modules.items()}


def random_tensor(key: str, shape: Any, generator: Any) -> Any:
    """Half-precision numbers that keep the size of what flows through a network."""
    import torch

    if key.endswith("logit_scale"):
        return torch.tensor(4.6055).half()
    noise = torch.randn(tuple(shape), generator=generator, device=generator.device)
    if len(shape) < 2:
        return (noise * 0.05 + key.endswith("weight")).half()
    scale = 0.3 if "embedding" in key else noise[0].numel() ** -0.5
    return (noise * scale).half()


def write_folder(family: str, folder: Path, parts: dict[str, dict[str, Any]]) -> float:
    """The same weights by diffusers' and transformers' own classes, converters and writers."""
    import torch
    from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
    from diffusers.loaders import single_file_utils as diffusers_way
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    began = perf_counter()
    unet_config = {
        "sample_size": 64, "in_channels": 9, "cross_attention_dim": 768, "attention_head_dim": 8,
    }  # fmt: skip
    if family == "sd2":
        unet_config |= {"cross_attention_dim": 1024, "attention_head_dim": [5, 10, 20, 20],
                        "use_linear_projection": True}  # fmt: skip
    if family == "sdxl":
        unet_config |= {
            "sample_size": 128, "cross_attention_dim": 2048, "attention_head_dim": [5, 10, 20],
            "use_linear_projection": True, "block_out_channels": [320, 640, 1280],
            "transformer_layers_per_block": [1, 2, 10], "addition_embed_type": "text_time",
            "addition_time_embed_dim": 256, "projection_class_embeddings_input_dim": 2816,
            "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
            "up_block_types": ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
        }  # fmt: skip
    vae_config = {
        "block_out_channels": [128, 256, 512, 512], "down_block_types": ["DownEncoderBlock2D"] * 4,
        "up_block_types": ["UpDecoderBlock2D"] * 4, "layers_per_block": 2,
    }  # fmt: skip
    with torch.device("meta"):
        unet, vae = UNet2DConditionModel(**unet_config), AutoencoderKL(**vae_config)
    state = diffusers_way.convert_ldm_unet_checkpoint(
        {"model.diffusion_model." + key: value for key, value in parts["unet"].items()},
        {**unet.config, "class_embed_type": None},
    )
    unet.load_state_dict(state, assign=True)
    # Shards, as large folders have them.
    unet.save_pretrained(folder / "unet", variant="fp16", max_shard_size="2GB")
    state = diffusers_way.convert_ldm_vae_checkpoint(
        {"first_stage_model." + key: value for key, value in parts["vae"].items()}, vae.config
    )
    vae.load_state_dict(state, assign=True)
    vae.save_pretrained(folder / "vae", variant="fp16")
    encoders = {
        "sd15": {"clip_l": ("text_encoder", 12, "quick_gelu")},
        "sd2": {"clip_h": ("text_encoder", 23, "gelu")},
        "sdxl": {"clip_l": ("text_encoder", 12, "quick_gelu"),
                 "clip_g": ("text_encoder_2", 32, "gelu")},
    }[family]  # fmt: skip
    for name, (place, layers, act) in encoders.items():
        state = {
            key.removeprefix(f"{name}.transformer."): value
            for key, value in parts["text"].items()
            if key.startswith(f"{name}.transformer.")
        }
        width = state["text_model.final_layer_norm.weight"].shape[0]
        config = CLIPTextConfig(
            hidden_size=width, intermediate_size=4 * width, num_hidden_layers=layers,
            num_attention_heads=width // 64, hidden_act=act, projection_dim=width,
        )  # fmt: skip
        kind = CLIPTextModelWithProjection if place == "text_encoder_2" else CLIPTextModel
        with torch.device("meta"):
            encoder = kind(config)
        nested = any(key.startswith("text_model.") for key in encoder.state_dict())
        state = {k if nested else k.removeprefix("text_model."): v for k, v in state.items()}
        own = encoder.state_dict().keys()
        encoder.load_state_dict({k: v for k, v in state.items() if k in own}, assign=True)
        encoder.save_pretrained(folder / place, variant="fp16")
    DDIMScheduler(prediction_type="epsilon").save_pretrained(folder / "scheduler")
    return round(perf_counter() - began, 1)


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


def described(backbone: Any, seconds: float, work: Path) -> dict[str, Any]:
    spec = backbone.spec
    return {
        "family": spec.family,
        "prediction": spec.prediction,
        "inpainting": spec.inpainting,
        "missing": 0,  # or loading would have raised
        "unexpected": 0,
        "hash": backbone.hash,
        "load_s": round(seconds, 1),
        "differences": compare(backbone, work),
    }


def file(family: str, work: Path) -> dict[str, Any]:
    import torch

    from facea_core.backbone import inspect_checkpoint, load_backbone

    began = perf_counter()
    header = inspect_checkpoint(work / "model.safetensors")
    inspect_s = round(perf_counter() - began, 3)
    began = perf_counter()
    backbone = load_backbone(work / "model.safetensors", dtype=torch.float32)
    seconds = perf_counter() - began
    return {
        "inspect_s": inspect_s,
        "stored_numbers": dict(header.numbers),
        "stored_dtype": str(header.dtype),
        **described(backbone, seconds, work),
    }


def folder(family: str, work: Path) -> dict[str, Any]:
    import torch

    from facea_core.backbone import load_backbone

    began = perf_counter()
    backbone = load_backbone(work / "folder", dtype=torch.float32)
    return described(backbone, perf_counter() - began, work)


def wired(family: str, work: Path) -> dict[str, Any]:
    """Through ComfyUI's MODEL, CLIP and VAE, as the trainer node takes them."""
    import comfy.sd
    import torch
    from inside import part
    from safetensors.torch import load_file

    half = {"dtype": torch.float16}
    name = str(work / "model.safetensors")
    with torch.inference_mode():
        model, clip, vae = comfy.sd.load_checkpoint_guess_config(
            name, model_options=half, te_model_options=half
        )[:3]
        # Back to the pages of the file: two copies of SDXL would not fit beside each other.
        prefix = "model.diffusion_model."
        stored = {k[len(prefix) :]: v for k, v in load_file(name).items() if k.startswith(prefix)}
        model.model.diffusion_model.load_state_dict(stored, assign=True)
        began = perf_counter()
        with part("nodes.host").training_backbone(model, clip, vae) as backbone:
            return described(backbone, perf_counter() - began, work)


def train(family: str, work: Path) -> dict[str, Any]:
    """One step, from the file to the identity, at a small resolution."""
    import torch

    from facea_core.backbone import load_backbone
    from facea_core.box import Box
    from facea_core.training import TrainConfig, train_identity
    from facea_core.types import FaceAttributes, Part, Photo

    picture = torch.rand(1, 3, 256, 256, generator=torch.Generator().manual_seed(0))
    parts = (Part("eyes", Box(90, 100, 165, 122), 0.9), Part("mouth", Box(105, 150, 150, 170), 0.9))
    face = FaceAttributes((256, 256), Box(75, 60, 180, 195), 0.9, parts)
    began = perf_counter()
    backbone = load_backbone(work / "model.safetensors", dtype=torch.float32)
    load_s = round(perf_counter() - began, 1)
    config = TrainConfig(
        attributes="eyes, mouth", steps=1, batch=1, variants=1, resolution=256, report_every=1
    )
    losses: list[float] = []
    began = perf_counter()
    identity = train_identity(
        [Photo(picture, face)], backbone, config, on_step=lambda report: losses.append(report.loss)
    )
    moved = sum(bool(weights.up.any()) for weights in identity.lora.values())
    return {
        "resolution": config.resolution,
        "rank": config.rank,
        "dtype": "float32",
        "load_s": load_s,
        "one_step_s": round(perf_counter() - began, 1),
        "loss": losses[-1],
        "layers_moved": f"{moved}/{len(identity.lora)}",
        "words": {word.placeholder: {k: list(v.shape) for k, v in word.vectors.items()}
                  for word in identity.words},
    }  # fmt: skip


STAGES = {"write": write, "theirs": theirs, "file": file, "folder": folder, "wired": wired}
IN_COMFYUI = ("write", "theirs", "wired")


class Peak(threading.Thread):
    """The most memory of its own that this process held, pages of files left out."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.anonymous = 0
        self.stop = threading.Event()

    def run(self) -> None:
        status = Path("/proc/self/status")
        while not self.stop.wait(0.05):
            for line in status.read_text().splitlines():
                if line.startswith("RssAnon"):
                    self.anonymous = max(self.anonymous, int(line.split()[1]))


def one_stage(stage: str, family: str, work: Path) -> None:
    peak = Peak()
    peak.start()
    if stage in IN_COMFYUI:
        from inside import enter
        from install import find

        enter(find(), work / "comfyui")
    found = {**STAGES, "train": train}[stage](family, work)
    peak.stop.set()
    found["peak_gib"] = round(peak.anonymous / 2**20, 2)
    found["peak_with_file_pages_gib"] = round(
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2
    )
    (work / f"{stage}.json").write_text(json.dumps(found))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("families", nargs="*", default=list(UNET))
    parser.add_argument("--work", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--train", action="store_true")
    parser.add_argument("--stages", nargs="*", default=list(STAGES))
    parser.add_argument("--stage", help=argparse.SUPPRESS)
    flags = parser.parse_args()
    if flags.stage:
        one_stage(flags.stage, flags.families[0], flags.work)
        return
    with tempfile.TemporaryDirectory() as temporary:
        base = flags.work or Path(temporary)
        found = {family: run(family, base / family, flags) for family in flags.families}
    if flags.json:
        known = json.loads(flags.json.read_text()) if flags.json.exists() else {}
        for family, stages in found.items():
            known[family] = {**known.get(family, {}), **stages}
        known["machine"] = machine()
        flags.json.write_text(json.dumps(known, indent=2) + "\n")


def run(family: str, work: Path, flags: Any) -> dict[str, Any]:
    work.mkdir(parents=True, exist_ok=True)
    found = {}
    for stage in [*flags.stages, *(["train"] if flags.train else [])]:
        command = [sys.executable, __file__, family, "--work", str(work), "--stage", stage]
        subprocess.run(command, check=True)
        found[stage] = json.loads((work / f"{stage}.json").read_text())
        print(family, stage, json.dumps(found[stage]), flush=True)
    return found


def machine() -> dict[str, str]:
    import diffusers
    import torch
    import transformers

    return {
        "cpu": platform.processor() or platform.machine(),
        "torch": torch.__version__,
        "diffusers": diffusers.__version__,
        "transformers": transformers.__version__,
    }


if __name__ == "__main__":
    main()
