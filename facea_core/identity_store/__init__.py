"""Identities on disk, and trainings not finished: shared by any number of processes."""

from typing import TYPE_CHECKING

from ..late import door

if TYPE_CHECKING:
    from .shelf import put_in
    from .store import find_trained, train_once

__getattr__ = door(__name__, {"shelf": ("put_in",), "store": ("find_trained", "train_once")})

__all__ = ["find_trained", "put_in", "train_once"]
