"""A penalty on what the LoRA changes outside the repainted region.

In the manner of FAIR (FaceChain-FACT, arXiv 2410.12312), which holds an adapter's blocks to the
face; here it is the LoRA of each attention's output that is held to the hole.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ..identity.lora import Lora, LoraLayer

_OUTPUT = ".to_out.0"
_LEAST = 1e-6


class Outside:
    """Collects, while it looks, how much each watched layer changes outside a mask."""

    def __init__(self) -> None:
        self._mask: Tensor | None = None
        self._found: list[Tensor] = []

    @contextmanager
    def looking(self, mask: Tensor) -> Iterator[None]:
        """Watch a forward pass with `mask (B, 1, h, w)` of latents, 1 = repainted.

        The backward pass belongs in here too: checkpointing computes all of it once more there.
        """
        self._mask, self._found = mask, []
        try:
            yield
        finally:
            self._mask, self._found = None, []

    def share(self) -> Tensor:
        """Size of the change outside in shares of the frozen layer's output there, `(B,)`.

        Mean over the layers. Ask for it after the forward pass, and while looking.
        """
        return torch.stack(self._found).mean(dim=0)

    def see(self, layer: LoraLayer, inputs: tuple[Any, ...], output: Tensor) -> None:
        """Called with an attention's output `(B, tokens, C)`."""
        if self._mask is None:
            return
        (x,) = inputs
        change = F.linear(F.linear(x, layer.down), layer.up)
        outside = 1 - _at_tokens(self._mask, x.shape[1]).to(x.dtype)
        norm = partial(torch.linalg.vector_norm, dim=(1, 2), dtype=torch.float32)
        frozen = norm((output - change).detach() * outside)
        # A hole over everything leaves nothing outside.
        self._found.append(norm(change * outside) / frozen.clamp(min=_LEAST))


def _at_tokens(mask: Tensor, tokens: int) -> Tensor:
    """`(B, tokens, 1)` of a mask `(B, 1, h, w)`: the share of each place that is repainted."""
    height, width = mask.shape[2:]
    while height * width > tokens:
        height, width = (height + 1) // 2, (width + 1) // 2
    return F.adaptive_avg_pool2d(mask, (height, width)).flatten(2).transpose(1, 2)


@contextmanager
def watching(lora: Lora, wanted: bool = True) -> Iterator[Outside | None]:
    """Watch the LoRA of each attention's output, whose tokens are places of the picture."""
    if not wanted:
        yield None
        return
    outside = Outside()
    hooks = [
        layer.register_forward_hook(outside.see)
        for path, layer in lora.layers.items() if path.endswith(_OUTPUT)
    ]  # fmt: skip
    try:
        yield outside
    finally:
        for hook in hooks:
            hook.remove()
