"""What the audit of photos asks for, and from where on it complains."""

from __future__ import annotations

from dataclasses import dataclass

from ..settings import check_settings, setting
from .values import AMBER, GREEN, RED

POLICIES = ("warn", "skip", "stop")

EMBEDDERS = ("auto", "landmarks", "tiny", "none")
"""The face recognition models, by name."""

# Where the defaults come from: 8 photographs and 60 synthetic faces, measured as they are and with
# faults; tests/bench/bench_audit.py shows what they catch in others.
# blur: sharp photographs measure 0.29 to 0.41, synthetic faces 0.27 to 0.41; blurred by 0.5 % of
#   the face's width photographs 0.43 to 0.56, by 1 % 0.61 to 0.71, by 1.5 % 0.73 to 0.80; synthetic
#   faces by 2 % 0.39 to 0.59, by 4 % 0.59 to 0.76.
# dark: the brightest twentieth of a lit face lies at 0.48 and above for the darkest drawn skin,
#   at 0.58 and above in photographs; four stops darker at 0.14 to 0.21.
# bright: up to 4 % of a synthetic face is white, nothing of a photographed one; photographs twice
#   as bright have 4 to 62 %.
# contrast: from 0.32 on in photographs, from 0.25 in synthetic faces.
# duplicate: copies in other sizes, light, compression reach 0.98 as a whole; as faces, cut
#   otherwise, 0.93 to 0.99; different photos of one person 0.72 at most, painted ones 0.96.
# face: a crop for learning shows the face over 0.4 of its side: at 0.2 it is seen twice enlarged.
# yaw: measured again on copies of a photo it differs by 1 to 4 degrees.


@dataclass(frozen=True)
class Limits:
    """From where on a measure makes a photo amber (usable, another would be better), and red."""

    amber: float
    red: float

    def below(self, value: float) -> str:
        """The status by a measure of which more is better."""
        return RED if value < self.red else AMBER if value < self.amber else GREEN

    def above(self, value: float) -> str:
        """The status by a measure of which less is better."""
        return RED if value > self.red else AMBER if value > self.amber else GREEN


@dataclass(frozen=True)
class AuditConfig:
    """Raises ConfigError for a value that is unknown or out of range.

    Each limit is a setting of its own, for flags and JSON; what judges by them takes the pairs.
    """

    policy: str = setting(
        "skip",
        "what to do with red photos: only warn, skip them, or stop with an error",
        choices=POLICIES,
    )
    resolution: int = setting(
        512, "native resolution of the model to train, in pixels; facea-tiny: 128", 64, 4096
    )
    small_face: float = setting(0.2, "face side as a fraction of the resolution: amber below", 0, 1)
    tiny_face: float = setting(0.1, "face side as a fraction of the resolution: red below", 0, 1)
    soft: float = setting(0.52, "blur of the face: amber above", 0.0, 1.0)
    blurred: float = setting(0.68, "blur of the face: red above", 0.0, 1.0)
    dim: float = setting(0.30, "brightness of the brightest 5 % of the face: amber below", 0.0, 1.0)
    dark: float = setting(0.20, "brightness of the brightest 5 % of the face: red below", 0.0, 1.0)
    bright: float = setting(0.15, "fraction of the face that is white: amber above", 0.0, 1.0)
    white: float = setting(0.45, "fraction of the face that is white: red above", 0.0, 1.0)
    flat: float = setting(0.12, "range from dark to light in the face: amber below", 0.0, 1.0)
    alike: float = setting(0.96, "similarity of two face crops: amber above", 0.0, 1.0)
    duplicate: float = setting(
        0.975, "similarity of two images: the worse one is red above", 0.0, 1.0
    )
    yaw_spread: float = setting(
        4.0, "degrees of yaw between the leftmost and the rightmost view: amber below", 0, 90
    )

    def __post_init__(self) -> None:
        check_settings(self)

    @property
    def face(self) -> Limits:
        """Of the longer side of the face, in pixels."""
        amber, red = (round(share * self.resolution) for share in (self.small_face, self.tiny_face))
        return Limits(amber, red)

    @property
    def blur(self) -> Limits:
        return Limits(self.soft, self.blurred)

    @property
    def light(self) -> Limits:
        """Of the brightest twentieth of the face."""
        return Limits(self.dim, self.dark)

    @property
    def clipped(self) -> Limits:
        """Of the share of the face that is white."""
        return Limits(self.bright, self.white)

    @property
    def likeness(self) -> Limits:
        """Of two images to each other."""
        return Limits(self.alike, self.duplicate)
