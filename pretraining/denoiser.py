"""Pre-training of the 9-channel U-Net and its text encoder on encoded, painted pictures."""

from __future__ import annotations

import random
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from facea_core.backbone import Backbone

from .captions import Description, caption
from .latents import Encoded
from .train import Loss, Piece, worker

BATCH = 16
RATE = 2e-3
OUTSIDE_WEIGHT = 0.15


def networks(backbone: Backbone) -> nn.ModuleDict:
    return nn.ModuleDict({"unet": backbone.unet, "text": backbone.text.encoders["clip_l"]})


def denoiser_loss(
    backbone: Backbone, said: Sequence[Description], data: Encoded, piece: Piece
) -> Loss:
    """The squared error of v, mostly inside the mask and most on the features of a face; each batch
    covers the whole schedule."""
    rank, workers = worker()
    device, batch = backbone.device, piece.batch or BATCH
    unet = piece.compile(backbone.unet)

    def loss(draw: torch.Generator) -> Tensor:
        index = torch.randint(len(data), (batch,), generator=draw)
        rng = random.Random(int(torch.randint(2**31, (), generator=draw)))
        pairs = zip(data.picture[index].tolist(), data.part[index].tolist(), strict=True)
        prompts = [caption(said[i], part, rng) for i, part in pairs]
        latent, masked, mask, worth = (
            rows[index].to(device).float()
            for rows in (data.clean, data.masked, data.mask, data.weight)
        )
        noise = torch.randn(latent.shape, generator=draw).to(device)
        spread = torch.arange(batch) * workers + rank + torch.rand(batch, generator=draw)
        timestep = (spread / (batch * workers) * 1000).long().clamp(max=999).to(device)
        noisy = backbone.add_noise(latent, noise, timestep)
        output = unet(
            torch.cat([noisy, mask, masked], dim=1), timestep,
            encoder_hidden_states=backbone.text.encode(prompts).context, return_dict=False,
        )[0]  # fmt: skip
        error = (output - backbone.target(latent, noise, timestep)).square()
        weight = worth * (mask + OUTSIDE_WEIGHT * (1 - mask))
        return (error * weight).sum() / (weight.sum() * error.shape[1])

    return loss
