"""One training step of full-size modules with random weights, and the most memory it holds."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from facea_core.attributes import attribute_table
from facea_core.backbone import Backbone, LatentDistribution
from facea_core.backbone.backbone import alphas_cumprod
from facea_core.backbone.load import empty_backbone
from facea_core.backbone.spec import FAMILIES
from facea_core.identity.lora import lora
from facea_core.identity.subject import SOMEBODY
from facea_core.identity.words import by_placeholder, learnable_words
from facea_core.training.config import TrainConfig
from facea_core.training.data import LatentCache
from facea_core.training.draws import Draw
from facea_core.training.gpu.attention import lean_attention
from facea_core.training.gpu.footprint import checkpointed
from facea_core.training.loop import make_step
from facea_core.training.losses import Losses
from facea_core.training.memory import PHOTOS, predict_bytes
from facea_core.training.optimiser import make_optimiser
from facea_core.training.tasks import task_prompts

from .peaks import counted, measured, no_math_attention

FAMILY = {family.spec.family: family for family in FAMILIES}


@dataclass(frozen=True)
class Setting:
    """One way to train."""

    family: str
    resolution: int
    batch: int
    micro_batch: int
    checkpointing: bool = False
    targets: str = "attention"
    rank: int = 48
    dtype: torch.dtype = torch.float32

    @property
    def config(self) -> TrainConfig:
        return TrainConfig(batch=self.batch, rank=self.rank, targets=self.targets)

    def predicted(self) -> int:
        spec = FAMILY[self.family].spec
        return predict_bytes(
            spec, self.config, self.dtype, self.resolution, self.micro_batch, self.checkpointing
        )

    def __str__(self) -> str:
        twice = " checkpointing" if self.checkpointing else ""
        kind = str(self.dtype).removeprefix("torch.")
        return (
            f"{self.family} {self.resolution} px {self.batch} as {self.micro_batch} "
            f"{self.targets} r{self.rank}{twice} {kind}"
        )


def build(family: str, device: str, dtype: torch.dtype) -> Backbone:
    """Full-size modules with random weights."""
    with torch.device("meta"):
        backbone = empty_backbone(FAMILY[family])
    to: Any = torch.nn.Module.to  # diffusers' own warns at every cast
    for module in backbone.modules:
        to(module, dtype=dtype)
        if device == "meta":
            to(module, memory_format=torch.channels_last)
            continue
        torch.nn.Module.to_empty(module, device=device)
        for tensor in (*module.parameters(), *module.buffers()):
            if tensor.is_floating_point():
                tensor.data.uniform_(-0.03, 0.03)
            else:
                tensor.copy_(torch.arange(tensor.numel()).view(tensor.shape))
    return replace(backbone, alphas_cumprod=alphas_cumprod().to(device))


def peak_of(setting: Setting, backbone: Backbone) -> tuple[int, int]:
    """(bytes at the fullest moment of the second step, those of the frozen weights)."""
    config, device = setting.config, backbone.device
    table = attribute_table(config.attributes)
    side = setting.resolution // backbone.spec.latent_factor
    crops, holes = PHOTOS * config.variants, PHOTOS * config.variants * (1 + len(table))
    shape = (backbone.spec.latent_channels, side, side)
    count = config.batch

    def latents(number: int) -> LatentDistribution:
        mean = torch.zeros(number, *shape, device=device)
        return LatentDistribution(mean, torch.zeros_like(mean))

    with ExitStack() as stack:
        words = learnable_words(backbone, "person", table)
        adapter = stack.enter_context(lora(backbone.unet, config.rank, config.targets))
        stack.enter_context(lean_attention(backbone.unet))
        stack.enter_context(checkpointed(backbone.unet, setting.checkpointing))
        stack.enter_context(no_math_attention(device.type))
        cache = LatentCache(
            clean=latents(crops), masked=latents(holes),
            mask=torch.ones(holes, 1, side, side, device=device),
            crop_of=torch.zeros(holes, dtype=torch.long, device=device),
            rows=None,  # type: ignore[arg-type]  # drawn from on the host, before the step
        )  # fmt: skip
        optimiser = make_optimiser(words.parameter, adapter.flat.parameter, config)
        if device.type == "meta":
            optimiser.step = lambda: None  # type: ignore[method-assign]  # fused: in place
        prompts = task_prompts(config, SOMEBODY)
        losses = Losses(list(prompts), device)
        step = make_step(
            backbone, config, cache,
            backbone.text.prepare(list(prompts.values()), by_placeholder(words.views())),
            words, adapter, optimiser, losses, setting.micro_batch,
        )  # fmt: skip
        zeros = torch.zeros(count, dtype=torch.long, device=device)
        draw = Draw(zeros, zeros + 1, zeros + 1, zeros,
                    torch.zeros(3, count, *shape, device=device))  # fmt: skip
        moments = [v for s in optimiser.state.values() for v in s.values() if v.numel() > 1]
        weights = [p for m in (backbone.unet, *backbone.text.encoders.values())
                   for p in (*m.parameters(), *m.buffers())]  # fmt: skip
        known = [
            *weights, *moments, words.parameter, adapter.flat.parameter, *draw_tensors(draw),
            cache.clean.mean, cache.clean.std, cache.masked.mean, cache.masked.std, cache.mask,
        ]  # fmt: skip
        frozen = sum({w.untyped_storage(): w.nbytes for w in weights}.values())
        if device.type == "meta":
            peak = counted(lambda: step(draw), known)
        else:
            base = sum({k.untyped_storage(): k.nbytes for k in known if k is not None}.values())
            peak = base + measured(lambda: step(draw))
        return peak, frozen


def draw_tensors(draw: Draw) -> list[Tensor]:
    return [draw.rows, draw.prompts, draw.tasks, draw.timestep, draw.noise]
