"""A model taken apart into its modules, whatever holds it: a file, a folder, or a host."""

from __future__ import annotations

import re
from collections.abc import Mapping
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


@dataclass(frozen=True, eq=False)
class Parts(Generic[S]):
    """The tensors of each module, or what stands for them, under the names of any known layout.

    `text` has one entry per text encoder, in the family's order; `rest` belongs to no module.
    """

    unet: Mapping[str, S]
    vae: Mapping[str, S]
    text: tuple[Mapping[str, S], ...]
    rest: tuple[str, ...] = ()


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
    known = (keys.UNET_PREFIX, keys.VAE_PREFIX, *encoders)
    return Parts(
        unet=keys.below(state, keys.UNET_PREFIX),
        vae=keys.below(state, keys.VAE_PREFIX),
        text=tuple(keys.below(state, prefix) for prefix in encoders),
        rest=tuple(k for k in state if not k.startswith(known) and not HARMLESS.fullmatch(k)),
    )


def identify(parts: Parts[S], source: str) -> tuple[Family, bool]:
    """The family that a model's shapes say, and whether it is an inpainting model of it.

    Raises BackboneError for other architectures, and where a whole module is missing.
    """
    unet = parts.unet
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
            break
    else:
        raise BackboneError(
            f"{source} is not a supported model (first convolution {tuple(first.shape)}, text "
            f"width {width}); FaceA supports: {', '.join(f.spec.family for f in FAMILIES)}"
        )
    if parts.rest:
        raise BackboneError(
            f"{source} holds {len(parts.rest)} tensors that no module of {family.spec.family} has "
            f"({parts.rest[0]!r} first); give a plain checkpoint"
        )
    name, inputs = family.spec.family, first.shape[1]
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
        raise BackboneError(
            f"{source} is a {name} model without its {' and '.join(lacking)}; give a whole "
            "checkpoint (ComfyUI's node Save Checkpoint writes one from MODEL, CLIP and VAE)"
        )
    return family, inputs == family.unet["in_channels"]
