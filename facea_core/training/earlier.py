"""Settings of training as earlier versions had them: gone, renamed, and not yet there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

RETIRED: Mapping[str, Any] = {
    "curriculum": 0.0,
    "outside_penalty": 0.0,
    "choose_every": 0,
    "patience": 0,
}
"""Settings of earlier versions, at the values at which they did nothing.

They count in `TrainConfig.hash`, so that what was trained before is found again.
"""

RENAMED: Mapping[str, str] = {"words_rate": "embedding_lr", "lora_rate": "lora_lr"}
"""Names of earlier versions, which may still be given, and those of today.

Files and hashes keep the earlier ones, so that what was trained before is found again.
"""

ADDED: Mapping[str, Any] = {"prior_extra": 0}
"""Settings that earlier versions did not have, at the values at which they do nothing.

There they do not count in `TrainConfig.hash`: what was trained before is found again.
"""

IN_FILES = {new: old for old, new in RENAMED.items()}
"""The names of today, and those that files have."""
