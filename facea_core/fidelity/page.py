"""The outcome as a page to look at: tables with bars, and everybody in every arm."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from .arms import REFERENCE
from .judge import MEASURES
from .outcome import Result, cell, shown
from .subjects import Subject

GIVEN = "given"
"""The folder of pictures that no arm made."""

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 90rem; color: #222; }
table { border-collapse: collapse; margin: 1rem 0 2rem; }
th, td { padding: .25rem .7rem; text-align: left; border-bottom: 1px solid #ddd; }
td { white-space: nowrap; }
td.clear { font-weight: 600; }
.bar { display: inline-block; height: .6rem; background: #4a7fb5; vertical-align: middle; }
img { width: 96px; height: 96px; display: block; object-fit: cover; }
.people td, .people th { padding: 2px 4px; border: 0; }
small { color: #666; }
"""


def page(found: Sequence[Result], subjects: Sequence[Subject], folder: Path, scenes: int) -> str:
    """HTML beside the `pictures` folder, with the first `scenes` scenes of every person."""
    columns = shown(found)
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><title>FaceA-Bench</title>",
        f"<style>{STYLE}</style><h1>FaceA-Bench</h1>",
        "<p>Every picture here is generated. Means over people, with 95 % intervals.</p>",
        _table(found, columns, against=False),
        f"<h2>Less <code>{REFERENCE}</code>, in the same people</h2>",
        _table([r for r in found if r.arm != REFERENCE], columns, against=True),
        "<h2>Columns</h2><ul>",
        *(f"<li><code>{m}</code>: {escape(MEASURES[m])}</li>" for m in columns),
        "</ul><h2>Arms</h2><ul>",
        *(f"<li><code>{r.arm}</code>: {escape(r.about)}</li>" for r in found),
        "</ul><h2>Pictures</h2>",
        *(_person(found, subject, folder, scenes) for subject in subjects),
    ]
    return "\n".join(parts) + "</html>\n"


def _table(found: Sequence[Result], columns: Sequence[str], *, against: bool) -> str:
    head = "".join(f"<th>{m}</th>" for m in columns)
    rows = [f"<table><tr><th>arm</th><th></th>{head}</tr>"]
    for r in found:
        estimates = r.differences if against else r.measures
        wide = 0 if against else round(120 * max(r.measures["heldout"].mean, 0))
        cells = "".join(
            f"<td{' class=clear' if against and estimates[m].clear else ''}>"
            f"{cell(estimates[m], signed=against).replace('**', '')}</td>"
            for m in columns
        )
        bar = f'<span class=bar style="width:{wide}px"></span>'
        rows.append(f"<tr><th>{r.arm}</th><td>{bar}</td>{cells}</tr>")
    return "".join(rows) + "</table>"


def _person(found: Sequence[Result], subject: Subject, folder: Path, count: int) -> str:
    scenes = range(min(count, len(subject.scenes)))
    rows = [
        f"<h3>{escape(subject.name)} <small>{escape(subject.caption)}</small></h3>"
        "<table class=people>",
        _row("photos", [f"photo-{i}" for i in range(len(subject.photos))], subject, folder),
        _row("painted into", [f"context-{i}" for i in scenes], subject, folder),
        _row("best possible", [f"answer-{i}" for i in scenes], subject, folder),
        *(_row(r.arm, [f"{i}" for i in scenes], subject, folder) for r in found),
    ]
    return "".join(rows) + "</table>"


def _row(what: str, files: Sequence[str], subject: Subject, folder: Path) -> str:
    of = what if files and files[0].isdigit() else GIVEN
    paths = [Path("pictures") / of / f"{subject.name}-{file}.png" for file in files]
    there = [path.as_posix() for path in paths if (folder / path).exists()]
    cells = "".join(f'<td><img loading=lazy src="{path}"></td>' for path in there)
    return f"<tr><th>{escape(what)}</th>{cells}</tr>" if cells else ""
