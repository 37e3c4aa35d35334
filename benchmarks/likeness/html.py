"""The outcome as a page to look at: a chart, everybody in every arm, and the tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from .arms import REFERENCE
from .metrics import MEASURES
from .subjects import Subject
from .tables import Result, cell, shown

GIVEN = "given"
"""The folder of pictures that no arm made."""
MAIN = "heldout"
"""The measure of the chart."""

_OPEN = 3  # people whose pictures are shown at once
_WIDE = 420


def page(found: Sequence[Result], subjects: Sequence[Subject], folder: Path, scenes: int) -> str:
    """HTML beside the `pictures` folder, with the first `scenes` scenes of every person."""
    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return templates.get_template("page.html").render(
        results=found,
        others=[result for result in found if result.arm != REFERENCE],
        people=[_person(found, subject, folder, scenes) for subject in subjects],
        count=max((result.measures[MAIN].people for result in found), default=0),
        columns=shown(found),
        about=MEASURES,
        main=MAIN,
        reference=REFERENCE,
        open=_OPEN,
        wide=_WIDE,
        cell=cell,
        pixels=_pixels,
    )


def _pixels(likeness: float) -> int | None:
    """Along the chart's bar, where below 0 is drawn as 0; None for NaN."""
    return round(max(likeness, 0) * _WIDE) if likeness == likeness else None


def _person(found: Sequence[Result], subject: Subject, folder: Path, count: int) -> dict[str, Any]:
    """Photos, then a row per scene: what was painted into, the best there could be, every arm."""

    def picture(where: str, name: str | int) -> str | None:
        path = Path("pictures") / where / f"{subject.name}-{name}.png"
        return path.as_posix() if (folder / path).exists() else None

    answered = any(scene.answer is not None for scene in subject.scenes)
    rows = []
    for i in range(min(count, len(subject.scenes))):
        given = [f"context-{i}", *[f"answer-{i}"] * answered]
        rows.append(
            [*(picture(GIVEN, name) for name in given), *(picture(r.arm, i) for r in found)]
        )
    return {
        "name": subject.name,
        "caption": subject.caption,
        "photos": [picture(GIVEN, f"photo-{i}") for i in range(len(subject.photos))],
        "columns": ["painted into", *["best possible"] * answered, *(r.arm for r in found)],
        "scenes": rows,
    }
