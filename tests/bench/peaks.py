"""The most memory that a call holds: counted on torch's device "meta", or measured on the CPU."""

from __future__ import annotations

import gc
import json
import tempfile
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.profiler import ProfilerActivity, profile
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

BLOCK = 512
"""Sizes are rounded up to it, as CUDA's allocator does."""


def counted(work: Callable[[], object], known: list[Any]) -> int:
    """Most bytes alive at once while `work` runs on "meta"; `known` tensors are there already."""
    gc.collect()
    with torch.device("meta"), Meter(*known) as meter:
        work()
    return meter.peak


def measured(work: Callable[[], object]) -> int:
    """Most bytes that torch's CPU allocator gave out at once while `work` ran."""
    gc.collect()
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        work()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace.json"
        profiler.export_chrome_trace(str(path))
        events = json.loads(path.read_text())["traceEvents"]
    changes = [
        (event["ts"], event["args"]["Bytes"])
        for event in events
        if event.get("name") == "[memory]" and event["args"].get("Device Type") == 0
    ]
    live = peak = 0
    for _, change in sorted(changes, key=lambda pair: pair[0]):
        live += change
        peak = max(peak, live)
    return peak


class Meter(TorchDispatchMode):
    """Follows the bytes of every tensor on "meta" from birth to death; `peak` is their maximum."""

    def __init__(self, *known: Tensor) -> None:
        super().__init__()
        self.seen: weakref.WeakSet[Any] = weakref.WeakSet()
        self.live = 0
        self._watch(known)
        self.peak = self.start = self.live

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        self._watch(leaf for leaf in tree_leaves(out) if isinstance(leaf, Tensor))
        hidden = _layout_copies(str(func), args)
        self.peak = max(self.peak, self.live + hidden)
        return out

    def _watch(self, tensors: Any) -> None:
        for tensor in tensors:
            storage = tensor.untyped_storage()
            if tensor.device.type == "meta" and storage not in self.seen:
                self.seen.add(storage)
                size = -(-storage.nbytes() // BLOCK) * BLOCK
                self.live += size
                weakref.finalize(storage, self._gone, size)

    def _gone(self, size: int) -> None:
        self.live -= size


def _layout_copies(name: str, args: tuple[Any, ...]) -> int:
    """What a convolution with channels_last weights copies for itself."""
    if not name.startswith("aten.convolution"):
        return 0
    backward = "backward" in name
    *inputs, weight = args[:3] if backward else args[:2]
    last = torch.channels_last
    if not weight.is_contiguous(memory_format=last):
        return 0
    return sum(x.nbytes for x in inputs if not x.is_contiguous(memory_format=last))


@contextmanager
def no_math_attention(device: str) -> Iterator[None]:
    """On "meta" torch would take the way with L x L matrices, which no GPU takes."""
    before = F.scaled_dot_product_attention
    try:
        if device == "meta":
            F.scaled_dot_product_attention = _flash
        yield
    finally:
        F.scaled_dot_product_attention = before


def _flash(q: Tensor, k: Tensor, v: Tensor, *_: Any, is_causal: bool = False, **__: Any) -> Tensor:
    return torch.ops.aten._scaled_dot_product_flash_attention(q, k, v, 0.0, is_causal)[0]
