"""The settings of restoring: one source for flags and files."""

from __future__ import annotations

from dataclasses import dataclass

from ..settings import check_settings, setting


@dataclass(frozen=True)
class RestoreConfig:
    """How a photo is restored. Raises `ConfigError` for a value out of range."""

    strength: float = setting(
        0.7, "denoising strength: how much is painted anew; the photo's coarse colours stay",
        0.02, 1,
    )  # fmt: skip
    fidelity: float = setting(
        0.5, "how closely the result, damaged again, has to be the photo; 1 = what the photo says "
        "goes first, 0 = the person does", 0, 1,
    )  # fmt: skip

    def __post_init__(self) -> None:
        check_settings(self)
