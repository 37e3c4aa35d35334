"""Every task, what of it is not done yet; then the tables."""

from __future__ import annotations

from collections.abc import Mapping

from facea_core.cli.talk import say
from facea_core.io.files import atomic_path
from facea_core.io.output_files import require_writable_folder

from ..likeness.config import BenchmarkConfig
from ..likeness.journal import read_rows
from ..tasks import tables, tasks_named
from . import bias, choice, downstream, sets
from .bench import Bench, Task
from .form import Sets

TASKS: Mapping[str, Task] = {
    one.name: one for one in (downstream.TASK, sets.TASK, choice.TASK, bias.TASK)
}


def run(flags: Sets) -> None:
    """Whatever is not done yet, then the tables of all that is in the folder."""
    tasks = tasks_named(flags.tasks, TASKS)
    require_writable_folder(flags.out)
    bench = Bench(flags, BenchmarkConfig(part=flags.part).share)
    for task in tasks.values():
        task.work(bench)
    text = tables(read_rows(flags.out), TASKS)
    with atomic_path(flags.out / "table.md") as temporary:
        temporary.write_text(text, "utf-8")
    say(text)
