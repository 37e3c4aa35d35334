"""What the commands say: results to stdout, progress and notes to stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ..io.output_files import json_text, require_writable, write_json
from ..types import OnStep, OnTick, StepReport
from .spelling import spelt

# The time to go is the loop's own: a resumed run does not begin at zero.
TRAINING_BAR = "{desc} {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt}{postfix}"
_INKS = {"green": 32, "amber": 33, "red": 31}


def inked(verdict: str) -> str:
    """A verdict for stdout, in its colour on a terminal unless NO_COLOR is set."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    if plain or not sys.stdout.isatty():
        return verdict
    return f"\x1b[{_INKS[verdict]}m{verdict}\x1b[0m"


def say(text: str) -> None:
    print(spelt(text, sys.stdout))


def say_json(data: Mapping[str, Any]) -> None:
    print(json_text(data, sys.stdout.encoding or "utf-8"))


def note(text: str) -> None:
    """A line for people, apart from the result, above any progress bar."""
    tqdm.write(spelt(text, sys.stderr), file=sys.stderr)


def notes(about: str, texts: Sequence[str]) -> None:
    for text in texts:
        note(f"{about}: {text}")


def require_outputs(*paths: Path | None) -> None:
    """`require_writable` for flags: none and `-` (stdout) need no file."""
    require_writable(*(path for path in paths if str(path) != "-"))


def hand_over(data: Mapping[str, Any], path: Path | None) -> None:
    """Writes the JSON that `--json FILE` asked for; `-` is stdout."""
    if path is not None and str(path) == "-":
        say_json(data)
    elif path is not None:
        write_json(data, path)


@contextmanager
def bar(what: str, total: int, unit: str = "step") -> Iterator[tqdm]:
    """A progress bar with the time to go, on stderr, where a person is looking."""
    with tqdm(total=total, desc=what, unit=unit, disable=None, leave=False) as shown:
        yield shown


@contextmanager
def bytes_bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar for (bytes there, bytes in all)."""
    with tqdm(desc=what, unit="B", unit_scale=True, disable=None, leave=False) as shown:

        def on_bytes(done: int, total: int) -> None:
            shown.total = total
            shown.update(done - shown.n)

        yield on_bytes


@contextmanager
def training_bar(total: int) -> Iterator[tuple[OnStep, OnTick]]:
    """What a training is given to say how far it is: its steps, and before them its crops."""
    with tqdm(
        total=total, desc="training", disable=None, leave=False, bar_format=TRAINING_BAR
    ) as shown:

        def on_step(report: StepReport) -> None:
            to_go = tqdm.format_interval(report.eta)
            shown.set_postfix_str(f"loss {report.loss:.3f}, {to_go} to go", refresh=False)
            shown.update(report.step - shown.n)

        def on_encode(done: int, crops: int) -> None:
            shown.set_postfix_str(f"preparing the photos: crop {done + 1} of {crops}")

        yield on_step, on_encode


@contextmanager
def painting_bar(total: int) -> Iterator[Callable[[int, int], None]]:
    with bar("painting", total) as shown:
        yield lambda step, total: advance(shown, step, total)


@contextmanager
def stage_bars() -> Iterator[Callable[[str, int, int], None]]:
    """One bar after the other, for a flow of several stages."""
    with ExitStack() as stack:
        shown: dict[str, tqdm] = {}

        def on_progress(stage: str, done: int, total: int) -> None:
            if stage not in shown:
                stack.close()
                shown[stage] = stack.enter_context(tqdm(desc=stage, disable=None, leave=False))
            if total:
                advance(shown[stage], done, total)

        yield on_progress


def advance(shown: tqdm, done: int, total: int) -> None:
    shown.total = total
    shown.update(done - shown.n)
