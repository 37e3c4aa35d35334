"""One step of training, all of it work for the device: nothing is read back, no list goes up."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from math import inf

import torch
from torch import nn
from torch.optim import Optimizer

from ..backbone import Backbone, Conditioning
from ..backbone.prompts import Prepared
from ..identity.flat import Flat
from ..identity.lora import Lora
from ..identity.words import by_placeholder
from .cache import LatentCache
from .config import TrainConfig
from .draws import Draw
from .losses import Losses, region_loss
from .outside import Outside


@dataclass(frozen=True, eq=False)
class Step:
    """What a step works on; call it with a draw on the backbone's device.

    `prompts` are those of `task_prompts`, in their order; `fixed` is what they say if the words do
    not learn. At most `micro_batch` pictures are on their way through the U-Net at once, with the
    gradient of all of them in the end. `outside` watches the LoRA if that has a cost.
    """

    backbone: Backbone
    config: TrainConfig
    cache: LatentCache
    prompts: Prepared
    words: Flat
    lora: Lora
    optimiser: Optimizer
    losses: Losses
    micro_batch: int
    fixed: Conditioning | None = None
    outside: Outside | None = None

    def __call__(self, draw: Draw) -> None:
        parameters = [self.words.parameter, self.lora.flat.parameter]
        self.optimiser.zero_grad(set_to_none=True)

        # Encode each distinct prompt once, with gradient to the words.
        encoded = self.fixed or self.encode()
        shared = _leaves(encoded)
        losses = []
        for part in draw.parts(self.micro_batch):
            # Gather the examples and add the noise.
            noise = part.noise[0]
            latent, mask, masked_latent = self.cache.gather(part.rows, part.noise[1:])
            noisy = self.backbone.add_noise(latent, noise, part.timestep)

            # Predict, and compare inside the hole.
            self.lora.bind()
            conditioning = shared.select(part.prompts)
            with self.outside.looking(mask) if self.outside else nullcontext():
                output = self.backbone.predict(
                    noisy, part.timestep, conditioning, mask, masked_latent
                )
                target = self.backbone.target(latent, noise, part.timestep)
                loss = region_loss(output.float(), target, mask, self.config.background_weight)
                spilt = self.outside.share() * self.config.outside_penalty if self.outside else 0.0
                ((loss + spilt).sum() / len(draw.rows)).backward()
            losses.append(loss.detach())
        _backward(encoded, shared)

        # Clip and update.
        norm = nn.utils.clip_grad_norm_(parameters, self.config.clip or inf)
        self.optimiser.step()
        self.losses.add(torch.cat(losses), draw.tasks, norm)

    def encode(self) -> Conditioning:
        """The prompts as the words are now."""
        return self.backbone.encode_prepared(self.prompts, by_placeholder(self.words.views()))


def _leaves(encoded: Conditioning) -> Conditioning:
    """The same values, gathering the gradient of every picture: text is gone back through once."""
    context, pooled = encoded.context, encoded.pooled
    return Conditioning(
        context.detach().requires_grad_(context.requires_grad),
        None if pooled is None else pooled.detach().requires_grad_(pooled.requires_grad),
    )


def _backward(encoded: Conditioning, shared: Conditioning) -> None:
    pairs = [(encoded.context, shared.context.grad)]
    if encoded.pooled is not None and shared.pooled is not None:
        pairs.append((encoded.pooled, shared.pooled.grad))
    pairs = [(value, grad) for value, grad in pairs if value.requires_grad and grad is not None]
    if pairs:
        values, grads = zip(*pairs, strict=True)
        torch.autograd.backward(values, grads)
