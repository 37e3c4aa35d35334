"""What an audit says."""

from __future__ import annotations

from dataclasses import dataclass

GREEN, AMBER, RED = "green", "amber", "red"
STATUSES = (GREEN, AMBER, RED)


def worst(statuses: list[str]) -> str:
    """The most severe of some statuses; green for none."""
    return max(statuses, key=STATUSES.index, default=GREEN)


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: `check` names it for programs, `text` says it, with the value and
    what to do. `status` is amber or red."""

    check: str
    status: str
    text: str


@dataclass(frozen=True)
class Measures:
    """What was measured in a photo; None where there was nothing to measure.

    `face_px` longer side of the face in pixels; `blur` 0 sharp to 1; `brightness` mean, `bright`
    95th percentile, `clipped` share of white, `contrast` 5th to 95th percentile of the face's luma
    in [0, 1]; `yaw` and `roll` in degrees, positive to the image's right and clockwise;
    `likeness` mean cosine with the other photos' faces; `twin` number (from 0) of the photo that is
    most like this one and `twin_alike` how alike, in [-1, 1]; `colourless` of the whole photo.
    """

    faces: int = 0
    face_px: int | None = None
    blur: float | None = None
    brightness: float | None = None
    bright: float | None = None
    clipped: float | None = None
    contrast: float | None = None
    yaw: float | None = None
    roll: float | None = None
    missing: tuple[str, ...] = ()
    estimated: tuple[str, ...] = ()
    likeness: float | None = None
    twin: int | None = None
    twin_alike: float | None = None
    colourless: bool = False


@dataclass(frozen=True)
class PhotoAudit:
    """One photo's verdict."""

    name: str
    findings: tuple[Finding, ...]
    measures: Measures

    @property
    def status(self) -> str:
        return worst([finding.status for finding in self.findings])


@dataclass(frozen=True)
class Audit:
    """All photos' verdicts and what is wrong with them as a set.

    `yaw_spread` is the range of the photos' yaw in degrees, None where fewer than two are known.
    """

    photos: tuple[PhotoAudit, ...]
    findings: tuple[Finding, ...]
    yaw_spread: float | None = None
    notes: tuple[str, ...] = ()

    @property
    def red(self) -> tuple[int, ...]:
        """The numbers, from 0, of the red photos."""
        return tuple(i for i, photo in enumerate(self.photos) if photo.status == RED)

    @property
    def good(self) -> bool:
        """Whether no photo is red."""
        return not self.red

    @property
    def status(self) -> str:
        """The most severe of all photos and of the set."""
        own = [finding.status for finding in self.findings]
        return worst([*own, *(photo.status for photo in self.photos)])
