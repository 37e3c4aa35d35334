"""Attention for training: no kernel that does nothing, and the backend that is fastest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
import torch.nn.functional as F
from diffusers.models.attention_processor import Attention
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from ..identity.lora import project

BACKENDS = (
    SDPBackend.CUDNN_ATTENTION,
    SDPBackend.FLASH_ATTENTION,
    SDPBackend.EFFICIENT_ATTENTION,
)
_TRIES = 5


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
            self.choices[shape] = fastest_backend(q, k, v)
        choice = self.choices.get(shape)
        return nullcontext() if choice is None else sdpa_kernel(choice)


def fastest_backend(q: Tensor, k: Tensor, v: Tensor) -> SDPBackend | None:
    """Which of `BACKENDS` takes least time for tensors like these, forward and backward.

    None if none of them can. Waits for the device.
    """
    seconds: dict[SDPBackend, float] = {}
    for backend in BACKENDS:
        q, k, v = inputs = [x.detach().clone().requires_grad_() for x in (q, k, v)]
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        try:
            with sdpa_kernel(backend):
                for turn in range(_TRIES + 1):
                    if turn == 1:
                        start.record()
                    out = F.scaled_dot_product_attention(q, k, v)
                    torch.autograd.grad(out.sum(), inputs)
        except RuntimeError:  # it cannot do this shape or dtype on this card
            continue
        end.record()
        end.synchronize()
        seconds[backend] = start.elapsed_time(end)
    return min(seconds, key=lambda backend: seconds[backend]) if seconds else None


def _is_plain(attn: nn.Module) -> bool:
    """Whether `LeanAttention` does all that this layer's own processor would."""
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
