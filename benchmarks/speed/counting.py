"""What a step does, counted: kernels, reads by the host, calls of the autoencoder, saved bytes.

Counts are the same on every machine and in every run, which seconds are not.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import astuple, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.optim.optimizer import (
    Optimizer,
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)
from torch.utils._python_dispatch import TorchDispatchMode

from facea_core.backbone import Backbone

# These only make room or rename; everything else that is no view starts a kernel.
_NO_KERNEL = (
    "empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided", "detach", "alias",
    "_unsafe_view", "_reshape_alias", "lift_fresh", "resize_", "record_stream",
)  # fmt: skip
_COPIES = ("_to_copy", "copy_")
_READS = ("_local_scalar_dense", "is_nonzero", "equal", "nonzero")


@dataclass(frozen=True)
class Counts:
    """Of one step. `kernels` are without the optimiser's, `saved` bytes kept for the backward pass.

    `reads` are moments at which the host waits for a value, `uploads` copies from it to the device.
    """

    kernels: int = 0
    optimiser: int = 0
    reads: int = 0
    uploads: int = 0
    vae: int = 0
    saved: int = 0

    def __sub__(self, other: Counts) -> Counts:
        pairs = zip(astuple(self), astuple(other), strict=True)
        return Counts(*(a - b for a, b in pairs))


class Tally(TorchDispatchMode):
    """Counts while it is entered; a `Watch` that keeps the counts of each step in `steps`.

    `updated` are the shapes of the parameters that an optimiser changed last.
    """

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.backbone = backbone
        self.now: dict[str, int] = dict.fromkeys(Counts.__dataclass_fields__, 0)
        self.steps: list[Counts] = []
        self.last = Counts()
        self.updating = False
        self.updated: list[torch.Size] = []
        self.kept: set[int] = set()
        self.stack = ExitStack()

    def __enter__(self) -> Tally:
        vae = self.backbone.vae
        for coder in (vae.encoder, vae.decoder):
            handle = coder.register_forward_pre_hook(lambda *_: self._add("vae"))
            self.stack.callback(handle.remove)
        for register, flag in (
            (register_optimizer_step_pre_hook, True),
            (register_optimizer_step_post_hook, False),
        ):
            self.stack.callback(register(self._update(flag)).remove)
        self.stack.enter_context(saved_tensors_hooks(self._save, lambda tensor: tensor))
        return super().__enter__()

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        self.stack.close()

    def call(self, func: Any, args: Any, kwargs: Any) -> Any:
        return func(*args, **kwargs)

    def start(self) -> None:
        self.last = Counts(**self.now)

    def enqueued(self) -> None:
        pass

    def tick(self, done: int) -> None:
        now = Counts(**self.now)
        self.steps.append(now - self.last)
        self.last = now
        self.kept.clear()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = self.call(func, args, kwargs or {})
        if func.namespace != "aten":
            return result
        name = func.overloadpacket.__name__
        starts = not func.is_view and name not in _NO_KERNEL
        source = target = ""
        if name in _COPIES:
            source, target = _device(args[name == "copy_" :]), _device((result,))
        if self.updating:
            # AdamW may count its steps in tensors on the CPU, and reads them there.
            self._add("optimiser", starts and name not in _READS)
        elif name in _READS or source != target == "cpu":
            self._add("reads")
        elif source != target and source == "cpu":
            self._add("uploads")
        elif starts:
            self._add("kernels")
        return result

    def _add(self, what: str, count: int = 1) -> None:
        self.now[what] += count

    def _update(self, flag: bool) -> Callable[..., None]:
        def hook(optimiser: Optimizer, *_: Any) -> None:
            self.updating = flag
            self.updated = [p.shape for group in optimiser.param_groups for p in group["params"]]

        return hook

    def _save(self, tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        is_weight = isinstance(tensor if tensor._base is None else tensor._base, nn.Parameter)
        if not is_weight and storage._cdata not in self.kept:
            self.kept.add(storage._cdata)
            self._add("saved", storage.nbytes())
        return tensor


def _device(values: Any) -> str:
    """Where the first tensor among the values is."""
    return next((value.device.type for value in values if isinstance(value, Tensor)), "")
