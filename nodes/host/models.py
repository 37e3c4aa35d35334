"""ComfyUI's MODEL, CLIP and VAE seen as one of the core's model families."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import comfy.lora
import comfy.model_management
import comfy.model_sampling
import comfy.supported_models
import torch
from torch import Tensor

from ...facea_core.backbone import Backbone, assemble
from ...facea_core.backbone.keys import UNET_PREFIX, VAE_PREFIX
from ...facea_core.backbone.load import move
from ...facea_core.backbone.spec import SPECS
from ...facea_core.errors import BackboneError
from ...facea_core.types import BackboneSpec
from .tiny import FaceATiny

_FAMILIES = {
    "facea-tiny": FaceATiny.__name__,
    "sdxl": comfy.supported_models.SDXL.__name__,
    "sd2": comfy.supported_models.SD20.__name__,
    "sd15": comfy.supported_models.SD15.__name__,
}
_FLOATS = (torch.float16, torch.bfloat16, torch.float32)


def spec_of(model: Any) -> BackboneSpec:
    """What the core knows about the family of a MODEL. Raises BackboneError for others."""
    kind = type(model.model.model_config)
    # By name: ComfyUI may hold a second copy of this pack.
    lineage = [parent.__name__ for parent in kind.__mro__]
    for family, name in _FAMILIES.items():
        if name in lineage:
            return SPECS[family]
    raise BackboneError(
        f"FaceA does not know the model family {kind.__name__!r}; "
        f"load a checkpoint of one of: {', '.join(_FAMILIES)}"
    )


def is_inpainting(model: Any) -> bool:
    """Whether the MODEL is shown the mask and the picture around it."""
    return "masked_image" in model.model.concat_keys


@contextmanager
def training_backbone(model: Any, clip: Any, vae: Any) -> Iterator[Backbone]:
    """A copy of the wired weights as the core trains them, patches on MODEL and CLIP included.

    ComfyUI is asked to free its memory before; the copy's is given back after. Raises BackboneError
    for what cannot be trained.
    """
    spec_of(model)
    comfy.model_management.unload_all_models()
    comfy.model_management.soft_empty_cache()
    device = comfy.model_management.get_torch_device()
    bf16 = device.type == "cuda" and comfy.model_management.should_use_bf16(device)
    holder: list[Backbone] = []
    try:
        # Outside inference mode, in which ComfyUI runs nodes: its tensors cannot be trained on.
        with torch.inference_mode(False), torch.no_grad():
            state, goal = _state(model, clip, vae), _goal(model)
            backbone = assemble(state, "the wired MODEL", prediction=goal)
            holder.append(move(backbone, device, torch.bfloat16 if bf16 else torch.float32))
            del backbone, state
        yield holder[0]
    finally:
        holder.clear()
        gc.collect()
        comfy.model_management.soft_empty_cache()


def _goal(model: Any) -> str:
    sampling = model.get_model_object("model_sampling")
    is_v = isinstance(sampling, comfy.model_sampling.V_PREDICTION)
    return "v_prediction" if is_v else "epsilon"


def _state(model: Any, clip: Any, vae: Any) -> dict[str, Tensor]:
    """The wired weights under the names of a single-file checkpoint."""
    unet = _patched(model, "diffusion_model.")
    text = _patched(clip.patcher, "clip_l.")
    image = vae.first_stage_model.state_dict()
    return {
        **{UNET_PREFIX + key: value for key, value in unet.items()},
        **{"cond_stage_model." + key: value for key, value in text.items()},
        **{VAE_PREFIX + key: value for key, value in image.items()},
    }


def _patched(patcher: Any, prefix: str) -> dict[str, Tensor]:
    """The weights below `prefix`, without it, as sampling would use them."""
    state = {}
    for key, ((weight, convert), *patches) in patcher.get_key_patches(prefix).items():
        if weight.is_floating_point() and weight.dtype not in _FLOATS:
            raise BackboneError(
                f"the wired model holds {weight.dtype} weights, which cannot be trained; load it "
                "as fp16, bf16 or fp32"
            )
        if patches:
            exact = convert(weight.to("cpu", torch.float32, copy=True), inplace=True)
            weight = comfy.lora.calculate_weight(patches, exact, key)
        state[key[len(prefix) :]] = weight
    return state
