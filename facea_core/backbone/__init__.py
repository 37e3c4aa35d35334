"""What is personalised: any SD checkpoint as modules, prompts and diffusion algebra."""

from typing import TYPE_CHECKING

from ..late import door

if TYPE_CHECKING:
    from .backbone import (
        Backbone,
        Conditioning,
        LatentDistribution,
        alphas_cumprod,
        latent_mask,
        masked_image,
    )
    from .base import family_of
    from .control import ControlNet, load_control
    from .header import CheckpointHeader, inspect_checkpoint
    from .load import assemble, hash_of, load_backbone
    from .parts import Parts
    from .prompts import WORD, placeholders, spaced

__getattr__ = door(
    __name__,
    {
        "backbone": (
            "Backbone",
            "Conditioning",
            "LatentDistribution",
            "alphas_cumprod",
            "latent_mask",
            "masked_image",
        ),
        "base": ("family_of",),
        "control": ("ControlNet", "load_control"),
        "header": ("CheckpointHeader", "inspect_checkpoint"),
        "load": ("assemble", "hash_of", "load_backbone"),
        "parts": ("Parts",),
        "prompts": ("WORD", "placeholders", "spaced"),
    },
)

__all__ = [
    "Backbone",
    "CheckpointHeader",
    "Conditioning",
    "ControlNet",
    "LatentDistribution",
    "Parts",
    "WORD",
    "alphas_cumprod",
    "assemble",
    "family_of",
    "hash_of",
    "inspect_checkpoint",
    "latent_mask",
    "load_backbone",
    "load_control",
    "masked_image",
    "placeholders",
    "spaced",
]
