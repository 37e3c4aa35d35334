"""The outcome as a page to look at: a chart, everybody in every arm, and the tables."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from .arms import REFERENCE
from .metrics import MEASURES
from .subjects import Subject
from .tables import Estimate, Result, cell, shown

GIVEN = "given"
"""The folder of pictures that no arm made."""
MAIN = "heldout"
"""The measure of the chart."""

_OPEN = 3  # people whose pictures are shown at once
_WIDE = 420

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; padding: 0 2rem; color: #222;
       max-width: 90rem; background: #fcfbf8; }
table { border-collapse: collapse; margin: .5rem 0 1.5rem; }
th, td { padding: .2rem .6rem; text-align: left; border-bottom: 1px solid #e4e2dc; }
.wide { overflow-x: auto; font-size: 13px; }
.wide td { white-space: nowrap; }
td.clear { font-weight: 600; }
.people td, .people th { padding: 2px; border: 0; font-size: 12px; font-weight: normal;
                         vertical-align: bottom; width: 96px; line-height: 1.2; }
.people th.ours { font-weight: 700; }
img { width: 96px; height: 96px; display: block; object-fit: cover; }
small, .about { color: #77736a; }
"""


def page(found: Sequence[Result], subjects: Sequence[Subject], folder: Path, scenes: int) -> str:
    """HTML beside the `pictures` folder, with the first `scenes` scenes of every person."""
    columns = shown(found)
    people = [_person(found, subject, folder, scenes) for subject in subjects]
    rest = people[_OPEN:]
    count = max((r.measures[MAIN].people for r in found), default=0)
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><title>FaceA-Bench</title>",
        f"<style>{STYLE}</style><h1>FaceA-Bench</h1>",
        f"<p>Every picture here is generated. {MEASURES[MAIN].capitalize()}: mean over {count} "
        "people with its 95 % interval.</p>",
        _chart(found),
        *people[:_OPEN],
        f"<details><summary>{len(rest)} more people</summary>{''.join(rest)}</details>"
        if rest else "",
        "<h2>All measures</h2>",
        _table(found, columns, against=False),
        f"<h2>Less <code>{REFERENCE}</code>, in the same people</h2>",
        "<p>Bold where the interval leaves out 0.</p>",
        _table([r for r in found if r.arm != REFERENCE], columns, against=True),
        "<ul>",
        *(f"<li><code>{m}</code>: {escape(MEASURES[m])}</li>" for m in columns),
        "</ul>",
    ]  # fmt: skip
    return "\n".join(parts) + "</html>\n"


def _chart(found: Sequence[Result]) -> str:
    rows = []
    for r in found:
        e = r.measures[MAIN]
        rows.append(
            f"<tr><th>{escape(r.arm)}</th><td>{_whisker(e)}</td><td>{e.mean:.2f}</td>"
            f"<td class=about>{escape(r.about)}</td></tr>"
        )
    return f"<table>{''.join(rows)}</table>"


def _whisker(e: Estimate) -> str:
    """A bar from 0 to the mean, with the interval on it; likeness below 0 is drawn as 0."""
    mean, low, high = (max(value, 0) * _WIDE if value == value else None for value in e[:3])
    bar = f'<rect y="5" height="10" width="{mean or 0:.0f}" fill="#4a7fb5"/>'
    line = "" if low is None or high is None else (
        f'<path d="M{low:.0f} 10H{high:.0f}M{low:.0f} 6v8M{high:.0f} 6v8" stroke="#222"/>'
    )  # fmt: skip
    return f'<svg width="{_WIDE}" height="20">{bar}{line}</svg>'


def _table(found: Sequence[Result], columns: Sequence[str], *, against: bool) -> str:
    head = "".join(f"<th>{m}</th>" for m in columns)
    rows = [f"<div class=wide><table><tr><th>arm</th>{head}</tr>"]
    for r in found:
        estimates = r.differences if against else r.measures
        cells = "".join(
            f"<td{' class=clear' if against and estimates[m].clear else ''}>"
            f"{cell(estimates[m], signed=against).replace('**', '')}</td>"
            for m in columns
        )
        rows.append(f"<tr><th>{escape(r.arm)}</th>{cells}</tr>")
    return "".join(rows) + "</table></div>"


def _person(found: Sequence[Result], subject: Subject, folder: Path, count: int) -> str:
    """Photos, then a row per scene: what was painted into, the best there could be, every arm."""
    given = [(GIVEN, f"photo-{i}") for i in range(len(subject.photos))]
    answered = any(scene.answer is not None for scene in subject.scenes)
    names = ["painted into", *["best possible"] * answered, *(r.arm for r in found)]
    head = "".join(
        f"<th{' class=ours' if n == REFERENCE else ''}>{escape(n)}</th>" for n in names
    )  # fmt: skip
    rows = []
    for i in range(min(count, len(subject.scenes))):
        files = [(GIVEN, f"context-{i}"), *[(GIVEN, f"answer-{i}")] * answered]
        files += [(r.arm, f"{i}") for r in found]
        rows.append(_row(files, subject, folder))
    return (
        f"<h3>{escape(subject.name)} <small>{escape(subject.caption)}</small></h3>"
        f"<table class=people>{_row(given, subject, folder)}</table>"
        f"<table class=people><tr>{head}</tr>{''.join(rows)}</table>"
    )


def _row(files: Sequence[tuple[str, str]], subject: Subject, folder: Path) -> str:
    cells = []
    for where, name in files:
        path = Path("pictures") / where / f"{subject.name}-{name}.png"
        there = f'<img loading=lazy src="{path.as_posix()}">' if (folder / path).exists() else ""
        cells.append(f"<td>{there}</td>")
    return f"<tr>{''.join(cells)}</tr>"
