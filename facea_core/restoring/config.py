"""The settings of restoring: one source for flags, widgets and files."""

from __future__ import annotations

from dataclasses import dataclass

from ..settings import check_settings, setting

KEEP, FREE = "keep", "free"


@dataclass(frozen=True)
class RestoreConfig:
    """How a photo is restored. Raises `ConfigError` for a value out of range."""

    strength: float = setting(
        0.0, "denoising strength: how much is painted anew; 0 = by the damage", 0, 1
    )
    fidelity: float = setting(
        0.5, "how closely the result, damaged again, has to be the photo; 1 = what the photo says "
        "goes first, 0 = the person does", 0, 1,
    )  # fmt: skip
    scale: int = setting(1, "how many times larger the result is than the photo", 1, 4)
    colour: str = setting(
        KEEP, "keep: a grey photo stays grey; free: its faces get the person's colours",
        choices=(KEEP, FREE),
    )  # fmt: skip
    only_worse_than: float = setting(
        1.0, "leave faces alone that still show more than this share of their detail; 1 = repair "
        "all", 0, 1,
    )  # fmt: skip
    grain: float = setting(0.0, "how much of the photo's noise is put back into the face", 0, 1)

    def __post_init__(self) -> None:
        check_settings(self)
