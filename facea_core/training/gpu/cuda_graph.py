"""A step as one CUDA graph: thousands of kernels launched at once, instead of one by one."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import fields

import torch

from ...machine import is_out_of_memory
from ..draws import Draw
from ..state import Checkpoint
from .allocator import ASYNC, is_async

WARM_UP = 3
"""Steps before the capture: libraries choose their algorithms and get their workspaces there."""

_LOG = logging.getLogger(__name__)


class Captured:
    """Runs `step` on draws of one size: the first few as it is, the others as a replay of it.

    Each call is a step, also those before the capture, and none is lost if it fails: from then on
    they all run as they are, and `mode` says why. A capture runs nothing, so the weights are still
    those of the step before. Everything that `step` changes must keep its place in memory. An
    out-of-memory error is passed on; `checkpoint` is told what it needs to know about whether the
    weights were changing then.
    """

    def __init__(self, step: Callable[[Draw], None], checkpoint: Checkpoint) -> None:
        self.step, self.checkpoint = step, checkpoint
        self.mode = "eager, before the capture"
        self.graph: torch.cuda.CUDAGraph | None = None
        self.inputs: Draw | None = None
        # One stream for all: libraries keep a workspace for each.
        self.stream = torch.cuda.Stream()
        self.seen = 0

    def __call__(self, draw: Draw) -> None:
        self.seen += 1
        if self.graph is None and self.seen == WARM_UP + 1:
            self._capture(draw)
        if self.graph is not None and self.inputs is not None:
            self.inputs.copy_(draw)
            self.checkpoint.whole = False
            self.graph.replay()
        elif self.seen <= WARM_UP:
            self._warm_up(draw)
        else:
            self.step(draw)

    def _warm_up(self, draw: Draw) -> None:
        # Beside the default stream, as a capture is.
        current = torch.cuda.current_stream()
        self.stream.wait_stream(current)
        with torch.cuda.stream(self.stream):
            self.step(draw)
        current.wait_stream(self.stream)

    def _capture(self, draw: Draw) -> None:
        inputs = Draw(**{spec.name: getattr(draw, spec.name).clone() for spec in fields(draw)})
        graph = torch.cuda.CUDAGraph()
        try:
            # Other threads of a host may go on using the device.
            with torch.cuda.graph(graph, capture_error_mode="thread_local"):
                self.step(inputs)
        except Exception as error:  # Triton and cuDNN have more kinds than RuntimeError
            if is_out_of_memory(error):
                raise
            reason = str(error).partition("\n")[0] or type(error).__name__
            self.mode = f"eager: the step could not be captured ({reason})"
            _LOG.warning("FaceA trains without a CUDA graph: %s", reason)
            torch.cuda.synchronize()
            return
        finally:
            self.checkpoint.whole = True  # a capture runs nothing
        self.graph, self.inputs, self.mode = graph, inputs, "captured"


def captured(
    step: Callable[[Draw], None], checkpoint: Checkpoint, device: torch.device, wanted: str
) -> tuple[Callable[[Draw], None], Callable[[], str]]:
    """`step` as a graph where it can be one, and how it is run; `wanted` is `config.capture`."""
    why = None
    if wanted == "off":
        why = "capture is off"
    elif device.type != "cuda":
        why = f"no CUDA graphs on {device.type}"
    elif is_async(device):
        why = f"{ASYNC} allows no CUDA graph"
    elif torch.version.hip:
        why = "HIP graphs have not been tried"
    if why is not None:
        return step, lambda: f"eager: {why}"
    graph = Captured(step, checkpoint)
    return graph, lambda: graph.mode
