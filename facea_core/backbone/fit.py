"""Tensors of a checkpoint into the modules of its family: none may be missing, some may be left."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ..errors import BackboneError
from . import keys

_UNREAD = re.compile(
    r"(.*\.)?position_ids"  # come and go between versions of transformers
    r"|(text_model\.)?(logit_scale|attn_mask|text_projection(\.weight)?)"  # for CLIP's images
    r"|loss\..*|model_ema\..*|vae_(scale|shift)"  # training; the host's TAESD
)
"""Names inside modules that published files have and a module here may lack."""

_OTHER_UNETS = (
    (
        re.compile(r"time_embedding\.cond_proj\."),
        "is an LCM model, distilled to paint in few steps with the guidance as an input",
    ),
    (re.compile(r"\.fuser\."), "is a GLIGEN model, which is told boxes too"),
    (re.compile(r"motion_modules\."), "is a model for videos (AnimateDiff)"),
    (re.compile(r"\.to_[kv]_ip\."), "is a U-Net with an IP-Adapter in it"),
)


def fill(
    module: nn.Module,
    state: Mapping[str, Tensor],
    source: str,
    to: tuple[str | torch.device, torch.dtype] | None,
) -> list[str]:
    """Copy `state`, under the module's own names, into it; says which tensors it has no place for.

    The copies are on the device and of the dtype `to`; None = views of the tensors, not copied.
    Raises BackboneError where one is missing or of another shape.
    """
    own, name = module.state_dict(), type(module).__name__
    missing = [key for key in own if key not in state and not key.endswith("position_ids")]
    if missing:
        raise BackboneError(
            f"{source} does not fit {name}: {len(missing)} keys missing (first: {missing[:1]}); "
            "give a whole checkpoint of its family"
        )
    found = {key: state[key] for key in own if key in state}
    for key, tensor in found.items():
        if tensor.shape != own[key].shape:
            raise BackboneError(
                f"{source} does not fit {name}: {key} is {tuple(tensor.shape)}, not "
                f"{tuple(own[key].shape)}; give a whole checkpoint of a supported family"
            )
    # Views, for a module sets `requires_grad` of a Parameter that it is given.
    weights = {k: v.detach() for k, v in found.items() if not k.endswith("position_ids")}
    if to is not None:
        plain = torch.contiguous_format
        weights = {k: v.to(*to, copy=True, memory_format=plain) for k, v in weights.items()}
    module.load_state_dict(weights, strict=False, assign=True)
    for inner in module.modules():
        if to is not None and "position_ids" in inner._buffers:
            ids = torch.arange(inner._buffers["position_ids"].shape[-1], device=to[0])[None]  # type: ignore[union-attr]
            inner._buffers["position_ids"] = ids
    return [key for key in state if key not in own and not _UNREAD.fullmatch(key)]


def check_unet(left: list[str], source: str) -> None:
    """Raise BackboneError where a U-Net has tensors left: they change what it computes."""
    for pattern, what in _OTHER_UNETS:
        if found := next((key for key in left if pattern.search(key)), None):
            raise BackboneError(
                f"{source} {what} ({found}), which FaceA does not support; give the model that it "
                "was made from"
            )
    if left:
        raise BackboneError(
            f"{source} does not fit UNet2DConditionModel: {len(left)} left over (first: "
            f"{left[:1]}), so it is built otherwise; give a plain checkpoint"
        )


def text_state(encoder: nn.Module, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The encoder's share of its state, under its own names; layers that nobody reads go."""
    own = encoder.state_dict()
    # transformers 4 nests the model in `text_model`, 5 only where something stands beside it.
    nested = any(key.startswith("text_model.") for key in own)
    out = {}
    for key, value in keys.text_to_transformers(state).items():
        layer = re.match(r"encoder\.layers\.(\d+)\.", key)
        if layer is None or int(layer[1]) < encoder.config.num_hidden_layers:  # type: ignore[union-attr]
            outside = not nested or key.startswith("text_projection")
            out[key if outside else f"text_model.{key}"] = value
    return out
