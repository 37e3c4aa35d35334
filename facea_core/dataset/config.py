"""The settings of a set of pictures: one source for the node's inputs and the CLI's flags."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import ConfigError
from ..settings import check_settings, setting

AXES = "yaw; scale; light; backdrop; expression: neutral, smiling, open mouth"
"""What varies where nothing else is said."""

MOST = 10_000
"""Pictures of one person."""


@dataclass(frozen=True)
class DatasetConfig:
    """What is asked of the pictures of each person. Raises ConfigError for a value out of range.

    `lower` and `upper` are cosines of a picture's face to the mean of the person's photos; 0 = as
    measured on the photos of everybody, see `enrolled.band_of`.
    """

    count: int = setting(25, "pictures of each person", 1, MOST)
    axes: str = setting(
        AXES, "what varies, between semicolons: yaw, roll, scale, light, backdrop as the host "
        "pictures have them, quality, or any name with words for the prompt: hat: none, a red hat",
    )  # fmt: skip
    tries: int = setting(
        3, "paintings for each picture wanted; as many again where none passes", 1, 50
    )
    lower: float = setting(
        0.0, "least likeness to the person's photos, a cosine; 0 = measured", 0, 1
    )
    upper: float = setting(
        0.0, "most likeness, above which a picture is a copy; 0 = measured", 0, 1
    )
    margin: float = setting(
        0.1, "how much more like the person than like anybody else of the set, as cosines", 0, 1
    )
    extra: float = setting(
        0.0, "more pictures than are kept, as a share, to choose different ones from", 0, 2
    )
    strict: bool = setting(False, "reject pictures in which another level is read than was asked")
    seed: int = setting(0, "seed of the grid and of the noise", 0, 2**64 - 1)

    def __post_init__(self) -> None:
        check_settings(self)
        if self.lower and self.upper and self.lower >= self.upper:
            raise ConfigError(
                f"lower is {self.lower} and upper {self.upper}; the lower limit of likeness must "
                "be below the upper"
            )
