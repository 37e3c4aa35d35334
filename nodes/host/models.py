"""ComfyUI's MODEL, CLIP and VAE seen as one of the core's model families."""

from __future__ import annotations

import gc
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import comfy.lora
import comfy.model_management
import comfy.model_sampling
import comfy.supported_models
import torch
from torch import Tensor

from ...facea_core import backbone
from ...facea_core.backbone.spec import FAMILIES
from ...facea_core.errors import BackboneError
from ...facea_core.machine import give_back_memory
from ...facea_core.types import BackboneSpec, Identity
from .tiny import FaceATiny

_KINDS = {
    "facea-tiny": FaceATiny.__name__,
    "sdxl": comfy.supported_models.SDXL.__name__,
    "sd2": comfy.supported_models.SD20.__name__,
    "sd15": comfy.supported_models.SD15.__name__,
}
WIRED, WIRED_VAE = "the wired model", "the wired VAE"
"""What messages call them."""

_FLOATS = (torch.float16, torch.bfloat16, torch.float32)
_PLAIN = (torch.Tensor, torch.nn.Parameter)


def spec_of(model: Any) -> BackboneSpec:
    """What the core knows about the family of a MODEL. Raises BackboneError for others."""
    kind = type(model.model.model_config)
    # By name: ComfyUI may hold a second copy of this pack.
    lineage = [parent.__name__ for parent in kind.__mro__]
    for family in FAMILIES:
        if _KINDS[family.spec.family] in lineage:
            return family.variant(is_inpainting(model), _prediction(model))
    raise BackboneError(
        f"FaceA does not know the model family {kind.__name__!r}; "
        f"load a checkpoint of one of: {', '.join(_KINDS)}"
    )


def clip_skip_notes(clip: Any, identities: Sequence[Identity]) -> list[str]:
    """A note for each identity learned with another layer of the text encoder than CLIP's."""
    notes = []
    for one in identities:
        family = next((f for f in FAMILIES if f.spec.family == one.meta.family), None)
        if family is None or not one.meta.clip_skip:
            continue
        now, learned = family.skipping(clip.layer_idx).clip_skip, one.meta.clip_skip
        if now != learned:
            notes.append(
                f"{one.name} was learned with clip skip {learned} and the wired CLIP has {now}; "
                f"set CLIP Set Last Layer to -{learned}"
            )
    return notes


def is_inpainting(model: Any) -> bool:
    """Whether the MODEL is shown the mask and the image around it."""
    return "masked_image" in model.model.concat_keys


@dataclass(frozen=True)
class Room:
    """Where a training takes place: `free` bytes of memory, None on the CPU."""

    device: torch.device
    dtype: torch.dtype
    free: int | None


def make_room() -> Room:
    """Ask ComfyUI to free its memory, and say how much there is for a training."""
    comfy.model_management.unload_all_models()
    comfy.model_management.soft_empty_cache()
    device, dtype = _training_device()
    # On the CPU the same run gives the same bytes, however full the machine is.
    free = None if device.type == "cpu" else comfy.model_management.get_free_memory(device)
    return Room(device, dtype, free)


def _training_device() -> tuple[torch.device, torch.dtype]:
    device = comfy.model_management.get_torch_device()
    bf16 = device.type == "cuda" and comfy.model_management.should_use_bf16(device)
    return device, torch.bfloat16 if bf16 else torch.float32


def training_hash(model: Any, clip: Any, vae: Any) -> str:
    """The hash of `training_backbone`'s copy, without the copy: nothing is loaded or unloaded."""
    _, dtype = _training_device()
    with torch.inference_mode(False), torch.no_grad():
        parts, prediction, layer = _wired_parts(model, clip, vae)
        return backbone.hash_of(
            parts, WIRED, dtype, prediction=prediction, layer=layer, vae_source=WIRED_VAE
        )


