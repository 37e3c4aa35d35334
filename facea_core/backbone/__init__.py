"""What is personalised: any SD checkpoint as modules, prompts and diffusion algebra."""

from .backbone import Backbone, Conditioning, LatentDistribution, latent_mask, masked_image
from .header import CheckpointHeader, inspect_checkpoint
from .load import assemble, load_backbone
from .parts import Parts

__all__ = [
    "Backbone",
    "CheckpointHeader",
    "Conditioning",
    "LatentDistribution",
    "Parts",
    "assemble",
    "inspect_checkpoint",
    "latent_mask",
    "load_backbone",
    "masked_image",
]
