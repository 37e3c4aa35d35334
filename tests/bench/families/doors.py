"""A checkpoint or folder through each door of FaceA: as a file, a folder, wired, trained on."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import Any

from .outputs import compare


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
