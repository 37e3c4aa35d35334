"""How far what a MODEL guesses of a single noised latent is from a damaged photo."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
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


def guess_errors(
    told: Sequence[tuple[Any, Any]], vae: Any, crop: composing.Crop, evidence: restoring.Evidence
) -> list[float]:
    """`restoring.surprise` of each MODEL, told a CONDITIONING, at the latents of a crop."""
    seen = vae.encode(image_out([backbone.masked_image(crop.image, crop.mask)]))
    whole = vae.encode(image_out([crop.image]))
    values = {"concat_latent_image": seen, "concat_mask": crop.mask[:, 0]}
    errors = []
    for model, said in told:
        if is_inpainting(model):
            said = node_helpers.conditioning_set_values(said, values)
        sigmas = model.get_model_object("model_sampling").sigmas
        (level,) = composing.levels_at(1 / (1 + sigmas.double() ** 2), [restoring.TIMESTEP])
        clean = model.model.process_latent_in(whole).float()

        def decode(latents: Tensor, model: Any = model) -> Tensor:
            comfy.model_management.throw_exception_if_processing_interrupted()
            return vae.decode(model.model.process_latent_out(latents)).movedim(-1, 1)

        guess = partial(_guess, model, said)
        errors.append(restoring.surprise(guess, clean, level, decode, evidence, crop.mask))
    return errors


def _guess(model: Any, said: Any, latent: Tensor, level: composing.Level) -> Tensor:
    """What MODEL takes latents (B, C, h, w) at a level for, by a sampling that asks once."""
    guesses: list[Tensor] = []
    sigma = level.sigma / level.signal  # ComfyUI's latents are clean + sigma * noise

    def once(denoise: Any, x: Tensor, _: Tensor, extra_args: Any, **__: Any) -> Tensor:
        guesses.append(denoise((latent / level.signal).to(x), x.new_full((len(x),), sigma),
                               **extra_args))  # fmt: skip
        return x

    nothing = torch.zeros_like(latent)
    comfy.sample.sample_custom(
        model, nothing, 1.0, comfy.samplers.KSAMPLER(once), torch.tensor([sigma, 0.0]), said, said,
        nothing, disable_pbar=True,
    )  # fmt: skip
    return guesses.pop().float()
