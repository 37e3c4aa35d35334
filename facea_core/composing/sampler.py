"""Inpainting: noise to picture, with classifier-free guidance."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ..backbone import Backbone, Conditioning, latent_mask, masked_image
from ..errors import BackboneError, ConfigError, MaskError
from ..seeds import seeded
from .config import ComposeConfig
from .solvers import SOLVERS, Level, levels

OnPaint = Callable[[int, int], None]
"""Called with (step, total) after each step. To cancel, raise: nothing on the way catches it."""


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
    `conditioning` and `negative` have B rows or one; `negative` None is the empty prompt.
    Item i draws its noise on the CPU from a generator of its own, seeded with `seed + i` or with
    `seed[i]` (default `config.seed`): a batch gives what its items give alone, on every device.
    A model that is not shown the surroundings gets them back, noised, at every step.
    `config.denoise` d < 1 starts from the noised picture and takes the last `steps` of `steps / d`
    steps, as in ComfyUI; see `solvers.timesteps`. The model is asked once per step.

    Raises ConfigError for prompts or seeds and MaskError for masks that are not as many as the
    pictures, BackboneError if the model answers with NaN.
    """
    count, device = len(image), backbone.device
    seeds = _seeds(config.seed if seed is None else seed, count)
    generators = [seeded(s) for s in seeds]

    if len(mask) not in (1, count):
        raise MaskError(_unequal(len(mask), "masks", count))
    if len(seeds) != count:
        raise ConfigError(_unequal(len(seeds), "seeds", count))
    guide = _guided(backbone, conditioning, negative, config, count)
    image, mask = image.to(device), mask.to(device).expand(count, -1, -1, -1)
    mask_latent = latent_mask(mask, backbone.spec.latent_factor)
    masked_latent = backbone.encode_image(masked_image(image, mask)).sample()
    shape = masked_latent.shape[1:]
    noise = torch.stack([torch.randn(shape, generator=g) for g in generators]).to(device)

    schedule = levels(backbone.alphas_cumprod, config.steps, config.denoise)
    blind = not backbone.spec.inpainting
    if config.denoise < 1 or blind:
        clean = backbone.encode_image(image).sample().float()
    else:
        clean = torch.zeros_like(noise)
    done = 0

    def model(latent: Tensor, level: Level) -> Tensor:
        nonlocal done
        if blind:
            around = level.signal * clean + level.sigma * noise
            latent = torch.where(mask_latent > 0, latent, around)
        timestep = torch.full((1,), level.timestep, device=device)
        output = guide(latent, timestep, mask_latent, masked_latent)
        done += 1
        if on_step is not None:
            on_step(done, config.steps)
        return backbone.clean(output, latent, level.signal, level.sigma)

    first = schedule[0]
    start = noise if config.denoise == 1 else first.signal * clean + first.sigma * noise
    latent = SOLVERS[config.sampler](model, start, schedule)
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
    if cfg == 1:
        rows = _rows(conditioning, count)

        def plain(latent: Tensor, timestep: Tensor, mask: Tensor, masked: Tensor) -> Tensor:
            return backbone.predict(latent, timestep.expand(count), rows, mask, masked).float()

        return plain
    if negative is None:
        negative = backbone.encode_prompts([""])
    both = _join(_rows(conditioning, count), _rows(negative, count))

    def guided(latent: Tensor, timestep: Tensor, mask: Tensor, masked: Tensor) -> Tensor:
        latent, mask, masked = (torch.cat([x, x]) for x in (latent, mask, masked))
        output = backbone.predict(latent, timestep.expand(2 * count), both, mask, masked).float()
        wanted, unwanted = output.chunk(2)
        return unwanted + cfg * (wanted - unwanted)

    return guided


def _rows(conditioning: Conditioning, count: int) -> Conditioning:
    given = len(conditioning.context)
    if given not in (1, count):
        raise ConfigError(_unequal(given, "prompts", count))
    return conditioning if given == count else conditioning.expand(count)


def _unequal(given: int, noun: str, count: int) -> str:
    return f"there are {given} {noun} for {count} pictures: give one, or one for each picture"


def _join(first: Conditioning, second: Conditioning) -> Conditioning:
    # Repeating a context leaves cross-attention's result as it is, so lengths can be levelled.
    longest = math.lcm(first.context.shape[1], second.context.shape[1])
    contexts = [c.context.repeat(1, longest // c.context.shape[1], 1) for c in (first, second)]
    pooled = None
    if first.pooled is not None and second.pooled is not None:
        pooled = torch.cat([first.pooled, second.pooled])
    return Conditioning(torch.cat(contexts), pooled)
