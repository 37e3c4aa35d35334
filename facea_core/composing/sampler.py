"""Inpainting: noise to image, with classifier-free guidance."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch
from torch import Tensor

from ..backbone import Backbone, Conditioning, latent_mask, masked_image
from ..errors import BackboneError, ConfigError, MaskError
from ..seeds import seeded
from .config import ComposeConfig
from .control import Control, Steer, steering
from .solvers import SOLVERS, Level, levels
from .together import most_together, paint_together

OnPaint = Callable[[int, int], None]
"""Called with (done, total) after each step: steps of all images, those painted together counted
singly; less than before where memory ran out. To cancel, raise: nothing on the way catches it."""

Guide = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
"""(latent, timestep, mask, masked latent) -> what the model makes of it, guided."""


@dataclass(frozen=True, eq=False)
class Mixture:
    """The prediction of another model, `share` of the whole in [0, 1] while the timestep is above
    `until`.

    The backbone is that other model while `model()` is entered. It follows `conditioning`, away
    from `negative`; both have B rows or one.
    """

    conditioning: Conditioning
    negative: Conditioning
    share: float
    until: float
    model: Callable[[], AbstractContextManager[object]]


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
    mixture: Mixture | None = None,
    control: Sequence[Control] = (),
) -> Tensor:
    """Repaints image (B or 1, 3, H, W) where mask (B or 1, 1, H, W) rounds to 1: (B, 3, H, W), CPU.

    Sides must be multiples of the latent factor. What comes back is wholly painted, also outside
    the mask, where it is the model's rendering of what it saw: `stitch` takes what is wanted.
    `conditioning` and `negative` have B rows or one; `negative` None is the empty prompt.
    Item i draws its noise on the CPU from a generator of its own, seeded with `seed + i` or with
    `seed[i]` (default `config.seed`); B seeds paint one image B times, which is encoded once.
    A batch gives what its items give alone, up to float rounding, on every device; as many are
    painted together as `most_together` and memory allow.
    A model that is not shown the surroundings gets them back, noised, at every step.
    `config.denoise` d < 1 starts from the noised image and takes the last `steps` of `steps / d`
    steps, as in ComfyUI; see `solvers.timesteps`. The model is asked once per step, and where there
    is a `mixture` the other one too. The hints of `control` show what is painted, at its size.

    Raises ConfigError for prompts or seeds and MaskError for masks that are not as many as the
    images, BackboneError if the model answers with NaN.
    """
    device = backbone.device
    seeds = _seeds(config.seed if seed is None else seed, len(image))
    count = len(seeds) if len(image) == 1 else len(image)
    cfg = backbone.spec.cfg if config.cfg is None else config.cfg
    if len(mask) not in (1, count):
        raise MaskError(_unequal(len(mask), "masks", count))
    if len(seeds) != count:
        raise ConfigError(_unequal(len(seeds), "seeds", count))
    if cfg == 1:
        negative = None
    elif negative is None:
        negative = backbone.text.encode([""])
    mixed = () if mixture is None else (mixture.conditioning, mixture.negative)
    for prompts in (conditioning, negative, *mixed):
        if prompts is not None and len(prompts.context) not in (1, count):
            raise ConfigError(_unequal(len(prompts.context), "prompts", count))

    image, mask = image.to(device), mask.to(device)
    mask_latents = latent_mask(mask, backbone.spec.latent_factor)
    masked_latents = backbone.encode_image(masked_image(image, mask)).sample()
    schedule = levels(backbone.alphas_cumprod, config.steps, config.denoise)
    steer = steering(backbone, control, schedule)
    blind = not backbone.spec.inpainting
    cleans = torch.zeros_like(masked_latents[:1], dtype=torch.float32)
    if config.denoise < 1 or blind:
        cleans = backbone.encode_image(image).sample().float()

    def paint(rows: slice) -> Tensor:
        index = torch.arange(rows.start, rows.stop, device=device)
        generators = [seeded(one) for one in seeds[rows]]
        shape = cleans.shape[1:]
        noise = torch.stack([torch.randn(shape, generator=g) for g in generators]).to(device)
        clean, mask_latent, masked_latent = (
            of_all.expand(count, -1, -1, -1)[rows]
            for of_all in (cleans, mask_latents, masked_latents)
        )
        unwanted = None if negative is None else _rows(negative, index)
        guide = _guided(backbone, _rows(conditioning, index), unwanted, cfg, steer)
        if mixture is not None:
            away = None if negative is None else _rows(mixture.negative, index)
            other = _guided(backbone, _rows(mixture.conditioning, index), away, cfg, steer)
            guide = _mixed(guide, other, mixture)
        taken = 0

        def model(latent: Tensor, level: Level) -> Tensor:
            nonlocal taken
            if blind:
                around = level.signal * clean + level.sigma * noise
                latent = torch.where(mask_latent > 0, latent, around)
            timestep = torch.full((1,), level.timestep, device=device)
            output = guide(latent, timestep, mask_latent, masked_latent)
            taken += 1
            if on_step is not None:
                done = rows.start * config.steps + len(index) * taken
                on_step(done, count * config.steps)
            return backbone.clean(output, latent, level.signal, level.sigma)

        first = schedule[0]
        start = noise if config.denoise == 1 else first.signal * clean + first.sigma * noise
        latent = SOLVERS[config.sampler](model, start, schedule)
        if blind:
            latent = torch.where(mask_latent > 0, latent, clean)
        # One by one: an autoencoder takes more memory than the U-Net.
        return torch.cat([backbone.decode(one).float().cpu() for one in latent.split(1)])

    height, width = image.shape[2:]
    painted = paint_together(paint, count, most_together(device, (height, width)))
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
    wanted: Conditioning,
    unwanted: Conditioning | None,
    cfg: float,
    steer: Steer | None,
) -> Guide:
    """The model's output under classifier-free guidance (2207.12598), float32."""

    def predict(
        latent: Tensor, timestep: Tensor, said: Conditioning, mask: Tensor, masked: Tensor
    ) -> Tensor:
        timesteps = timestep.expand(len(latent))
        residuals = None if steer is None else steer(latent, timesteps, said)
        return backbone.predict(latent, timesteps, said, mask, masked, residuals).float()

    if unwanted is None:

        def plain(latent: Tensor, timestep: Tensor, mask: Tensor, masked: Tensor) -> Tensor:
            return predict(latent, timestep, wanted, mask, masked)

        return plain
    both = _join(wanted, unwanted)

    def guided(latent: Tensor, timestep: Tensor, mask: Tensor, masked: Tensor) -> Tensor:
        latent, mask, masked = (torch.cat([x, x]) for x in (latent, mask, masked))
        output = predict(latent, timestep, both, mask, masked)
        towards, away = output.chunk(2)
        return away + cfg * (towards - away)

    return guided


def _mixed(own: Guide, other: Guide, mixture: Mixture) -> Guide:
    def mixed(latent: Tensor, timestep: Tensor, mask: Tensor, masked: Tensor) -> Tensor:
        output = own(latent, timestep, mask, masked)
        if float(timestep) <= mixture.until:
            return output
        with mixture.model():
            return torch.lerp(output, other(latent, timestep, mask, masked), mixture.share)

    return mixed


def _rows(conditioning: Conditioning, index: Tensor) -> Conditioning:
    if len(conditioning.context) == 1:
        return conditioning.expand(len(index))
    return conditioning.select(index)


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
