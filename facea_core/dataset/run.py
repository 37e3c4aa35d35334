"""A set of pictures of many people: sampled by any engine, each person once, and written down."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..backbone import load_backbone, load_control
from ..composing import ComposeConfig
from ..engines import Engine
from ..errors import FaceAError, NoFaceError
from ..evaluation.identity_encoder import load_attribute_probe
from ..hints.config import LINES
from ..identity import check_family, load_identity
from ..io.figures import Tile, draw_tiles
from ..io.generated_images import save_generated
from ..io.images import load_image
from ..io.output_files import require_writable_folder
from ..selection import tools_for
from ..types import Identity
from .card import write_card, write_summary
from .formats import require_formats, write_formats
from .manifest import read_manifest, write_manifest, write_rejected
from .measures import alike_people, measures_of_set, reasons_of
from .painting import painter, steered_by
from .parts import read_part, tidy, write_part
from .people import Person
from .plan import key_of
from .sample import OnTry, Shared, Tools, Unit, folder_of, ignored, sample_person
from .values import Sampled

SHEET = "sheet.jpg"

_NOTHING = Sampled((), (), figures={"tries": 0.0})

_ROWS, _COLUMNS, _SIDE = 8, 8, 160
"""Of the sheet: people, pictures of each, and pixels of a picture."""


@dataclass(frozen=True, eq=False)
class Models:
    """What is loaded in each process that samples: a base model of that family, and perhaps a
    ControlNet, shown hints of that kind of each host's face."""

    base: str
    device: str
    family: str
    prediction: str | None = None
    vae: str | None = None
    clip_skip: int = 0
    control: str | None = None
    hint: str = LINES
    control_strength: float = 1.0


@dataclass(frozen=True, eq=False)
class Sampling:
    """Starts a worker that samples one person after the other; see `engines`.

    `on_try`, as of `sample_person`, is for this process only.
    """

    models: Models
    shared: Shared
    composing: ComposeConfig
    on_try: OnTry = ignored

    def __call__(self) -> Callable[[Unit], Sampled]:
        models = self.models
        backbone = load_backbone(
            models.base, models.device, prediction=models.prediction, vae=models.vae,
            clip_skip=models.clip_skip,
        )  # fmt: skip
        tools, steer = model_tools(models.family), None
        if models.control is not None:
            network = load_control(models.control, backbone)
            steer = steered_by(network, models.hint, models.control_strength)

        def work(unit: Unit) -> Sampled:
            identity = identity_of(unit.person)
            check_family(identity, backbone.spec.family)
            paint = painter(backbone, identity, tools.detector, self.composing, steer)
            return sample_person(unit, self.shared, identity, paint, tools, self.on_try)

        return work


def model_tools(family: str) -> Tools:
    """What finds, compares and reads the faces of a model family; see `selection.tools_for`."""
    detector, embedder = tools_for(family)
    return Tools(detector, embedder, load_attribute_probe() if embedder.name == "tiny" else None)