@contextmanager
def training_backbone(
    model: Any, clip: Any, vae: Any, room: Room | None = None
) -> Iterator[backbone.Backbone]:
    """A copy of the wired weights as the core trains them, patches on MODEL and CLIP included.

    `room` is `make_room`'s. The memory of the copy is given back after. Raises BackboneError for
    what cannot be trained.
    """
    room = room or make_room()
    holder: list[backbone.Backbone] = []
    try:
        # Outside inference mode, in which ComfyUI runs nodes: its tensors cannot be trained on.
        with torch.inference_mode(False), torch.no_grad():
            parts, prediction, layer = _wired_parts(model, clip, vae)
            holder.append(
                backbone.assemble(
                    parts, WIRED, room.device, room.dtype,
                    prediction=prediction, layer=layer, vae_source=WIRED_VAE,
                )
            )  # fmt: skip
            del parts
        yield holder[0]
    finally:
        holder.clear()
        gc.collect()
        comfy.model_management.soft_empty_cache()
    # Not where somebody stopped the training and waits.
    give_back_memory()


def _wired_parts(model: Any, clip: Any, vae: Any) -> tuple[backbone.Parts[Tensor], str, int | None]:
    """The wired weights, the prediction that they were trained for, and the layer read of CLIP."""
    encoders = spec_of(model).widths
    parts = backbone.Parts(
        unet=_patched(model, "diffusion_model."),
        vae=_plain(vae.first_stage_model.state_dict()),
        text=tuple(_patched(clip.patcher, f"{name}.") for name in encoders),
    )
    if not all(parts.text):
        raise BackboneError(
            f"the wired CLIP lacks the text encoders of the wired MODEL "
            f"({', '.join(encoders)}); wire both from the same checkpoint"
        )
    return parts, _goal(model), clip.layer_idx


def _goal(model: Any) -> str:
    sampling = model.get_model_object("model_sampling")
    last = float(backbone.alphas_cumprod()[-1])
    noisiest, known = float(sampling.sigma_max), math.sqrt((1 - last) / last)
    if abs(noisiest / known - 1) > 0.01:
        raise BackboneError(
            f"the wired MODEL has another noise schedule (up to sigma {noisiest:.4g}, not "
            f"{known:.4g}: zero terminal SNR or EDM), which cannot be trained; wire a model with "
            "the schedule of Stable Diffusion"
        )
    return _prediction(model)


def _prediction(model: Any) -> str:
    sampling = model.get_model_object("model_sampling")
    is_v = isinstance(sampling, comfy.model_sampling.V_PREDICTION)
    return "v_prediction" if is_v else "epsilon"


def _patched(patcher: Any, prefix: str) -> dict[str, Tensor]:
    """The weights below `prefix`, without it, as sampling would use them."""
    found = patcher.get_key_patches(prefix)
    _plain({key: weight for key, ((weight, _), *_) in found.items()})
    state = {}
    for key, ((weight, convert), *patches) in found.items():
        if patches:
            exact = convert(weight.to("cpu", torch.float32, copy=True), inplace=True)
            weight = comfy.lora.calculate_weight(patches, exact, key).to(weight.dtype)
        state[key[len(prefix) :]] = weight
    return state


def require_trainable(model: Any) -> None:
    """Raises BackboneError for weights and noise schedules that cannot be trained."""
    _goal(model)
    _plain(model.model.state_dict())


def _plain(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The state itself. Raises BackboneError for weights that hold fewer than 16 bits."""
    for key, weight in state.items():
        kind = type(weight)
        small = weight.is_floating_point() and weight.dtype not in _FLOATS
        packed = not weight.is_floating_point() and key.endswith(".weight")
        # GGUF's and other packed weights are tensors of their own kind.
        if kind not in _PLAIN or small or packed:
            what = weight.dtype if kind in _PLAIN else kind.__name__
            raise BackboneError(
                f"the wired model holds {what} weights ({key}: fp8, GGUF or another quantisation), "
                "which cannot be trained; load it as fp16, bf16 or fp32"
            )
    return state
