"""`facea dataset`: from trained people and host pictures to a set, its list and its README."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter

from tqdm import tqdm

from ...backbone import inspect_checkpoint
from ...backbone.load import pick_device
from ...composing import ComposeConfig
from ...dataset.config import DatasetConfig
from ...dataset.formats import parse_formats, require_formats
from ...dataset.hosts import read_hosts, sha256_of
from ...dataset.measures import reasons_of
from ...dataset.people import Person, person_of
from ...dataset.plan import plan_set
from ...dataset.run import Models, Outcome, Sampling, Tools, finish_set, sample_set, tools_of
from ...dataset.sample import Shared, Unit
from ...engines import Engine, open_engine
from ...engines.place import default_workers
from ...errors import AssetError, NoFaceError
from ...identity import check_family, load_identity
from ...io.output_files import require_writable_folder
from ...people import people_in
from ...settings import check_text
from ..sampling import DatasetCommand
from ..talk import bar, note, notes, say
from .photos import read_faces

_PER_PICTURE = 1.7
"""Paintings for each picture that is kept: what painted people took, see docs/dataset.md."""

_CONSENT = "consent.txt"


def dataset(flags: DatasetCommand, config: DatasetConfig, composing: ComposeConfig) -> None:
    # Everything that can be wrong is found out before the hours of work.
    formats = parse_formats(flags.format)
    require_formats(formats)
    header = inspect_checkpoint(flags.base, prediction=flags.prediction, vae=flags.vae)
    notes("--base", header.notes)
    require_writable_folder(flags.out)
    engine = open_engine(flags.engine, flags.workers, flags.address)
    painted = header.spec.family == "facea-tiny"
    where = flags.base if str(flags.base) == "tiny" else Path(flags.base).absolute()
    models = Models(
        str(where), pick_device(flags.device), "tiny" if painted else "mesh",
        "tiny" if painted else "landmarks", flags.prediction,
        None if flags.vae is None else str(flags.vae.absolute()),
    )  # fmt: skip
    tools = tools_of(models)
    people, layer = _people(flags, header.spec.family, tools)
    with bar("reading hosts", 0, "picture") as shown:

        def on_host(done: int, total: int) -> None:
            shown.total = total
            shown.update(done - shown.n)

        hosts, left_out = read_hosts(
            flags.hosts.absolute(), tools.detector, header.spec.resolution, on_host
        )
    notes("--hosts", left_out)
    shared, units = plan_set(
        people, hosts, models.embedder, config, composing, header.spec.resolution,
        _key(where, flags.vae, flags.prediction), flags.licence,
    )  # fmt: skip
    band = shared.band
    note(f"likeness from {band.lower:.3f} to {band.upper:.3f}, {band.source}")
    start = Sampling(replace(models, clip_skip=layer), shared, composing)
    if flags.dry_run:
        _foretell(flags, units, start)
        return
    outcomes = _sampled(flags.out, shared, units, engine, start)
    summary, about = finish_set(flags.out, shared, units, outcomes, formats, flags.title)
    notes("--out", about)
    for name, why in summary["incomplete"].items():
        note(f"{name}: {why}")
    made = summary["measures"]
    say(f"{made['pictures']:.0f} pictures of {len(units)} people in {flags.out}")
    say(f"complete: {made['complete']:.0%} of the people, "
        f"{made['paintings per picture']:.2f} paintings for each picture")  # fmt: skip
    for why, times in reasons_of([one.sampled for one in outcomes if one.sampled]).items():
        say(f"rejected: {times} {why}")


def _people(flags: DatasetCommand, family: str, tools: Tools) -> tuple[list[Person], int]:
    """Everybody with an identity and a photo; and the layer of text encoders they learned by."""
    found, people, layer = people_in(flags.people, "person", apart=flags.out), [], 0
    with bar("reading people", len(found), "person") as shown:
        for one in found:
            shown.update()
            file = (flags.identities / f"{one.name}.safetensors").absolute()
            if one.problem or not file.is_file():
                note(f"{one.name}: left out, {one.problem or f'there is no {file}'}")
                continue
            identity = load_identity(file)
            check_family(identity, family)
            layer = identity.meta.clip_skip
            try:
                photos = read_faces(one.name, one.photos, tools.detector)
            except NoFaceError as error:
                note(f"{one.name}: left out, {error}")
                continue
            said = one.folder / _CONSENT
            consent = said.read_text("utf-8-sig").strip() if said.is_file() else flags.consent
            people.append(person_of(
                one.name, len(people), identity.meta.class_noun, file, sha256_of(file), photos,
                tools.embedder, check_text("consent", " ".join(consent.split())),
            ))  # fmt: skip
    if not people:
        raise AssetError(
            f"nobody of {len(found)} people in {flags.people} has an identity in "
            f"{flags.identities}; run facea train-all first"
        )
    return people, layer


def _sampled(
    out: Path, shared: Shared, units: Sequence[Unit], engine: Engine, start: Sampling
) -> list[Outcome]:
    outcomes = []
    try:
        with bar("sampling", len(units), "person") as shown:
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


def _key(base: str | Path, vae: Path | None, prediction: str | None) -> str:
    """What tells one base model from another without reading it: names, sizes and times."""
    parts = [prediction or ""]
    for path in (Path(base), vae):
        if path is not None and path.exists():
            files = sorted(path.rglob("*.safetensors")) if path.is_dir() else [path]
            parts += [f"{one.name} {one.stat().st_size} {one.stat().st_mtime_ns}" for one in files]
    return " ".join((Path(base).name, *parts)).strip()
