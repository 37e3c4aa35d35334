"""What the bench is told, read without torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from facea_core.cli.flags import Form, flag


@dataclass(frozen=True)
class Control(Form):
    """Learn painted people, repaint single parts of other people's faces as theirs, and measure.

    May be stopped at any time; the same command goes on. The table tells of all in the folder.
    """

    out: Path = flag(Path("control"), "folder for identities, lines of figures and table.md", "DIR")
    people: int = flag(4, "people that are learned", min=2, max=1000)
    first: int = flag(0, "number of the first painted person", min=0, max=10**6)
    hosts: int = flag(4, "pictures of others that each is painted into", min=1, max=100)
    settings: str = flag("", 'changes of the tiny preset as JSON: {"local_ratio": 0.5}')
    part: str = flag("1/1", "2/3 = the second of three processes that share the work")
