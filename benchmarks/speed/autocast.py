"""CUDA's autocast, as accelerate puts it around a model; and on paper, to count its kernels."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_map

_LOWER = {
    F.linear, F.scaled_dot_product_attention, torch.conv2d, torch.matmul,
    torch.bmm, torch.baddbmm, torch.addmm, Tensor.matmul, Tensor.__matmul__, Tensor.bmm,
}  # fmt: skip
_FULL = {
    torch.group_norm, torch.layer_norm, torch.softmax, Tensor.softmax, torch.pow, Tensor.pow,
    torch.exp, torch.log, torch.sum, Tensor.sum,
}  # fmt: skip
_WIDEST = {torch.cat, torch.stack}


@contextmanager
def autocast(device: torch.device, dtype: torch.dtype) -> Iterator[None]:
    """Mixed precision with `dtype` for products; nothing for float32."""
    if dtype == torch.float32:
        yield
    elif device.type == "meta":
        with _OnPaper(dtype):
            yield
    else:
        with torch.autocast(device.type, dtype):
            yield


class _OnPaper(TorchFunctionMode):
    """The casts that autocast makes on CUDA, for tensors that are nowhere.

    As documented in PyTorch's "CUDA Op-Specific Behavior", for the ops that diffusion models use.
    """

    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        self.dtype = dtype

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        dtype = None
        if func in _LOWER:
            dtype = self.dtype
        elif func in _FULL or (func in _WIDEST and torch.float32 in {x.dtype for x in args[0]}):
            dtype = torch.float32
        if dtype is not None:
            args, kwargs = tree_map(lambda value: _cast(value, dtype), (args, kwargs))
        return func(*args, **kwargs)


def _cast(value: Any, dtype: torch.dtype) -> Any:
    is_number = isinstance(value, Tensor) and value.is_floating_point()
    return value.to(dtype) if is_number and value.dtype != dtype else value
