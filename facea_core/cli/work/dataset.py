"""`facea dataset`: from trained people and host pictures to a set, its list and its README."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter

from tqdm import tqdm

from ...composing import ComposeConfig
from ...dataset.config import DatasetConfig
from ...dataset.formats import parse_formats, require_formats, require_own
from ...dataset.grid import axes_of
from ...dataset.measures import reasons_of
from ...dataset.plan import plan_set
from ...dataset.run import Outcome, Sampling, finish_set, sample_set
from ...dataset.sample import Shared, Unit
from ...engines import Engine, Serial, open_engine
from ...engines.place import default_workers
from ...errors import AssetError, shortened
from ...io.locks import locked
from ...io.output_files import require_writable_folder
from ..sampling import DatasetCommand
from ..talk import bar, note, notes, say
from .enrolled import enrolled, from_anywhere

_LOCK = ".lock"
"""Two programs that write one set would take each other's pictures away."""

_PER_PICTURE = 2.0
"""Paintings for each picture that is kept: what painted people took, see docs/dataset.md."""


def dataset(flags: DatasetCommand, config: DatasetConfig, composing: ComposeConfig) -> None:
    # Everything that can be wrong is found out before the hours of work.
    formats = parse_formats(flags.format)
    require_formats(formats)
    axes_of(config.axes)
    require_writable_folder(flags.out)
    require_own(flags.out, formats)
    engine = open_engine(flags.engine, flags.workers, flags.address)
    known = enrolled(flags, flags.out, flags.consent)
    models, model = known.models, known.key
    if flags.control is not None:
        control = from_anywhere(flags.control)
        models = replace(
            models, control=control, hint=flags.hint, control_strength=flags.control_strength
        )
        model = f"{model}, {Path(control).name} {flags.hint} {flags.control_strength:g}"
    shared, units = plan_set(
        known.people, known.hosts, known.tools.embedder.name, config, composing, known.resolution,
        model, flags.licence,
    )  # fmt: skip
    band = shared.band
    note(f"likeness from {band.lower:.3f} to {band.upper:.3f}, {band.source}")
    start = Sampling(models, shared, composing)
    if flags.dry_run:
        _foretell(flags, units, start)
        return
    with locked(flags.out / _LOCK) as ours:
        if not ours:
            raise AssetError(
                f"another set is being written into {shortened(flags.out)}; wait until it is done, "
                "or give another --out"
            )
        outcomes = _sampled(flags.out, shared, units, engine, start)
        summary, about = finish_set(flags.out, shared, units, outcomes, formats, flags.title)
    notes("--out", about)
    for name, why in summary["incomplete"].items():
        note(f"{name}: {why}")
    made = summary["measures"]
    say(f"{made['pictures']:.0f} pictures of {len(units)} people in {flags.out}")
    say(f"complete: {made['complete']:.0%} of the people, "
        f"{made['paintings per picture']:.2f} paintings for each picture")  # fmt: skip
    if summary["alike"]:
        say(f"alike: {len(summary['alike'])} people have somebody like them, see dataset.json")
    for why, times in reasons_of([one.sampled for one in outcomes if one.sampled]).items():
        say(f"rejected: {times} {why}")


def _sampled(
    out: Path, shared: Shared, units: Sequence[Unit], engine: Engine, start: Sampling
) -> list[Outcome]:
    outcomes = []
    try:
        with bar("sampling", len(units), "person") as shown:
            if isinstance(engine, Serial):

                def on_try(passed: int, wanted: int) -> None:
                    shown.set_postfix_str(f"picture {min(passed + 1, wanted)} of {wanted}")

                start = replace(start, on_try=on_try)
            for one in sample_set(out, shared, units, engine, start):
                outcomes.append(one)
                shown.update()
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"stopped; {len(outcomes)} of {len(units)} people are done, and the same command goes "
            "on with the others"
        ) from None
    return outcomes


def _foretell(flags: DatasetCommand, units: Sequence[Unit], start: Sampling) -> None:
    """Counts, hours and bytes, by what one person's first pictures take here."""
    first = replace(units[0], cells=units[0].cells[:2], hosts=units[0].hosts[:2])
    work = start()
    work(replace(first, cells=first.cells[:1], hosts=first.hosts[:1]))  # warms up
    began = perf_counter()
    made = work(first)
    seconds = (perf_counter() - began) / made.figures["tries"]
    count = start.shared.config.count * len(units)
    workers = flags.workers or (1 if flags.engine == "serial" else default_workers())
    hours = tqdm.format_interval(count * _PER_PICTURE * seconds / workers)
    say(f"{count} pictures of {len(units)} people from {len(start.shared.hosts)} hosts")
    say(
        f"about {count * _PER_PICTURE:.0f} paintings, {seconds:.2f} s each as measured here: "
        f"{hours} with {workers} at once"
    )
    if made.jpegs:
        size = sum(map(len, made.jpegs)) / len(made.jpegs)
        say(f"about {count * size / 1e6:.1f} MB, {size / 1e3:.0f} kB a picture; each other format "
            "takes about as much again")  # fmt: skip