def identity_of(person: Person) -> Identity:
    """Raises as `load_identity` does."""
    one = person.identity
    return one if isinstance(one, Identity) else load_identity(one)


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came of one person: `sampled`, None if there was an error; `found` if it was there."""

    unit: Unit
    sampled: Sampled | None
    error: str = ""
    found: bool = False


def sample_set(
    out: Path, shared: Shared, units: Sequence[Unit], engine: Engine, start: Sampling
) -> Iterator[Outcome]:
    """Each person's outcome as it is there, on disk already; those of an earlier run come first.

    A person with an error ends nothing. Abandon the iterator to stop; what was yielded is kept.
    Raises AssetError if nothing can be written in `out`, and what `start` raises.
    """
    require_writable_folder(out)
    left = []
    for unit in units:
        there = read_part(out, key_of(unit, shared))
        if there is None:
            left.append(unit)
        else:
            pictures = tuple(
                replace(one, licence=shared.licence, consent=unit.person.consent)
                for one in there.pictures
            )
            yield Outcome(unit, replace(there, pictures=pictures), found=True)
    for done in engine.map(left, start):
        unit = left[done.number]
        if done.result is not None:
            write_part(out, folder_of(unit.person), key_of(unit, shared), done.result)
            # Thousands of people have more pictures than there is memory.
            yield Outcome(unit, replace(done.result, jpegs=()))
        else:
            yield Outcome(unit, None, done.error)


def finish_set(
    out: Path,
    shared: Shared,
    units: Sequence[Unit],
    outcomes: Sequence[Outcome],
    formats: Sequence[str],
    title: str = "",
) -> tuple[Mapping[str, Any], tuple[str, ...]]:
    """Writes the list, the formats, the card and dataset.json; what dataset.json says, and notes.

    The same outcomes, in any order, make the same files. Raises NoFaceError if there is no picture,
    MissingDependencyError for a format whose package is not installed.
    """
    require_formats(formats)
    by_label = {one.unit.person.label: one for one in outcomes}
    made = [by_label[unit.person.label] for unit in units if unit.person.label in by_label]
    sampled = [one.sampled for one in made if one.sampled is not None]
    pictures = [picture for one in sampled for picture in one.pictures]
    incomplete = {
        one.unit.person.name: _lacking(one, shared.config.count)
        for one in made
        if one.sampled is None or len(one.sampled.pictures) < shared.config.count
    }
    if not pictures:
        first = next(iter(incomplete.values()), "nobody was sampled")
        raise NoFaceError(f"there is no picture that can be kept: {first}")
    try:
        before = {Path(picture.path).parent.name for picture in read_manifest(out)}
    except FaceAError:
        before = set()
    tidy(
        out, {key_of(unit, shared) for unit in units},
        {folder_of(unit.person) for unit in units}, before,
    )  # fmt: skip
    band = shared.band
    everybody = [one.unit.person for one in made]
    theirs = [one.sampled or _NOTHING for one in made]
    photos = torch.stack([person.centre for person in everybody])
    summary: dict[str, Any] = {
        "title": title,
        "settings": {**asdict(shared.config), "hash": shared.settings, "model": shared.model},
        "axes": {axis.name: list(axis.levels) for axis in shared.axes},
        "thirds": {name: list(some) for name, some in shared.thirds.items()},
        "hosts": len(shared.hosts),
        "formats": list(formats),
        "thresholds": {
            "least likeness": {"value": band.lower, "source": band.source},
            "most likeness": {"value": band.upper, "source": band.source},
            "a stranger's likeness": {"value": band.stranger, "source": band.source},
            "margin to anybody else": shared.config.margin,
        },
        "measures": measures_of_set(theirs, shared.axes, band, shared.config.count, photos),
        "alike": alike_people(everybody, theirs, band.stranger),
        "rejected": reasons_of(sampled),
        "incomplete": incomplete,
    }
    notes = write_manifest(out, pictures)
    write_rejected(out, [one for some in sampled for one in some.rejected])
    notes += write_formats(out, pictures, formats)
    save_generated(sheet_of(out, sampled), out / SHEET)
    write_summary(out, summary)
    write_card(out, pictures, summary)
    return summary, notes


def sheet_of(out: Path, sampled: Sequence[Sampled]) -> Tensor:
    """A row of pictures (1, 3, H, W) of each of the first people, with their likeness."""
    rows = []
    for one in [one for one in sampled if one.pictures][:_ROWS]:
        few = one.pictures[:: max(len(one.pictures) // _COLUMNS, 1)][:_COLUMNS]
        said = [one.pictures[0].identity, *(f"{picture.cosine:.2f}" for picture in few[1:])]
        tiles = [Tile(load_image(out / picture.path, longest=None)[0], text)
                 for picture, text in zip(few, said, strict=True)]  # fmt: skip
        rows.append(draw_tiles(tiles, _COLUMNS, _SIDE))
    width = max(row.shape[3] for row in rows)
    # The paper's colour is that of a row's corner.
    return torch.cat([
        torch.cat([row, row[..., :1].expand(-1, -1, -1, width - row.shape[3])], dim=3)
        for row in rows
    ], dim=2)  # fmt: skip


def _lacking(one: Outcome, count: int) -> str:
    if one.sampled is None:
        return one.error
    reasons = "; ".join(one.sampled.short[:3]) or "too few paintings passed"
    return f"{len(one.sampled.pictures)} of {count} pictures: {reasons}"
