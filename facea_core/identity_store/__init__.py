"""Identities on disk, and trainings not finished: shared by any number of processes."""

from typing import TYPE_CHECKING

from ..late import door

if TYPE_CHECKING:
    from .store import find_trained, train_once

__getattr__ = door(__name__, {"store": ("find_trained", "train_once")})

__all__ = ["find_trained", "train_once"]
