"""A model taken apart into its modules, whatever holds it: a file, a folder, or a host."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from ..errors import BackboneError
from . import keys
from .spec import FAMILIES, Family

HARMLESS = re.compile(
    r"(betas|(sqrt_|log_)?(one_minus_)?alphas_cumprod(_prev)?|sqrt_recip(m1)?_alphas_cumprod"
    r"|posterior_\w+|lvlb_weights|logvar|scale_factor|iteration|global_step"  # noise schedule
    r"|v_pred|ztsnr|edm_vpred\.\w+|denoiser\.\w+"  # marks that are read, and schedules again
    r"|model_ema\..*|embedding_manager\..*|loss\..*"  # training
    r"|cond_stage_model\.(logit_scale|text_projection.*))"
)
"""Names beside the modules that published files have and nothing here needs."""


class Shaped(Protocol):
    @property
    def shape(self) -> tuple[int, ...]: ...


S = TypeVar("S", bound=Shaped)
U = TypeVar("U", bound=Shaped)


@dataclass(frozen=True, eq=False)
class Parts(Generic[S]):
    """The tensors of each module, or what stands for them, under the names of any known layout.

    `text` has one entry per text encoder, in the family's order; `rest` belongs to no module.
    """

    unet: Mapping[str, S]
    vae: Mapping[str, S]
    text: tuple[Mapping[str, S], ...]
    rest: tuple[str, ...] = ()

    def map(self, change: Callable[[Mapping[str, S]], Mapping[str, U]]) -> Parts[U]:
        """The same with every module's tensors changed."""
        text = tuple(change(encoder) for encoder in self.text)
        return Parts(change(self.unet), change(self.vae), text, self.rest)


def split(state: Mapping[str, S]) -> Parts[S]:
    """A single-file checkpoint by its prefixes; what is harmless is left out of `rest`."""
    encoders = next(
        (
            prefixes
            for prefixes in keys.TEXT_PREFIXES
            if all(any(key.startswith(prefix) for key in state) for prefix in prefixes)
        ),
        (),
    )
    prefix = _unet_prefix(state)
    others = (keys.VAE_PREFIX, *encoders)
    known = (prefix, *others)
    return Parts(
        unet=keys.below({k: v for k, v in state.items() if not k.startswith(others)}, prefix),
        vae=keys.below(state, keys.VAE_PREFIX),
        text=tuple(keys.below(state, prefix) for prefix in encoders),
        rest=tuple(k for k in state if not k.startswith(known) and not HARMLESS.fullmatch(k)),
    )


def _unet_prefix(state: Mapping[str, S]) -> str:
    """What stands before the U-Net's names: nothing, in a file that is only a U-Net."""
    for prefix in (keys.UNET_PREFIX, "", "diffusion_model.", "unet."):
        firsts = (f"{prefix}input_blocks.0.0.weight", f"{prefix}conv_in.weight")
        if any(first in state for first in firsts):
            return prefix
    return keys.UNET_PREFIX


def family_by_shape(unet: Mapping[str, S], source: str) -> tuple[Family, int]:
    """The family of a U-Net, or of half a one, under the names of either layout, and its inputs.

    Raises BackboneError for other architectures.
    """
    first = unet.get("input_blocks.0.0.weight", unet.get("conv_in.weight"))
    width = next((v.shape[1] for k, v in unet.items() if k.endswith("attn2.to_k.weight")), None)
    added = unet.get("label_emb.0.0.weight", unet.get("add_embedding.linear_1.weight"))
    if first is None or width is None:
        raise BackboneError(
            f"{source} holds no U-Net that FaceA knows; give a whole Stable Diffusion 1.5, 2 or "
            "XL checkpoint, best an inpainting one"
        )
    shape = (first.shape[0], width, None if added is None else added.shape[1])
    for family in FAMILIES:
        config = family.unet
        if shape == (
            config["block_out_channels"][0],
            config["cross_attention_dim"],
            config.get("projection_class_embeddings_input_dim"),
        ):
            return family, first.shape[1]
    raise BackboneError(
        f"{source} is not a supported model (first convolution {tuple(first.shape)}, text "
        f"width {width}); FaceA supports: {', '.join(f.spec.family for f in FAMILIES)}"
    )


def identify(parts: Parts[S], source: str) -> tuple[Family, bool]:
    """The family that a model's shapes say, and whether it is an inpainting model of it.

    Raises BackboneError for other architectures, and where a whole module is missing.
    """
    family, inputs = family_by_shape(parts.unet, source)
    name = family.spec.family
    if inputs not in (family.unet["in_channels"], family.spec.latent_channels):
        raise BackboneError(
            f"{source} is a {name} model with {inputs} input channels, neither an inpainting model "
            f"({family.unet['in_channels']}) nor a plain one ({family.spec.latent_channels}); give "
            "an inpainting checkpoint"
        )
    lacking = [] if parts.vae else ["VAE"]
    if len(parts.text) != len(family.text):
        lacking.append("text encoder" if len(family.text) == 1 else "pair of text encoders")
    if lacking:
        whole = "inpainting model" if inputs == family.unet["in_channels"] else "model"
        only = "" if parts.vae or parts.text else "only a U-Net, "
        raise BackboneError(
            f"{source} is {only}a {name} {whole} without its {' and '.join(lacking)}; give a whole "
            "checkpoint (ComfyUI's node Save Checkpoint writes one from MODEL, CLIP and VAE)"
            + (", or a VAE with --vae" if lacking == ["VAE"] else "")
        )
    return family, inputs == family.unet["in_channels"]
