"""A backbone while something is learned on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ...backbone import Backbone
from ...identity.adapters import frozen
from .attention import lean_attention
from .blocks import fused_kernels, lean_blocks
from .footprint import as_current, searched_convolutions


@contextmanager
def learning(backbone: Backbone) -> Iterator[None]:
    """Gradients, though of none of the backbone's own weights, with its device the current one."""
    # A host may call from inside inference mode, where nothing can be trained.
    with (
        torch.inference_mode(False),
        torch.enable_grad(),
        as_current(backbone.device),
        frozen(*backbone.modules),
    ):
        yield


@contextmanager
def lean_unet(backbone: Backbone) -> Iterator[None]:
    """A U-Net that takes less time and memory for a step; adapters have to be in it already."""
    with (
        lean_attention(backbone.unet),
        lean_blocks(backbone.unet, fused_kernels(backbone.device)),
        searched_convolutions(backbone.device),
    ):
        yield
