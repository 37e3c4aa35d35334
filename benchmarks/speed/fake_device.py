"""The step of a full-size model on a GPU that is not there: its kernels counted, nothing computed.

PyTorch's fake tensors have a device, a shape and a dtype, and no values. Whatever would read a
value, or mix in a real tensor, raises: a step that passes can be captured as a CUDA graph as far as
that can be known without a GPU.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.optim import SGD, AdamW, Optimizer
from torch.overrides import TorchFunctionMode

from facea_core.attributes import Attribute
from facea_core.backbone import Backbone, LatentDistribution
from facea_core.backbone.spec import Family
from facea_core.identity.adapters import frozen
from facea_core.identity.flat import Flat
from facea_core.identity.lora import lora
from facea_core.identity.names import placeholder
from facea_core.identity.subject import SOMEBODY
from facea_core.identity.words import by_placeholder
from facea_core.training.config import TrainConfig
from facea_core.training.data import LatentCache
from facea_core.training.draws import Draw, Rows
from facea_core.training.gpu.attention import lean_attention
from facea_core.training.loop import make_step
from facea_core.training.losses import Losses
from facea_core.training.optimiser import make_optimiser, set_rates
from facea_core.training.tasks import EMPTY, GLOBAL, task_prompts

from .baselines import ATTENTION, diffusers_style, kohya_style
from .baselines import Step as TheirStep
from .contenders import DIFFUSERS, DIFFUSERS_CACHED, KOHYA, KOHYA_ATTENTION
from .counting import Counts, Tally
from .models import filled
from .task import NAME, Task

OURS = "facea"
DEVICE = "meta"


def count_pretended(
    family: Family, config: TrainConfig, dtype: torch.dtype = torch.bfloat16
) -> dict[str, Counts]:
    """Counts of one step by contender, at the family's own resolution."""
    task = pretended_task(family, config, dtype)
    # As it comes on CUDA, where no tensor is fake.
    update = partial(AdamW, foreach=True)
    styles: dict[str, Callable[[Task], AbstractContextManager[TheirStep]]] = {
        DIFFUSERS: diffusers_style,
        DIFFUSERS_CACHED: partial(diffusers_style, cached=True),
        KOHYA: kohya_style,
        KOHYA_ATTENTION: partial(kohya_style, targets=ATTENTION),
    }
    found = {}
    for name, style in styles.items():
        with style(task) as step:
            found[name] = _count(task.backbone, partial(step, 0), update)
    with FakeTensorMode():
        found[OURS] = count_ours(pretended_task(family, config, dtype))
    return found


def count_ours(task: Task) -> Counts:
    """Counts of our step on fake tensors; raises where it could not be captured."""
    backbone, config = task.backbone, task.config
    with (
        frozen(backbone.unet, *backbone.text.encoders.values()),
        lora(backbone.unet, config.rank, config.targets) as adapter,
        lean_attention(backbone.unet),
    ):
        table = config.table
        start = _words(backbone, table)
        words = Flat.of(start, backbone.device)
        prompts = task_prompts(config, SOMEBODY)
        asked = list(prompts.values()) if config.has_local else [prompts[EMPTY], prompts[GLOBAL]]
        step = make_step(
            backbone=backbone,
            config=config,
            cache=task.cache,
            prompts=backbone.text.prepare(asked, by_placeholder(start)),
            words=words,
            adapter=adapter,
            # The real one is counted below: nowhere, it has no fused kernel.
            optimiser=SGD([words.parameter, adapter.flat.parameter]),
            losses=Losses(list(prompts), backbone.device),
            micro_batch=config.micro_batch or len(task.texts[0]),
        )
        update = partial(_our_optimiser, config=config)
        return _count(backbone, partial(step, task.draws[0]), update)


def _our_optimiser(parameters: Sequence[nn.Parameter], config: TrainConfig) -> Optimizer:
    words, weights = parameters
    optimiser = make_optimiser(words, weights, config)
    set_rates(optimiser, 0, config)
    return optimiser


