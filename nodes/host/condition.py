"""What the doctor says of ComfyUI: versions, launch options, folders, and what is wired."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import comfy.model_management
import folder_paths
from comfy.cli_args import args

from ...facea_core.doctor.checks import examine, installed
from ...facea_core.doctor.places import Places
from ...facea_core.doctor.values import NOTE, OK, PROBLEM, Line, looked_at
from ...facea_core.errors import BackboneError
from .detectors import detector_folders
from .folders import embeddings_folder, identities_folders, runs_folder
from .models import require_trainable, spec_of
from .relied import differences

_FRONT = "comfyui-frontend-package"

_OPTIONS = (
    "cpu", "directml", "gpu_only", "highvram", "normalvram", "lowvram", "novram", "cuda_malloc",
    "disable_cuda_malloc", "disable_smart_memory", "deterministic", "fast", "force_fp32",
    "force_fp16", "fp8_e4m3fn_unet", "fp8_e5m2_unet", "use_split_cross_attention",
    "use_sage_attention", "use_flash_attention", "disable_metadata", "disable_progress_text",
)  # fmt: skip
"""Launch options that FaceA behaves by, or that explain what it does; those that are set count."""


def examine_host(model: Any = None, clip: Any = None, vae: Any = None) -> list[Line]:
    """All of the doctor's lines in ComfyUI; what is wired is looked at. Never raises."""
    more = looked_at("ComfyUI", _versions) + looked_at("relied on", _relied)
    for topic, value, look in (("MODEL", model, _model), ("CLIP", clip, _clip), ("VAE", vae, _vae)):
        if value is not None:
            more += looked_at(topic, lambda look=look: look(model, clip, vae))
    places: list[Places] = []
    more += looked_at("folders", lambda: places.append(_places()) or ())
    devices: list[Any] = []
    get_device = comfy.model_management.get_torch_device
    more += looked_at("device", lambda: devices.append(get_device()) or ())
    return examine(next(iter(places), None), more, next(iter(devices), None))


def warn_of_differences() -> None:
    """One line in the log if this ComfyUI lacks what FaceA relies on. Never raises."""
    bad = [line for line in looked_at("ComfyUI", _relied) if line.state == PROBLEM]
    if bad:
        logging.warning("FaceA: %s; %s", bad[0].text, bad[0].remedy)


def _versions() -> Iterator[Line]:
    try:
        from comfyui_version import __version__ as core
    except ImportError:
        core = "of an unknown version"
    yield Line("ComfyUI", OK, f"{core}, front end {installed(_FRONT) or 'of its own'}")
    chosen = {name: getattr(args, name, None) for name in _OPTIONS}
    said = [_flag(name) for name, value in chosen.items() if value not in (None, False, set())]
    yield Line("options", OK, ", ".join(said) or "none that matter to FaceA")
    if chosen["disable_metadata"]:
        yield Line(
            "metadata", NOTE, "--disable-metadata: pictures are saved without their workflow",
            "start without it to load a workflow from a picture",
        )  # fmt: skip


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _relied() -> Iterator[Line]:
    found = differences()
    if found:
        text = f"this ComfyUI differs from those that FaceA knows: {'; '.join(found)}"
        yield Line("relied on", PROBLEM, text, "update FaceA, or report this")
    else:
        yield Line("relied on", OK, "all that FaceA relies on in ComfyUI is there")


def _places() -> Places:
    return Places(
        detector_folders(),
        [Path(folder) for folder in folder_paths.get_folder_paths("checkpoints")],
        {
            "people (LoRAs)": identities_folders()[0],
            "words (embeddings)": embeddings_folder(),
            "output": Path(folder_paths.get_output_directory()),
            "unfinished trainings": runs_folder(),
            "temp": Path(folder_paths.get_temp_directory()),
        },
        folder_paths.get_filename_list("checkpoints"),
    )


def _model(model: Any, _clip: Any, _vae: Any) -> Iterator[Line]:
    try:
        spec = spec_of(model)
        require_trainable(model)
    except BackboneError as error:
        yield Line("MODEL", PROBLEM, str(error), "wire a checkpoint that FaceA can train on")
        return
    text = f"{spec.family}, {spec.prediction}, paints at {spec.resolution} pixels"
    if spec.inpainting:
        yield Line("MODEL", OK, f"{text}, for inpainting")
    else:
        remedy = "an inpainting checkpoint of this family blends faces in better"
        yield Line("MODEL", NOTE, f"{text}, without mask channels", remedy)


def _clip(model: Any, clip: Any, _vae: Any) -> Iterator[Line]:
    known = [name for name in ("clip_l", "clip_g") if hasattr(clip.tokenizer, name)]
    lacking = [name for name in spec_of(model).widths if name not in known] if model else []
    if lacking:
        text = f"lacks the text encoders of the wired MODEL: {', '.join(lacking)}"
        yield Line("CLIP", PROBLEM, text, "wire MODEL and CLIP from the same checkpoint")
    elif not known:
        text = "is no CLIP that FaceA can teach words"
        yield Line("CLIP", PROBLEM, text, "wire that of Stable Diffusion or SDXL")
    else:
        yield Line("CLIP", OK, f"text encoders {', '.join(known)}")


def _vae(model: Any, _clip: Any, vae: Any) -> Iterator[Line]:
    made = getattr(vae, "latent_channels", None)
    taken = model.model.latent_format.latent_channels if model else made
    if made != taken:
        text = f"makes latents of {made} channels, and the wired MODEL takes {taken}"
        yield Line("VAE", PROBLEM, text, "wire the VAE of the model's own checkpoint")
    else:
        yield Line("VAE", OK, f"{made} latent channels")
