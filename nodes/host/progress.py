"""Progress on the node, and cancelling: ComfyUI raises its own exception when we report."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import comfy.model_management
import comfy.utils
from server import PromptServer
from torch import Tensor

from ...facea_core.io.images import to_pil

PREVIEW_SIDE = 512

Cancelled = comfy.model_management.InterruptProcessingException
"""What ComfyUI raises for a cancel: let it pass."""


class Progress:
    """A node's bar, its image and the line of text under it. Every call may raise a cancel.

    `done` is what was last reported.
    """

    def __init__(self, total: int, node_id: str | None) -> None:
        self.node_id = node_id
        self.done = 0
        self._said = 0.0
        self._bar = comfy.utils.ProgressBar(max(total, 1), node_id=node_id)

    def at(self, done: int, total: int, picture: Any = None) -> None:
        """`picture` is (format, PIL image, longest side) or None."""
        self.done = done
        # Also without a front end that listens, and before anything is drawn.
        comfy.model_management.throw_exception_if_processing_interrupted()
        self._bar.update_absolute(done, total, picture)

    def show(self, done: int, total: int, picture: Tensor) -> None:
        """The same with an image (1, 3, H, W)."""
        self.at(done, total, ("JPEG", to_pil(picture), PREVIEW_SIDE))

    def prepare(self, what: str, done: int, total: int) -> None:
        """Work that is not counted: the bar stays where it is, a line says how far it is."""
        self.alive()
        self._bar.update_absolute(self.done)
        if perf_counter() - self._said >= 1:
            self.say(f"{what}: {done} of {total}")

    def alive(self, *_: object) -> None:
        """For work that has no number of its own."""
        comfy.model_management.throw_exception_if_processing_interrupted()

    def say(self, text: str) -> None:
        self._said = perf_counter()
        say(text, self.node_id)


def say(text: str, node_id: str | None) -> None:
    """A line of text on the node, where the front end can show one."""
    server = PromptServer.instance
    if node_id is not None and hasattr(server, "send_progress_text"):
        server.send_progress_text(text, node_id)
