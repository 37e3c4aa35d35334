"""Everybody learned, every task painted in every arm, once; the tables, and a page of pictures."""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter

from tqdm import tqdm

from facea_core.cli.talk import say
from facea_core.io.files import atomic_path
from facea_core.io.generated_images import save_generated
from facea_core.io.hashes import sha256_of
from facea_core.io.output_files import require_writable_folder

from ..likeness.config import BenchmarkConfig
from ..likeness.journal import Journal, read_rows
from ..tasks import tables, tasks_named
from . import blend, edit, hair, heads, hints, mix, odd, parts, restore, second, slider, swap
from .bench import Bench, Task, Wanted
from .form import Control
from .page import page, picture

TASKS: Mapping[str, Task] = {
    "parts": parts.TASK, "heads": heads.TASK, "mix": mix.TASK, "blend": blend.TASK,
    "slider": slider.TASK, "edit": edit.TASK, "hair": hair.TASK, "second": second.TASK,
    "hints": hints.TASK, "swap": swap.TASK, "restore": restore.TASK,
    "odd": odd.TASK,
}  # fmt: skip


def run(flags: Control) -> None:
    """Whatever is not done yet, then the tables of all that is in the folder."""
    tasks = tasks_named(flags.tasks, TASKS)
    require_writable_folder(flags.out)
    number, count = BenchmarkConfig(part=flags.part).share
    bench = Bench(flags)
    about = {
        "backbone": bench.backbone.hash, "training": bench.config.hash, "first": flags.first,
    }  # fmt: skip
    if flags.judge is not None:
        _ = bench.probe  # says what is wrong with the file
        about["judge"] = sha256_of(flags.judge)
    journal = Journal(flags.out, about, number)
    mine = range(number - 1, flags.people, count)
    for index in tqdm(mine, desc="people", disable=None, leave=False):
        person = f"person-{index}"
        done = {(row["person"], row["arm"], row["scene"]) for row in read_rows(flags.out)}
        for name, task in tasks.items():
            began, mark = perf_counter(), f"{name}: "
            wanted = Wanted(mark, person, done)
            for arm, scene, image, figures in task.paint(bench, index, wanted):
                save_generated(image, flags.out / picture(name, arm, person, scene))
                journal.add({
                    "person": person, "arm": mark + arm, "scene": scene, **figures,
                    "seconds": perf_counter() - began,
                })  # fmt: skip
                began = perf_counter()
    rows = read_rows(flags.out)
    text = tables(rows, TASKS)
    for name, content in (("table.md", text), ("page.html", page(rows))):
        with atomic_path(flags.out / name) as temporary:
            temporary.write_text(content, "utf-8")
    say(text)
