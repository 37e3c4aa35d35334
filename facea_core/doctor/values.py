"""What the doctor says: lines with a state and a remedy, as text and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

OK, NOTE, PROBLEM = "ok", "note", "problem"
"""All is well; works, with something to know; something will fail."""

_LONGEST = 500


@dataclass(frozen=True)
class Line:
    """One thing that was looked at; `remedy` says in a line what to do, empty where nothing is."""

    topic: str
    state: str
    text: str
    remedy: str = ""


def looked_at(topic: str, check: Callable[[], Iterable[Line]]) -> list[Line]:
    """The lines of a check; if it fails, a line that says so. Never raises."""
    found: list[Line] = []
    try:
        found.extend(check())
    # A broken installation fails in ways that nobody has listed; telling of it is the task.
    except Exception as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
        text = f"cannot be looked at: {reason[:_LONGEST]}"
        found.append(Line(topic, PROBLEM, text, "report this as a bug"))
    return found


def is_healthy(lines: Iterable[Line]) -> bool:
    """Whether there is no problem among the lines."""
    return all(line.state != PROBLEM for line in lines)


def doctor_table(lines: Sequence[Line]) -> str:
    """All lines to be read, a remedy below its line; the home folder is written ~."""
    return "\n".join(_rows(lines))


def doctor_json(lines: Sequence[Line]) -> dict[str, Any]:
    """The same as plain JSON values, for bug reports: `healthy`, and the lines in their order."""
    return {
        "healthy": is_healthy(lines),
        "lines": [{k: without_home(v) for k, v in asdict(line).items()} for line in lines],
    }


def doctor_summary(lines: Sequence[Line]) -> str:
    """How many problems and notes, in a line."""
    counts = [(sum(line.state == state for line in lines), state) for state in (PROBLEM, NOTE)]
    found = [f"{count} {state}{'s' * (count != 1)}" for count, state in counts if count]
    return ", ".join(found) or "all is well"


def without_home(text: str) -> str:
    """The text with ~ for the user's home folder, whose name is nobody's business."""
    try:
        home = str(Path.home())
    except (OSError, RuntimeError):
        return text
    return text.replace(home, "~") if len(home) > 1 else text


def _rows(lines: Sequence[Line]) -> Iterator[str]:
    for line in lines:
        yield without_home(f"{line.state:<8}{line.topic:<25}{line.text}")
        if line.remedy:
            yield without_home(f"{'':<33}-> {line.remedy}")
