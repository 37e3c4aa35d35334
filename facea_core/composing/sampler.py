"""Inpainting: noise to picture through a diffusers scheduler, with classifier-free guidance."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ..backbone import Backbone, Conditioning, latent_mask, masked_image
from ..errors import BackboneError
from ..seeds import seeded
from .config import ComposeConfig

OnPaint = Callable[[int, int], None]
"""Called with (step, total) after each step. To cancel, raise: nothing on the way catches it."""

LONGEST_SCHEDULE = 1000


@torch.no_grad()
def inpaint(
    backbone: Backbone,
    conditioning: Conditioning,
    negative: Conditioning | None,
    image: Tensor,
    mask: Tensor,
    config: ComposeConfig,
    seed: int | Sequence[int] | None = None,
    on_step: OnPaint | None = None,
) -> Tensor:
    """Repaints image (B, 3, H, W) where mask (B or 1, 1, H, W) rounds to 1; the same shape, CPU.

    Sides must be multiples of the latent factor. What comes back is wholly painted, also outside
    the mask, where it is the model's rendering of what it saw: `stitch` takes what is wanted.
    `conditioning` and `negative` have B rows or one; `negative` may be None when guidance is 1.
    Item i draws its noise on the CPU from a generator of its own, seeded with `seed + i` or with
    `seed[i]` (default `config.seed`): a batch gives what its items give alone, on every device.
    A model that is not shown the surroundings gets them back, noised, at every step.
    `config.denoise` d < 1 starts from the noised picture and takes the last `steps` of `steps / d`
    steps, as in ComfyUI. Raises BackboneError if the model answers with NaN.
    """
    count, device = len(image), backbone.device
    seeds = _seeds(config.seed if seed is None else seed, count)
    generators = [seeded(s) for s in seeds]

    image, mask = image.to(device), mask.to(device).expand(count, -1, -1, -1)
    mask_latent = latent_mask(mask, backbone.spec.latent_factor)
    masked_latent = backbone.encode_image(masked_image(image, mask)).sample()
    shape = masked_latent.shape[1:]
    noise = torch.stack([torch.randn(shape, generator=g) for g in generators]).to(device)

    scheduler = backbone.scheduler(config.sampler)
    # denoise 0.999 of 1000 steps would ask for more than the schedule has.
    total = max(min(int(config.steps / config.denoise), LONGEST_SCHEDULE), config.steps)
    scheduler.set_timesteps(total, device=device)
    begin = len(scheduler.timesteps) - config.steps
    timesteps = scheduler.timesteps[begin:]
    if hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(begin)
    blind = not backbone.spec.inpainting
    if config.denoise < 1 or blind:
        clean = backbone.encode_image(image).sample().float()
    else:
        clean = torch.zeros_like(noise)
    if config.denoise < 1:
        latent = scheduler.add_noise(clean, noise, timesteps[:1].expand(count))
    else:
        latent = noise * scheduler.init_noise_sigma
    # Stochastic samplers draw from the item's generator too; the others have no such argument.
    takes_generator = "generator" in inspect.signature(scheduler.step).parameters
    extra = {"generator": generators} if takes_generator else {}

    guide = _guided(backbone, conditioning, negative, config, count)
    for step, timestep in enumerate(timesteps, 1):
        if blind:
            around = scheduler.add_noise(clean, noise, timestep.expand(count))
            latent = torch.where(mask_latent > 0, latent, around)
        scaled = scheduler.scale_model_input(latent, timestep)
        output = guide(scaled, timestep, mask_latent, masked_latent)
        latent = scheduler.step(output, timestep, latent, **extra).prev_sample
        if on_step is not None:
            on_step(step, len(timesteps))

    if blind:
        latent = torch.where(mask_latent > 0, latent, clean)
    painted = backbone.decode(latent).float().cpu()
    if not torch.isfinite(painted).all():
        raise BackboneError(
            f"the model's picture holds NaN after {config.steps} steps in {backbone.dtype}; "
            "load it as float32, or lower the strength of the LoRA"
        )
    return painted


def _seeds(seed: int | Sequence[int], count: int) -> list[int]:
    # A Generator takes 64 bits; the last seed plus one is the first again.
    return [(seed + i) % 2**64 for i in range(count)] if isinstance(seed, int) else list(seed)


def _guided(
    backbone: Backbone,
    conditioning: Conditioning,
    negative: Conditioning | None,
    config: ComposeConfig,
    count: int,
) -> Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]:
    """The model's output under classifier-free guidance (2207.12598), float32."""
    cfg = backbone.spec.cfg if config.cfg is None else config.cfg
    if cfg == 1 or negative is None:
        rows = _rows(conditioning, count)

        def plain(latent: Tensor, timestep: Tensor, mask: Tensor, masked: Tensor) -> Tensor:
            return backbone.predict(latent, timestep.expand(count), rows, mask, masked).float()

        return plain
    both = _join(_rows(conditioning, count), _rows(negative, count))

    def guided(latent: Tensor, timestep: Tensor, mask: Tensor, masked: Tensor) -> Tensor:
        latent, mask, masked = (torch.cat([x, x]) for x in (latent, mask, masked))
        output = backbone.predict(latent, timestep.expand(2 * count), both, mask, masked).float()
        wanted, unwanted = output.chunk(2)
        return unwanted + cfg * (wanted - unwanted)

    return guided


def _rows(conditioning: Conditioning, count: int) -> Conditioning:
    return conditioning if len(conditioning.context) == count else conditioning.expand(count)


def _join(first: Conditioning, second: Conditioning) -> Conditioning:
    # Repeating a context leaves cross-attention's result as it is, so lengths can be levelled.
    longest = math.lcm(first.context.shape[1], second.context.shape[1])
    contexts = [c.context.repeat(1, longest // c.context.shape[1], 1) for c in (first, second)]
    pooled = None
    if first.pooled is not None and second.pooled is not None:
        pooled = torch.cat([first.pooled, second.pooled])
    return Conditioning(torch.cat(contexts), pooled)
