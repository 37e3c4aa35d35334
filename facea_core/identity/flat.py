"""Many small trained tensors as views of one parameter.

One cast, one update and one norm then serve all of them, where a kernel for each would cost more
time than the work in it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor, nn


@dataclass(frozen=True, eq=False)
class Flat:
    """`parameter (N,)` float32 holds tensors of these `shapes`, one after the other."""

    parameter: nn.Parameter
    shapes: Mapping[str, tuple[int, ...]]

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor], device: torch.device | str) -> Flat:
        """Copies of the tensors, by name, on `device`."""
        flat = torch.cat([tensor.detach().float().flatten() for tensor in tensors.values()])
        shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
        return cls(nn.Parameter(flat.to(device)), shapes)

    def views(self, dtype: torch.dtype = torch.float32) -> dict[str, Tensor]:
        """The tensors by name, as they are now; a gradient to any of them reaches the parameter."""
        pieces = self.parameter.to(dtype).split([prod(shape) for shape in self.shapes.values()])
        return {
            name: piece.view(shape)
            for (name, shape), piece in zip(self.shapes.items(), pieces, strict=True)
        }

    def values(self) -> dict[str, Tensor]:
        """Copies of the tensors by name, float32 on the CPU."""
        with torch.no_grad():
            return {name: view.to("cpu", copy=True) for name, view in self.views().items()}

    @property
    def layout(self) -> str:
        """16 hex digits over the names and shapes, in their order."""
        return hashlib.sha256(repr(list(self.shapes.items())).encode()).hexdigest()[:16]
