"""What became of everybody, in words: a line, and a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ..errors import shortened
from .reading import FAILED, FOUND, TRAINED, Learned


def learned_line(one: Learned) -> str:
    """What became of one person."""
    if one.error:
        return f"{one.state}: {one.error}"
    if one.state == FOUND:
        return f"{one.state}: {one.file}"
    since = f", from step {one.resumed_from} on" if one.resumed_from else ""
    return f"{one.state}, {one.steps} steps in {one.seconds:.0f} s{since}: {one.file}"


def people_line(everybody: Sequence[Learned]) -> str:
    """How many were trained, found and failed, and why."""
    counts = Counter(one.state for one in everybody)
    said = [f"{counts[state]} {state}" for state in (TRAINED, FOUND, FAILED) if counts[state]]
    why = [f"{one.name}: {shortened(one.error)}" for one in everybody if one.error]
    return "; ".join([", ".join(said), *why])


def people_table(everybody: Sequence[Learned]) -> str:
    """A row for each, the columns as wide as they have to be; the last says why, or where."""
    rows = [("name", "state", "photos", "steps", "seconds", "loss", "")]
    for one in everybody:
        loss = "" if one.loss is None else f"{one.loss:.3f}"
        steps = f"{one.steps}, from {one.resumed_from}" if one.resumed_from else str(one.steps)
        figures = (str(one.photos), steps, f"{one.seconds:.1f}", loss)
        rows.append((one.name, one.state, *figures, one.error or one.file))
    return "\n".join(aligned(rows))


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as lines, in which the columns are as wide as they have to be."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
