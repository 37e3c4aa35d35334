"""What the bench is told, read without torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from facea_core.cli.flags import Form, flag

TASKS = (
    "parts", "heads", "mix", "blend", "slider", "edit", "hair", "second", "hints", "swap",
    "restore", "odd",
)  # fmt: skip


@dataclass(frozen=True)
class Control(Form):
    """Learn painted people, paint them in ways that ask for a selection, and measure what came out.

    May be stopped at any time; the same command goes on. The tables tell of all in the folder.
    """

    out: Path = flag(
        Path("control"), "folder for identities, lines of figures, table.md and page.html", "DIR"
    )
    tasks: str = flag(", ".join(TASKS), f"what is painted: {', '.join(TASKS)}")
    people: int = flag(4, "number of people to train", min=2, max=1000)
    first: int = flag(0, "number of the first painted person", min=0, max=10**6)
    hosts: int = flag(4, "pictures of others that each is painted into", min=1, max=100)
    preset: str = flag("tiny", "training preset: tiny or tiny-selective")
    settings: str = flag("", 'changes of the preset as JSON: {"local_ratio": 0.5}')
    judge: Path | None = flag(
        None, "another encoder to measure by, of `pretraining encoder --scale`; none = the one "
        "that chooses among candidates", "FILE",
    )  # fmt: skip
    part: str = flag("1/1", "2/3 = the second of three processes that share the work")
