"""An audit for people and programs: a table, text, images, JSON."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from textwrap import wrap
from typing import Any

from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from ..detection.preview import draw_faces
from ..io.images import from_pil, to_pil
from ..types import FaceAttributes
from .values import AMBER, GREEN, RED, Audit, Finding, PhotoAudit

COLOURS = {GREEN: "#2e9e4f", AMBER: "#d98e04", RED: "#cc2f3b"}
_LONGEST, _MANY, _SHORTER = 640, 24, 320
_NARROWEST = 320
_FRAME = 8
_FONT = 20
_LINE = 26
_PAPER, _INK = "#fcfbf8", "#222226"
_CONSOLE = 100
"""Columns that the text for a console fits into."""
_SAID = 4
"""So many photos the short line names, each with so many words as it takes; the table has all."""

_SHORT = {
    "no_face": "no face",
    "small_face": "face too small",
    "blur": "blurred",
    "dark": "too dark",
    "bright": "too bright",
    "flat": "little contrast",
    "missing_part": "a part is hidden",
    "estimated_part": "a part was estimated",
    "several_faces": "several faces",
    "cut_face": "face at the border",
    "duplicate": "same as {twin}",
    "alike": "much like {twin}",
    "stranger": "somebody else?",
    "unreadable": "cannot be read",
}
"""By check: what is wrong, in a word or three; `twin` is the photo that is most like this one."""

_COLUMNS = ("photo", "verdict", "face", "blur", "light", "yaw", "roll", "likeness", "reasons")


def audit_table(audit: Audit) -> str:
    """One row per photo and what is said of the set, as Markdown that reads well as plain text."""
    rows = [_COLUMNS, *(_row(photo) for photo in audit.photos)]
    # The last column is as wide as it is: padding it would wrap every line of a preview.
    widths = [max(len(row[i]) for row in rows) for i in range(len(_COLUMNS) - 1)] + [7]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    said = [f"- {said}" for said in _of_the_set(audit)]
    return "\n".join([*lines, "", *said]).rstrip()


def audit_text(audit: Audit, ink: Callable[[str], str] = str) -> str:
    """A line per photo with its reasons below, and what is said of the set, in 100 columns.

    `ink` may wrap the verdicts "red", "amber" and "green" in what colours them.
    """
    rows = [_COLUMNS[1:-1], *(_figures(photo) for photo in audit.photos)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    longest = max(len(name) for name in (_COLUMNS[0], *(photo.name for photo in audit.photos)))
    first = min(longest, _CONSOLE - sum(widths) - 2 * len(widths))

    def line(name: str, figures: Sequence[str], ink: Callable[[str], str]) -> str:
        cells = [cell.ljust(width) for cell, width in zip(figures, widths, strict=True)]
        verdict, rest = figures[0], cells[0][len(figures[0]) :]
        return "  ".join([_cut(name, first).ljust(first), ink(verdict) + rest, *cells[1:]]).rstrip()

    lines = [line(_COLUMNS[0], rows[0], str)]
    for photo, figures in zip(audit.photos, rows[1:], strict=True):
        lines.append(line(photo.name, figures, ink))
        lines += [part for one in photo.findings for part in _item(one.text, "  ")]
    said = [part for one in _of_the_set(audit) for part in _item(one)]
    return "\n".join([*lines, *([""] if said else []), *said])


def audit_line(audit: Audit) -> str:
    """The audit in a line: "2 of 3 good · photo 2: somebody else?"; the most severe photos first.

    Good is what is green or amber, as in `Audit.good`.
    """
    told = [photo for status in (RED, AMBER) for photo in audit.photos if photo.status == status]
    good = len(audit.photos) - len(audit.red)
    parts = [f"{good} of {len(audit.photos)} good"]
    parts += [f"{photo.name}: {_in_short(photo, audit)}" for photo in told[:_SAID]]
    if len(told) > _SAID:
        parts.append(f"and {len(told) - _SAID} more")
    return " · ".join(parts)


def _in_short(photo: PhotoAudit, audit: Audit) -> str:
    twin, name = photo.measures.twin, "another photo"
    if twin is not None and twin not in audit.red:
        name = audit.photos[twin].name
    worst = [one.check for one in photo.findings if one.status == photo.status]
    return ", ".join(dict.fromkeys(_SHORT.get(check, check) for check in worst)).format(twin=name)


def audit_json(audit: Audit) -> dict[str, Any]:
    """The audit as plain values; what was not measured is null. `twin` counts from 0."""
    return {
        "status": audit.status,
        "good": audit.good,
        "photos": [
            {
                "name": photo.name,
                "status": photo.status,
                "findings": [asdict(finding) for finding in photo.findings],
                "measures": {k: _plain(v) for k, v in asdict(photo.measures).items()},
            }
            for photo in audit.photos
        ],
        "set": {
            "photos": len(audit.photos),
            "usable": len(audit.photos) - len(audit.red),
            "yaw_spread": _plain(audit.yaw_spread),
            "findings": [asdict(finding) for finding in audit.findings],
        },
        "notes": list(audit.notes),
    }


def draw_audit(
    images: Sequence[Tensor], found: Sequence[Sequence[FaceAttributes]], audit: Audit
) -> Iterator[Tensor]:
    """Each photo `(1, 3, H, W)` framed in its colour, its boxes drawn in, its reasons below.

    The longer side becomes 640 px, of more than 24 photos 320. All get a panel of the same height,
    so that images of one size make images of one size.
    """
    font = ImageFont.load_default(_FONT)
    longest = _SHORTER if len(images) > _MANY else _LONGEST
    pictures = [
        _fitted(to_pil(draw_faces(image, faces, names=False)), longest)
        for image, faces in zip(images, found, strict=True)
    ]
    texts = [
        _wrapped(photo, max(picture.width, _NARROWEST), font)
        for photo, picture in zip(audit.photos, pictures, strict=True)
    ]
    panel = _LINE * max(len(lines) for lines in texts) + 2 * _FRAME
    for photo, picture, lines in zip(audit.photos, pictures, texts, strict=True):
        colour = COLOURS[photo.status]
        page = Image.new(
            "RGB",
            (max(picture.width, _NARROWEST) + 2 * _FRAME, picture.height + panel + 2 * _FRAME),
            colour,
        )
        page.paste(picture, ((page.width - picture.width) // 2, _FRAME))
        top = _FRAME + picture.height
        draw = ImageDraw.Draw(page)
        draw.rectangle((_FRAME, top + _FRAME, page.width - _FRAME - 1, page.height - _FRAME - 1),
                       fill=_PAPER)  # fmt: skip
        for number, line in enumerate(lines):
            ink = colour if number == 0 else _INK
            draw.text((_FRAME + 6, top + _FRAME + 4 + number * _LINE), line, ink, font)
        yield from_pil(page)


def one_line(findings: Sequence[Finding]) -> str:
    """The findings' texts in a row; "good" for none."""
    return "; ".join(finding.text for finding in findings) or "good"


