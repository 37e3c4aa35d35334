"""How well a MODEL knows a picture: the noise it misses, at single latents."""

from __future__ import annotations

from typing import Any

import comfy.model_management
import comfy.sample
import comfy.samplers
import node_helpers
import torch
from torch import Tensor

from ...facea_core import backbone, composing, restoring
from .layout import image_out
from .models import is_inpainting


def guess_error(
    model: Any, vae: Any, said: Any, crop: composing.Crop, evidence: restoring.Evidence
) -> float:
    """`restoring.surprise` of MODEL, told the CONDITIONING `said`, at the latents of a crop."""
    seen = vae.encode(image_out([backbone.masked_image(crop.image, crop.mask)]))
    clean = model.model.process_latent_in(vae.encode(image_out([crop.image]))).float()
    if is_inpainting(model):
        values = {"concat_latent_image": seen, "concat_mask": crop.mask[:, 0]}
        said = node_helpers.conditioning_set_values(said, values)
    sigmas = model.get_model_object("model_sampling").sigmas
    (level,) = composing.levels_at(1 / (1 + sigmas.double() ** 2), [restoring.TIMESTEP])
    guesses: list[Tensor] = []

    def guess(latent: Tensor, _: composing.Level) -> Tensor:
        """One step of a sampling that takes no other."""

        def once(denoise: Any, x: Tensor, sigmas: Tensor, extra_args: Any, **__: Any) -> Tensor:
            noisy = (latent / level.signal).to(x)
            sigma = sigmas.new_full((len(noisy),), level.sigma / level.signal)
            guesses.append(denoise(noisy, sigma, **extra_args))
            return x

        nothing = torch.zeros_like(latent)
        sigmas = torch.tensor([level.sigma / level.signal, 0.0])
        comfy.sample.sample_custom(
            model, nothing, 1.0, comfy.samplers.KSAMPLER(once), sigmas, said, said, nothing,
            disable_pbar=True,
        )  # fmt: skip
        return guesses.pop().float()

    def decode(latents: Tensor) -> Tensor:
        comfy.model_management.throw_exception_if_processing_interrupted()
        return vae.decode(model.model.process_latent_out(latents)).movedim(-1, 1)

    return restoring.surprise(guess, clean, level, decode, evidence, crop.mask)
