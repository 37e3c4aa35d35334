"""Muon: momentum whose every matrix is made orthogonal before it is added."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

# Quintic iteration towards singular values of about 1 (Jordan et al. 2024).
_ITERATION, _ITERATIONS = (3.4445, -4.7750, 2.0315), 5
LEAST = 32
"""A matrix with a shorter side is no matter for Muon."""


class Muon(torch.optim.Optimizer):
    """For matrices and for the kernels of convolutions, read as `(out, in * height * width)`.

    `lr` is comparable with AdamW's (2502.16982, sec. 2.2). torch.optim.Muon takes matrices only,
    and iterates in bfloat16 one matrix after another: without units for it, a CPU takes three times
    as long for that.
    """

    def __init__(self, params: Iterable[nn.Parameter], lr: float, momentum: float = 0.95) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """One update; `closure` is not called."""
        for group in self.param_groups:
            parameters = [p for p in group["params"] if p.grad is not None]
            if not parameters:
                continue
            gradients = [p.grad for p in parameters]
            for parameter in parameters:
                if "momentum" not in self.state[parameter]:
                    self.state[parameter]["momentum"] = torch.zeros_like(parameter)
            momenta = [self.state[p]["momentum"] for p in parameters]
            torch._foreach_lerp_(momenta, gradients, 1 - group["momentum"])
            ahead = torch._foreach_lerp(gradients, momenta, group["momentum"])  # Nesterov
            alike: dict[tuple[int, int], list[int]] = defaultdict(list)
            for i, p in enumerate(parameters):
                alike[len(p), p[0].numel()].append(i)
            for (rows, columns), indices in alike.items():
                stack = torch.stack([ahead[i].reshape(rows, columns) for i in indices])
                reach = group["lr"] * 0.2 * max(rows, columns) ** 0.5
                for i, update in zip(indices, orthogonal(stack), strict=True):
                    parameters[i].sub_(update.view_as(parameters[i]), alpha=reach)


def orthogonal(matrices: Tensor) -> Tensor:
    """Matrices `(N, m, n)` with all singular values moved to about 1, directions kept."""
    tall = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.mT if tall else matrices
    # The norm bounds the largest singular value.
    x = x / (x.norm(dim=(-2, -1), keepdim=True) * 1.02 + 1e-7)
    a, b, c = _ITERATION
    for _ in range(_ITERATIONS):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    return x.mT if tall else x


def optimisers(network: nn.Module, rate: float) -> tuple[torch.optim.Optimizer, ...]:
    """Muon for what is a matrix between layers, AdamW at half the rate for all else."""
    tables = {id(m.weight) for m in network.modules() if isinstance(m, nn.Embedding)}
    matrices: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for parameter in network.parameters():
        small = parameter.ndim < 2 or min(len(parameter), parameter[0].numel()) < LEAST
        (others if small or id(parameter) in tables else matrices).append(parameter)
    fast = torch.optim.AdamW(others, lr=rate / 2, weight_decay=0.0, betas=(0.9, 0.98))
    return (Muon(matrices, lr=rate), fast) if matrices else (fast,)
