"""Is it this person? A model that learned somebody guesses a damaged picture of them better.

A diffusion classifier (2303.16203) of two models, without and with the identity. What they guess is
compared with the photo after it was damaged as the photo was: so little may be left of a face that
an identity encoder errs.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ..backbone import Backbone, Conditioning, latent_mask, masked_image
from ..composing import Crop, Level, Model, face_prompt, levels_at
from ..identity.adapters import apply_identity
from ..seeds import seeded
from ..types import Identity
from .evidence import Evidence

TIMESTEP = 700.0
"""Of 1000: so noisy that the model must know the face, and clear enough to say whose it may be."""

NOISES = 4

Decode = Callable[[Tensor], Tensor]
"""Latents (B, C, h, w) -> images (B, 3, H, W) in [0, 1]."""


def advantage(crop: Crop, evidence: Evidence, identity: Identity, backbone: Backbone) -> float:
    """By which share the identity makes the model's guesses of the crop better, at most 1.

    Below 0 they are worse with it. Raises BackboneMismatchError for an identity of another family.
    """
    base, own = prompts_of(identity)
    clean = backbone.encode_image(crop.image).sample().float()
    masked = backbone.encode_image(masked_image(crop.image, crop.mask)).sample()
    mask = latent_mask(crop.mask.to(backbone.device), backbone.spec.latent_factor)
    (level,) = levels_at(backbone.alphas_cumprod, [TIMESTEP])

    def error(prompt: str, strength: float) -> float:
        with apply_identity(backbone, identity, strength) as words:
            said = backbone.text.encode([prompt], words)
            model = _model(backbone, said, mask, masked)
            return surprise(model, clean, level, backbone.decode, evidence, crop.mask)

    return 1 - error(own, 1.0) / error(base, 0.0)


def prompts_of(identity: Identity) -> tuple[str, str]:
    """What the model is told without and with the identity."""
    return f"a photo of a {identity.meta.class_noun}", face_prompt("", identity)


@torch.no_grad()
def surprise(
    model: Model, clean: Tensor, level: Level, decode: Decode, evidence: Evidence, mask: Tensor
) -> float:
    """How far what a model guesses of noised latents `clean (1, C, h, w)` is from the photo.

    The mean square difference in mask (1, 1, H, W) after the guesses were damaged alike; always the
    same noises, so that models can be compared.
    """
    noise = torch.stack(
        [torch.randn(clean.shape[1:], generator=seeded(number)) for number in range(NOISES)]
    ).to(clean)
    guesses = model(level.signal * clean + level.sigma * noise, level)
    # One by one: an autoencoder takes more memory than the U-Net.
    errors = [evidence.error(decode(one).float().cpu(), mask) for one in guesses.split(1)]
    return max(sum(errors) / NOISES, 1e-12)


def _model(backbone: Backbone, said: Conditioning, mask: Tensor, masked: Tensor) -> Model:
    def model(latent: Tensor, level: Level) -> Tensor:
        count = len(latent)
        output = backbone.predict(
            latent, torch.full((count,), level.timestep, device=latent.device), said.expand(count),
            mask.expand(count, -1, -1, -1), masked.expand(count, -1, -1, -1),
        )  # fmt: skip
        return backbone.clean(output.float(), latent, level.signal, level.sigma)

    return model