def _count(
    backbone: Backbone,
    step: Callable[[], object],
    update: Callable[[Sequence[nn.Parameter]], Optimizer],
) -> Counts:
    """Counts of one step.

    The backward pass cannot be pretended on CUDA, the update cannot elsewhere; so the update of
    what the step trains is counted by itself.
    """
    with torch.enable_grad(), _FusedAttention(), Tally(backbone) as tally:
        step()
        tally.tick(1)
    with FakeTensorMode(), _Updates(backbone) as updates:
        parameters = [nn.Parameter(torch.empty(shape, device="cuda")) for shape in tally.updated]
        optimiser = update(parameters)
        for parameter in parameters:
            parameter.grad = torch.empty_like(parameter)
        for done in (1, 2):  # the first one makes its moments
            optimiser.step()
            updates.tick(done)
    return replace(tally.steps[0], optimiser=updates.steps[1].optimiser)


class _FusedAttention(TorchFunctionMode):
    """Attention in one kernel, as CUDA has it; nowhere it would be taken apart."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is not F.scaled_dot_product_attention:
            return func(*args, **kwargs)
        mask, causal = kwargs.get("attn_mask"), kwargs.get("is_causal", False)
        fused = torch.ops.aten._scaled_dot_product_efficient_attention
        return fused(*args[:3], mask, True, 0.0, causal)[0]


class _Updates(Tally):
    """PyTorch cannot pretend this one kernel, which changes tensors and returns nothing."""

    def call(self, func: Any, args: Any, kwargs: Any) -> Any:
        if func.overloadpacket is torch.ops.aten._fused_adamw_:
            return None
        return super().call(func, args, kwargs)


def _words(backbone: Backbone, table: Sequence[Attribute]) -> dict[str, Tensor]:
    return {
        f"{placeholder(NAME, attribute)}.{encoder}": torch.empty(1, width)
        for attribute in table
        for encoder, width in backbone.spec.widths.items()
    }


def pretended_task(family: Family, config: TrainConfig, dtype: torch.dtype) -> Task:
    """Everything a step needs, of these shapes and without values; fake in a `FakeTensorMode`."""
    backbone = filled(family, DEVICE, dtype, lambda weight, name: None)
    backbone = replace(backbone, alphas_cumprod=torch.empty(1000, device=DEVICE))
    spec, count = backbone.spec, config.items
    side = spec.resolution // spec.latent_factor
    shape = (spec.latent_channels, side, side)
    table = config.table
    on = torch.device(DEVICE)

    def latents() -> LatentDistribution:
        return LatentDistribution(
            torch.empty(2, *shape, device=on), torch.ones(2, *shape, device=on)
        )

    noise = torch.empty(3, count, *shape, device=on)
    long = partial(torch.zeros, dtype=torch.long)
    numbers = long(count, device=on)
    prompts = task_prompts(config, SOMEBODY)
    with lora(backbone.unet, config.rank, config.targets) as adapter:
        start = {name: torch.empty(shape) for name, shape in adapter.flat.shapes.items()}
    return Task(
        photos=(),
        backbone=backbone,
        config=config,
        cache=LatentCache(
            clean=latents(),
            masked=latents(),
            mask=torch.ones(2, 1, side, side, device=on),
            crop_of=long(2, device=on),
            rows=Rows(long(1), long(1, 1), long(1, 1, 1), long(1), long(2)),
        ),
        pictures=[
            (
                torch.empty(1, 3, spec.resolution, spec.resolution),
                torch.empty(1, 1, spec.resolution, spec.resolution),
            )
        ],
        words=_words(backbone, table),
        lora=start,
        draws=[Draw(numbers, numbers, numbers, numbers, noise)],
        rows=[[0] * count],
        texts=[[prompts[GLOBAL]] * count],
    )
