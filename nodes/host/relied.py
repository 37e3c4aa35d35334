"""What FaceA relies on in ComfyUI, in one place, looked at by what is there and not by version."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import comfy.lora
import comfy.model_management
import comfy.model_patcher
import comfy.sample
import comfy.samplers
import comfy.sd1_clip
import comfy.supported_models
import comfy.utils
import folder_paths
import latent_preview
import node_helpers
from server import PromptServer

# (whose, what of it, what of FaceA needs it)
_NAMES: tuple[tuple[Any, str, str], ...] = (
    (comfy.sd1_clip.SDTokenizer, "_try_get_embedding", "people's words in prompts"),
    (comfy.lora, "model_lora_keys_unet", "people's LoRAs"),
    (comfy.lora, "load_lora", "people's LoRAs"),
    (comfy.lora, "calculate_weight", "training on patched models"),
    (comfy.model_patcher.ModelPatcher, "get_key_patches", "training"),
    (comfy.model_patcher.ModelPatcher, "add_patches", "people's LoRAs"),
    (comfy.model_patcher.ModelPatcher, "get_model_object", "training"),
    (comfy.model_management, "unload_all_models", "training"),
    (comfy.model_management, "get_free_memory", "training"),
    (comfy.model_management, "should_use_bf16", "training"),
    (comfy.model_management, "free_memory", "Grounding-DINO"),
    (comfy.model_management, "throw_exception_if_processing_interrupted", "cancelling"),
    (comfy.samplers.KSampler, "SAMPLERS", "FaceA Inpaint Compose"),
    (comfy.samplers.KSampler, "SCHEDULERS", "FaceA Inpaint Compose"),
    (comfy.supported_models, "SD15", "Stable Diffusion 1.5"),
    (comfy.supported_models, "SD20", "Stable Diffusion 2"),
    (comfy.supported_models, "SDXL", "SDXL"),
    (node_helpers, "conditioning_set_values", "inpainting models"),
    (latent_preview, "get_previewer", "pictures while a face is painted"),
    (folder_paths, "add_model_folder_path", "facea-tiny and Grounding-DINO"),
    (folder_paths, "get_save_image_path", "FaceA Save Image"),
    (folder_paths, "get_user_directory", "going on with a stopped training"),
    (PromptServer, "send_progress_text", "lines of text under nodes"),
)

# (a function, a parameter of it, what of FaceA needs it)
_PARAMETERS: tuple[tuple[Any, str, str], ...] = (
    (getattr(comfy.sample, "sample", None), "callback", "the bar of FaceA Inpaint Compose"),
    (getattr(comfy.sample, "sample", None), "noise_mask", "models without mask channels"),
    (getattr(comfy.sample, "sample", None), "denoise", "FaceA Inpaint Compose"),
    (getattr(comfy.utils, "ProgressBar", None), "node_id", "bars on nodes"),
)


def differences() -> list[str]:
    """What FaceA relies on and this ComfyUI has not, each with what will fail; usually nothing."""
    return [f"{name} is missing ({need})" for name, need in _missing()]


def _missing() -> Iterator[tuple[str, str]]:
    for owner, name, need in _NAMES:
        if not hasattr(owner, name):
            yield f"{owner.__name__}.{name}", need
    for function, name, need in _PARAMETERS:
        if function is None or not _takes(function, name):
            yield f"{getattr(function, '__name__', 'a function')}({name}=)", need


def _takes(function: Any, name: str) -> bool:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return True  # it does not say
    return any(one.name == name or one.kind is one.VAR_KEYWORD for one in parameters)
