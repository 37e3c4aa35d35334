"""What is personalised: any SD inpainting checkpoint as modules, prompts and diffusion algebra."""

from .backbone import Backbone, Conditioning, LatentDistribution, latent_mask, masked_image
from .load import assemble, load_backbone

__all__ = [
    "Backbone",
    "Conditioning",
    "LatentDistribution",
    "assemble",
    "latent_mask",
    "load_backbone",
    "masked_image",
]