def _fitted(picture: Image.Image, longest: int) -> Image.Image:
    factor = longest / max(picture.size)
    size = (max(round(picture.width * factor), 1), max(round(picture.height * factor), 1))
    return picture.resize(size, Image.Resampling.LANCZOS)


def _wrapped(
    photo: PhotoAudit, width: int, font: ImageFont.FreeTypeFont | ImageFont.ImageFont
) -> list[str]:
    """Name and verdict, then the reasons, in lines of at most `width` pixels."""
    texts = [f"{photo.name}: {photo.status}"]
    texts += [f"- {finding.text}" for finding in photo.findings]
    lines = []
    for text in texts:
        line = ""
        for word in text.split():
            longer = f"{line} {word}".strip()
            if line and font.getlength(longer) > width - 12:
                lines.append(line)
                longer = f"   {word}"
            line = longer
        lines.append(line)
    return lines


def _of_the_set(audit: Audit) -> list[str]:
    return [*(f"{finding.status}: {finding.text}" for finding in audit.findings), *audit.notes]


def _item(text: str, indent: str = "") -> list[str]:
    """The lines of a list item; names of files are not broken at their hyphens."""
    return wrap(
        text,
        _CONSOLE,
        initial_indent=f"{indent}- ",
        subsequent_indent=f"{indent}  ",
        break_on_hyphens=False,
    )


def _cut(name: str, most: int) -> str:
    """The name, without its middle where it is longer than `most`."""
    half = (most - 3) // 2
    return name if len(name) <= most else f"{name[: most - 3 - half]}...{name[-half:]}"


def _row(photo: PhotoAudit) -> tuple[str, ...]:
    reasons = one_line(photo.findings).replace("|", "/")
    return (photo.name.replace("|", "/"), *_figures(photo), reasons)


def _figures(photo: PhotoAudit) -> tuple[str, ...]:
    """The verdict and what was measured, as the columns between name and reasons."""
    one = photo.measures
    return (
        photo.status,
        "-" if one.face_px is None else f"{one.face_px} px",
        _figure(one.blur),
        _figure(one.brightness),
        _figure(one.yaw, 0),
        _figure(one.roll, 0),
        _figure(one.likeness),
    )


def _figure(value: float | None, digits: int = 2) -> str:
    return "-" if value is None or not math.isfinite(value) else f"{value:.{digits}f}"


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 4) if math.isfinite(value) else None
    return list(value) if isinstance(value, tuple) else value
