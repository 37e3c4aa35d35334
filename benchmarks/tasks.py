"""What benches of several tasks share: which are asked for, and what their rows say."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeVar

from facea_core.errors import ConfigError, quoted

from .likeness.journal import Row


class Task(Protocol):
    """`table` makes Markdown of the rows of one task."""

    @property
    def table(self) -> Callable[[Sequence[Row]], str]: ...


T = TypeVar("T", bound=Task)


def tasks_named(names: str, known: Mapping[str, T]) -> dict[str, T]:
    """The tasks of a list with commas. Raises ConfigError for one that there is not."""
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    for name in wanted:
        if name not in known:
            raise ConfigError(f"there is no task {quoted(name)}; choose among {', '.join(known)}")
    return {name: known[name] for name in wanted}


def tables(rows: Sequence[Row], known: Mapping[str, Task]) -> str:
    """The table of each task of which something was measured: rows whose arm begins with it."""
    texts = []
    for name, task in known.items():
        mark = f"{name}: "
        some = [{**row, "arm": row["arm"].removeprefix(mark)} for row in rows
                if row["arm"].startswith(mark)]  # fmt: skip
        if some:
            texts.append(f"## {name}\n\n{task.table(some)}\n")
    return "\n".join(texts)
