"""ControlNets (2302.05543) of the supported families: read strictly, and asked."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ..errors import AssetError, BackboneError
from ..io.assets import asset
from ..io.model_kinds import kind_of
from . import keys
from .backbone import Backbone, Residuals
from .fit import fill
from .parts import family_by_shape
from .spec import CONTROL_FILE, Family
from .stored import read_header, read_tensors

if TYPE_CHECKING:
    from diffusers import ControlNetModel

HINT_CHANNELS = (16, 32, 96, 256)
"""Of the network that brings a hint to latent size; the same in every family."""

_ORIGINAL = "control_model."


@dataclass(frozen=True, eq=False)
class ControlNet:
    """A network for U-Nets of one family, in eval mode, all parameters frozen."""

    family: str
    embedding: nn.Module
    network: ControlNetModel
    """Without its embedding."""

    @torch.no_grad()
    def embed(self, hint: Tensor) -> Tensor:
        """Hint `(B, 3, H, W)` in [0, 1] -> `(B, width, h, w)`; the same at every step."""
        weight = next(self.embedding.parameters())
        return self.embedding(hint.to(weight))

    @torch.no_grad()
    def residuals(
        self,
        noisy: Tensor,
        timestep: Tensor,
        context: Tensor,
        added: Mapping[str, Tensor] | None,
        embedded: Tensor,
        strength: float = 1.0,
    ) -> Residuals:
        """For noisy latents `(B, C, h, w)` at `timestep (B,)`, times `strength`.

        `context` and `added` are what the U-Net is told; `embedded` has B rows or one.
        """
        down, middle = self.network(
            noisy.to(embedded),
            timestep,
            encoder_hidden_states=context.to(embedded),
            controlnet_cond=embedded.expand(len(noisy), -1, -1, -1),
            conditioning_scale=strength,
            added_cond_kwargs=added,
            return_dict=False,
        )
        return Residuals(tuple(down), middle)


def load_control(path: str | Path, backbone: Backbone) -> ControlNet:
    """The ControlNet in a .safetensors file, or "tiny", for this backbone: on its device, of its
    dtype.

    The original layout (`control_model.`, or without it) and diffusers' are read. Raises
    `AssetError` (no such file) and `BackboneError`: another format, another family, a tensor
    missing, left over or of another shape.
    """
    path = asset(CONTROL_FILE) if str(path) == "tiny" else Path(path)
    if not path.is_file():
        raise AssetError(f"ControlNet {path} does not exist; give a .safetensors file, or 'tiny'")
    slots, _ = read_header(path)
    held = {key.removeprefix(_ORIGINAL): slot for key, slot in slots.items()}
    original = "zero_convs.0.0.weight" in held
    if not original and "controlnet_cond_embedding.conv_in.weight" not in held:
        kind = kind_of({key: slot.shape for key, slot in slots.items()}) or "no ControlNet"
        said = f"{kind} of a kind that FaceA does not read" if kind == "a ControlNet" else kind
        raise BackboneError(f"{path.name} is {said}; give a ControlNet of {backbone.spec.family}")
    family, _ = family_by_shape(held, path.name)
    if family.spec.family != backbone.spec.family:
        raise BackboneError(
            f"{path.name} is a ControlNet of {family.spec.family} and the model is "
            f"{backbone.spec.family}; give one of {backbone.spec.family}"
        )
    with torch.device("meta"):
        network = empty_control(family)
    if original:
        held = keys.rename(held, keys.control_prefixes(network.config))
    _check(network, {key: slot.shape for key, slot in held.items()}, path.name)
    fill(network, read_tensors(held), path.name, (backbone.device, backbone.dtype))
    return control_net(network, family.spec.family)


def _check(network: nn.Module, shapes: Mapping[str, tuple[int, ...]], source: str) -> None:
    own = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    for wrong, what in (
        ([key for key in own if key not in shapes], "missing"),
        ([key for key in shapes if key not in own], "left over"),
        ([key for key in own if key in shapes and own[key] != shapes[key]], "of another shape"),
    ):
        if wrong:
            raise BackboneError(
                f"{source} is built otherwise than a ControlNet of its family: {len(wrong)} "
                f"tensors {what} (first: {wrong[0]}); give a plain ControlNet, whole (no union, no "
                "small one, no ControlLoRA)"
            )


def empty_control(family: Family) -> ControlNetModel:
    """An untrained ControlNet for the family's U-Nets, of 4 input channels beside any of them."""
    from diffusers import ControlNetModel

    foreign = ("sample_size", "out_channels", "up_block_types")
    config = {key: value for key, value in family.unet.items() if key not in foreign}
    config["in_channels"] = family.spec.latent_channels
    return ControlNetModel(**config, conditioning_embedding_out_channels=HINT_CHANNELS)


def control_net(network: ControlNetModel, family: str) -> ControlNet:
    """The network as a value; it is frozen."""
    network.eval().requires_grad_(False)
    return ControlNet(family, network.controlnet_cond_embedding, without_embedding(network))


def without_embedding(network: ControlNetModel) -> ControlNetModel:
    """The same weights, but its hint comes embedded already, `(B, width, h, w)`."""
    bare = copy(network)
    bare._modules = {**network._modules, "controlnet_cond_embedding": nn.Identity()}
    return bare


def original_state(network: ControlNetModel) -> dict[str, Tensor]:
    """The tensors under the names that ComfyUI's and the authors' files have."""
    names = keys.invert(keys.control_prefixes(network.config))
    return {_ORIGINAL + k: v for k, v in keys.rename(network.state_dict(), names).items()}
