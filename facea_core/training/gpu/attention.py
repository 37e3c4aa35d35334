"""Attention for training: no kernel that does nothing, and the backend that is fastest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.nn.attention import SDPBackend, sdpa_kernel

from ...identity.lora import project

BACKENDS = (
    SDPBackend.CUDNN_ATTENTION,
    SDPBackend.FLASH_ATTENTION,
    SDPBackend.EFFICIENT_ATTENTION,
)
_CHOSEN: dict[tuple[object, ...], SDPBackend | None] = {}
"""What was tried before in this process, by device, dtype and shape."""
_TRIES = 5
_AHEAD = 10_000_000
"""Cycles of the device in which the host gets ahead of it: some 5 ms."""


@contextmanager
def lean_attention(unet: Any) -> Iterator[LeanAttention]:
    """Every attention of the U-Net without the kernels that do nothing, on the best backend."""
    before, processor = dict(unet.attn_processors), LeanAttention()
    try:
        unet.set_attn_processor(
            {
                name: processor if _is_plain(unet.get_submodule(name.removesuffix(".processor")))
                else kept
                for name, kept in before.items()
            }
        )  # fmt: skip
        yield processor
    finally:
        unet.set_attn_processor(before)


class LeanAttention:
    """diffusers' `AttnProcessor2_0` for the plain attention that SD's U-Nets have.

    On CUDA the backend of each shape is the one that was fastest, forward and backward, when the
    shape was first seen; heads of 40 channels suit none of them, and which one loses least depends
    on the card. `choices` says what was chosen, by (batch, heads, L of q, L of k, head width).
    """

    def __init__(self) -> None:
        self.choices: dict[tuple[int, ...], SDPBackend | None] = {}

    def __call__(
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        **_: Any,
    ) -> Tensor:
        if encoder_hidden_states is None:
            made = project(hidden_states, attn.to_q, attn.to_k, attn.to_v)
        else:
            made = (
                attn.to_q(hidden_states),
                *project(encoder_hidden_states, attn.to_k, attn.to_v),
            )
        q, k, v = (x.unflatten(-1, (attn.heads, -1)).transpose(1, 2) for x in made)
        with self._backend(q, k, v):
            out = F.scaled_dot_product_attention(q, k, v, attn_mask=attention_mask)
        return attn.to_out[0](out.transpose(1, 2).flatten(2))

    def _backend(self, q: Tensor, k: Tensor, v: Tensor) -> Any:
        if not (q.is_cuda and q.requires_grad and torch.cuda.is_available()):
            return nullcontext()
        shape = (*q.shape[:3], k.shape[2], q.shape[3])
        if shape not in self.choices and not torch.cuda.is_current_stream_capturing():
            known = (q.device, q.dtype, *shape)
            if known not in _CHOSEN:
                _CHOSEN[known] = fastest_backend(q, k, v)
            self.choices[shape] = _CHOSEN[known]
        choice = self.choices.get(shape)
        return nullcontext() if choice is None else sdpa_kernel(choice)


def fastest_backend(q: Tensor, k: Tensor, v: Tensor) -> SDPBackend | None:
    """Which of `BACKENDS` takes least time for tensors like these, forward and backward.

    None if none of them can. Waits for the device.
    """
    seconds: dict[SDPBackend, float] = {}
    for backend in BACKENDS:
        try:
            with sdpa_kernel(backend):
                seconds[backend] = _seconds(partial(_there_and_back, q, k, v))
        except RuntimeError:  # it cannot do this shape or dtype on this card
            continue
    return min(seconds, key=lambda backend: seconds[backend]) if seconds else None


def _there_and_back(q: Tensor, k: Tensor, v: Tensor) -> None:
    q, k, v = inputs = [x.detach().requires_grad_() for x in (q, k, v)]
    # Checkpointing counts what a forward pass saves; what is only tried is no part of it.
    with saved_tensors_hooks(_as_it_is, _as_it_is):
        out = F.scaled_dot_product_attention(q, k, v)
        torch.autograd.grad(out.sum(), inputs)


def _seconds(work: Callable[[], None]) -> float:
    """Of the device, which waits first: the host gets ahead, and its time is not in it."""
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    work()
    torch.cuda._sleep(_AHEAD)
    start.record()
    for _ in range(_TRIES):
        work()
    end.record()
    end.synchronize()
    return start.elapsed_time(end) / 1000


def _as_it_is(x: Tensor) -> Tensor:
    return x


def _is_plain(attn: nn.Module) -> bool:
    """Whether `LeanAttention` does all that this layer's own processor would."""
    from diffusers.models.attention_processor import Attention

    return (
        isinstance(attn, Attention)
        and attn.rescale_output_factor == 1
        and not attn.residual_connection
        and not attn.norm_cross
        and all(
            getattr(attn, name, None) is None
            for name in ("group_norm", "spatial_norm", "norm_q", "norm_k", "added_kv_proj_dim")
        )
        and not any(isinstance(m, nn.Dropout) and m.p and m.training for m in attn.modules())
    )
