"""LoRA for training: put into a U-Net in front of its frozen layers, and taken out again."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from ..errors import ConfigError
from ..types import LoraWeights
from .flat import Flat
from .targets import LAYERS

NOTHING = torch.empty(0)
"""What a layer has between two bindings."""


@dataclass(frozen=True, eq=False)
class Lora:
    """A trainable LoRA in a U-Net. `flat` holds `<layer>.lora_down` and `<layer>.lora_up`.

    A layer's change is up @ down * scale; `scale` is alpha / rank.
    """

    flat: Flat
    layers: Mapping[str, LoraLayer]
    scale: float = 1.0

    def bind(self, strength: float = 1.0) -> None:
        """Let the layers use the present values: once before each forward pass that shall see them.

        All are cast to the layers' dtype at once. At 0 the U-Net is as it was without a LoRA.
        """
        factor = strength * self.scale
        dtype = next(iter(self.layers.values())).base.weight.dtype
        # The old values go first: they hold on to the parameter's gradient accumulator, which
        # belongs to the stream it was made on, and no CUDA graph of another stream can have it.
        for layer in self.layers.values():
            layer.down = layer.up = NOTHING
        if strength == 0:
            return
        views = self.flat.views(dtype)
        for path, layer in self.layers.items():
            layer.down, up = views[f"{path}.lora_down"], views[f"{path}.lora_up"]
            layer.up = up if factor == 1 else up * factor

    def learned(self) -> dict[str, LoraWeights]:
        """The weights by layer path, as float32 copies on the CPU."""
        values = self.flat.values()
        found = {}
        for path in self.layers:
            down, up = values[f"{path}.lora_down"], values[f"{path}.lora_up"]
            found[path] = LoraWeights(down, up, alpha=self.scale * down.shape[0])
        return found


@contextmanager
def lora(
    unet: nn.Module,
    rank: int,
    targets: str = "attention",
    *,
    alpha: float | None = None,
    generator: torch.Generator | None = None,
) -> Iterator[Lora]:
    """Give the U-Net a trainable LoRA: delta = up @ down * alpha / rank (LoRA, 2106.09685).

    What is trained is float32 whatever the U-Net's dtype, `up` is zero, so nothing changes until it
    is trained, and `down` is drawn from `generator` on the CPU. `targets` is a key of `LAYERS`;
    `alpha` None is the rank. On the way out, also after an exception, every module is where it was.
    Raises `ConfigError` for a rank below 1.
    """
    if rank < 1:
        raise ConfigError(f"LoRA rank is {rank}; it must be positive")
    bases = {
        path: module
        for path, module in unet.named_modules()
        if isinstance(module, (nn.Linear, nn.Conv2d)) and re.fullmatch(LAYERS[targets], path)
    }
    tensors = {}
    for path, base in bases.items():
        down = torch.empty(rank, *base.weight.shape[1:])
        nn.init.kaiming_uniform_(down, a=math.sqrt(5), generator=generator)
        ones = (1,) * (base.weight.ndim - 2)
        tensors[f"{path}.lora_down"] = down
        tensors[f"{path}.lora_up"] = torch.zeros(base.weight.shape[0], rank, *ones)
    device = next(unet.parameters()).device
    adapter = Lora(
        Flat.of(tensors, device),
        {path: LoraLayer(base) for path, base in bases.items()},
        1.0 if alpha is None else alpha / rank,
    )
    try:
        for path, layer in adapter.layers.items():
            _put(unet, path, layer)
        adapter.bind()
        yield adapter
    finally:
        for path, base in bases.items():
            _put(unet, path, base)


class LoraLayer(nn.Module):
    """A frozen linear layer or convolution with a low-rank change beside it."""

    down: Tensor
    up: Tensor

    def __init__(self, base: nn.Linear | nn.Conv2d) -> None:
        super().__init__()
        self.base = base

    @property
    def on(self) -> bool:
        return self.up is not NOTHING

    def forward(self, x: Tensor) -> Tensor:
        if not self.on:
            return self.base(x)
        if isinstance(self.base, nn.Conv2d):
            return self.base(x) + F.conv2d(self.base._conv_forward(x, self.down, None), self.up)
        (y,) = project(x, self)
        return y


def project(x: Tensor, *layers: nn.Module) -> tuple[Tensor, ...]:
    """What each layer makes of the same input; linear layers with a LoRA share their work."""
    ours = [layer for layer in layers if isinstance(layer, LoraLayer) and layer.on]
    bases = [layer.base for layer in ours if isinstance(layer.base, nn.Linear)]
    if len(bases) < len(layers):
        return tuple(layer(x) for layer in layers)
    frozen = [(base.weight, base.bias) for base in bases]
    return _SharedInput.apply(x, frozen, *(d for o in ours for d in (o.down, o.up)))  # pyright: ignore


class _SharedInput(Function):
    """x W' + b + x down' up' for several (W, b), down and up; the frozen ones get no gradient.

    One product with all of the downs, and changes added up in place: what autograd would make of
    it takes half as many kernels more, for three layers, in each of dozens of attentions.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, frozen: Sequence[tuple[Tensor, Tensor | None]], *pairs: Tensor
    ) -> tuple[Tensor, ...]:
        downs, ups = pairs[::2], pairs[1::2]
        down = torch.cat(downs) if downs[1:] else downs[0]
        z = F.linear(x, down).flatten(0, -2)
        ys = []
        for (weight, bias), part, up in zip(frozen, _split(z, ups), ups, strict=True):
            y = F.linear(x, weight, bias)
            y.view(-1, len(weight)).addmm_(part, up.t())
            ys.append(y)
        ctx.save_for_backward(x, z, down, *(weight for weight, _ in frozen), *ups)
        return tuple(ys)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *dys: Tensor) -> tuple[Any, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        x, z, down, *rest = ctx.saved_tensors
        weights, ups = rest[: len(dys)], rest[len(dys) :]
        rows = [dy.flatten(0, -2) for dy in dys]
        dz = torch.empty_like(z)
        for dy, part, up in zip(rows, _split(dz, ups), ups, strict=True):
            torch.mm(dy, up, out=part)
        d_down = dz.t() @ x.flatten(0, -2)
        d_ups = [dy.t() @ part for dy, part in zip(rows, _split(z, ups), strict=True)]
        dx = None
        if ctx.needs_input_grad[0]:
            dx = dz @ down
            for dy, weight in zip(rows, weights, strict=True):
                dx.addmm_(dy, weight)
            dx = dx.view(x.shape)
        d_downs = d_down.split([up.shape[1] for up in ups])
        return dx, None, *(d for pair in zip(d_downs, d_ups, strict=True) for d in pair)


def _split(z: Tensor, ups: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """The columns of each layer."""
    return z.split([up.shape[1] for up in ups], dim=1)


def _put(unet: nn.Module, path: str, module: nn.Module) -> None:
    parent, _, name = path.rpartition(".")
    setattr(unet.get_submodule(parent), name, module)
