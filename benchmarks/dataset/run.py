"""Every task, what of it is not done yet; then the tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from facea_core.cli.talk import say
from facea_core.errors import ConfigError, quoted
from facea_core.io.files import atomic_path
from facea_core.io.output_files import require_writable_folder

from ..likeness.config import BenchmarkConfig
from ..likeness.journal import Row, read_rows
from . import bias, choice, downstream, sets
from .bench import Bench, Task
from .form import Sets

TASKS: Mapping[str, Task] = {
    one.name: one for one in (downstream.TASK, sets.TASK, choice.TASK, bias.TASK)
}


def run(flags: Sets) -> None:
    """Whatever is not done yet, then the tables of all that is in the folder."""
    tasks = tasks_named(flags.tasks)
    require_writable_folder(flags.out)
    bench = Bench(flags, BenchmarkConfig(part=flags.part).share)
    for task in tasks:
        task.work(bench)
    text = tables(read_rows(flags.out))
    with atomic_path(flags.out / "table.md") as temporary:
        temporary.write_text(text, "utf-8")
    say(text)


def tasks_named(names: str) -> list[Task]:
    """Raises ConfigError for a task that there is not."""
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    for name in wanted:
        if name not in TASKS:
            raise ConfigError(f"there is no task {quoted(name)}; choose among {', '.join(TASKS)}")
    return [TASKS[name] for name in wanted]


def tables(rows: Sequence[Row]) -> str:
    """The table of each task of which something was measured."""
    texts = []
    for name, task in TASKS.items():
        mark = f"{name}: "
        some = [{**row, "arm": row["arm"].removeprefix(mark)} for row in rows
                if row["arm"].startswith(mark)]  # fmt: skip
        if some:
            texts.append(f"## {name}\n\n{task.table(some)}\n")
    return "\n".join(texts)
