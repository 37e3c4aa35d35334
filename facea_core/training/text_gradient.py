"""The gradient of encoded prompts: gathered over all images of a step, gone back through once."""

from __future__ import annotations

import torch

from ..backbone import Conditioning


def leaves(encoded: Conditioning) -> Conditioning:
    """The same values, gathering the gradient of every image."""
    context, pooled = encoded.context, encoded.pooled
    return Conditioning(
        context.detach().requires_grad_(context.requires_grad),
        None if pooled is None else pooled.detach().requires_grad_(pooled.requires_grad),
    )


def backward(encoded: Conditioning, shared: Conditioning) -> None:
    """Hand what `shared`, the leaves of `encoded`, gathered on to the text encoders."""
    pairs = [(encoded.context, shared.context.grad)]
    if encoded.pooled is not None and shared.pooled is not None:
        pairs.append((encoded.pooled, shared.pooled.grad))
    pairs = [(value, grad) for value, grad in pairs if value.requires_grad and grad is not None]
    if pairs:
        values, grads = zip(*pairs, strict=True)
        torch.autograd.backward(values, grads)
