"""The U-Net between its matrix multiplications, by kernels of our own where they run."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from functools import cache, partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_LOG = logging.getLogger(__name__)
_TOLERANCE = 1e-4


@contextmanager
def lean_blocks(unet: nn.Module, kernels: Any) -> Iterator[None]:
    """Norms, activations and gates of the U-Net by `training.kernels`, everything channels last.

    The same but for rounding. Without `kernels` the U-Net is left as it is; see `fused_kernels`.
    """
    before: list[tuple[nn.Module, str]] = []
    try:
        for module in unet.modules() if kernels else ():
            for name, method in _ways(module, kernels):
                setattr(module, name, method)
                before.append((module, name))
        yield
    finally:
        for module, name in before:
            delattr(module, name)  # the class has its own


def _ways(module: Any, kernels: Any) -> Iterator[tuple[str, Callable[..., Tensor]]]:
    """What of this module is done in another way: (method, by what)."""
    from diffusers.models.activations import GEGLU
    from diffusers.models.resnet import ResnetBlock2D
    from diffusers.models.transformers.transformer_2d import Transformer2DModel

    if isinstance(module, nn.GroupNorm) and module.affine:
        yield "forward", partial(kernels.group_norm, norm=module)
    elif isinstance(module, GEGLU):
        yield "forward", lambda x: kernels.geglu(module.proj(x))
    elif isinstance(module, Transformer2DModel) and module.is_input_continuous:
        yield "_get_output_for_continuous_inputs", partial(_transformer_output, module)
    elif isinstance(module, ResnetBlock2D) and _is_plain(module):
        yield "forward", partial(_resnet, module, kernels.group_norm)


def _is_plain(block: Any) -> bool:
    """Whether `_resnet` does all that this block's own `forward` would."""
    return (
        block.time_embedding_norm == "default"
        and block.time_emb_proj is not None
        and not block.skip_time_act
        and block.upsample is None
        and block.downsample is None
        and isinstance(block.nonlinearity, nn.SiLU)
        and not (block.dropout.p and block.training)
        and block.output_scale_factor == 1
    )


def _resnet(block: Any, norm: Callable[..., Tensor], x: Tensor, temb: Tensor) -> Tensor:
    hidden = block.conv1(norm(x, block.norm1, silu=True))
    hidden = hidden + block.time_emb_proj(F.silu(temb))[:, :, None, None]
    hidden = block.conv2(norm(hidden, block.norm2, silu=True))
    return (x if block.conv_shortcut is None else block.conv_shortcut(x)) + hidden


def _transformer_output(
    block: Any, *, hidden_states: Tensor, residual: Tensor, height: int, width: int, **_: int
) -> Tensor:
    """diffusers' own puts the image into rows here, which the next convolution undoes."""

    def as_picture(x: Tensor) -> Tensor:
        return x.unflatten(1, (height, width)).permute(0, 3, 1, 2)

    if block.use_linear_projection:
        return as_picture(block.proj_out(hidden_states)) + residual
    return block.proj_out(as_picture(hidden_states)) + residual


@cache
def fused_kernels(device: torch.device) -> Any:
    """`training.kernels` if they run on `device` and agree there with torch's own, else None.

    They need CUDA and Triton, and Triton needs a C compiler.
    """
    if device.type != "cuda":
        return None
    try:
        from . import kernels

        apart = disagreement(kernels, device)
    except Exception as error:  # Triton has as many of its own as there are ways to fail
        reason = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
    else:
        if apart <= _TOLERANCE:
            return kernels
        reason = f"they are {apart:.1e} off"
    _LOG.warning("FaceA trains without its fused kernels, which is slower: %s", reason)
    return None


def disagreement(kernels: Any, device: torch.device) -> float:
    """How far apart the kernels in float32 and torch are at most, forward and backward."""

    def numbers(*shape: int) -> Tensor:
        count = torch.Size(shape).numel()
        return torch.arange(count, device=device, dtype=torch.float32).mul(0.7).sin().view(shape)

    norm = nn.GroupNorm(4, 72, device=device).requires_grad_(False)
    norm.weight.copy_(1 + numbers(72))
    norm.bias.copy_(numbers(72))
    exact = deepcopy(norm).double()
    picture, rows = numbers(2, 72, 9, 8) + 0.5, numbers(6, 2 * 40)
    ways: list[tuple[Tensor, Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]] = [
        (picture, partial(kernels.group_norm, norm=norm, silu=True), lambda x: F.silu(norm(x))),
        (picture, partial(kernels.group_norm, norm=norm), norm),
        # Far from 0, where torch's own in float32 is nothing to go by.
        (picture + 30, partial(kernels.group_norm, norm=norm), lambda x: exact(x.double())),
        (rows, kernels.geglu, _geglu),
    ]
    return max(
        (mine - torchs).abs().max().item()
        for x, ours, theirs in ways
        for mine, torchs in zip(_both(ours, x), _both(theirs, x), strict=True)
    )


def _geglu(x: Tensor) -> Tensor:
    value, gate = x.chunk(2, dim=-1)
    return value * F.gelu(gate)


def _both(function: Callable[[Tensor], Tensor], x: Tensor) -> tuple[Tensor, Tensor]:
    """What the function makes of x, and the gradient of half its square."""
    x = x.clone().requires_grad_()
    y = function(x)
    (gradient,) = torch.autograd.grad(y, x, y.detach())
    return y.detach(), gradient
