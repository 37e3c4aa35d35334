"""The pictures of one person: painted, judged, chosen."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

import torch
from torch import Tensor

from ..detection.base import Detector
from ..errors import PartError
from ..evaluation import Embedder
from ..evaluation.identity_encoder import AttributeProbe
from ..hints.shape import shape_of
from ..io.generated_images import generated_bytes
from ..io.images import from_bytes
from ..types import FaceAttributes, Identity
from ..version import __version__
from .accept import Judge, Seen
from .choose import choose, features_of
from .config import DatasetConfig
from .grid import QUALITY, Axis, Cell, number_of, words_of
from .hosts import Host
from .painting import Paint, prompt_of, with_quality
from .people import Band, Person
from .reading import Measures, Thirds, expressions_of, levels_of, measures_of
from .values import IMAGES, Picture, Rejected, Sampled

QUALITY_OF_JPEG = 95

OnTry = Callable[[int, int], object]
"""(pictures that pass so far, pictures wanted), before each painting; raise in it to stop."""


def ignored(passed: int, wanted: int) -> None:
    """For whom nobody waits."""


@dataclass(frozen=True, eq=False)
class Shared:
    """What the pictures of all people are made with.

    `names` and `centres (K, D)` are everybody's, by label; `model` and `settings` are hashes of the
    base model and of everything else that the pictures depend on.
    """

    config: DatasetConfig
    axes: tuple[Axis, ...]
    hosts: tuple[Host, ...]
    thirds: Thirds
    names: tuple[str, ...]
    centres: Tensor
    band: Band
    resolution: int
    model: str
    settings: str
    negative: str = ""
    licence: str = ""


@dataclass(frozen=True, eq=False)
class Unit:
    """One person's share of a set: for each cell the numbers of the hosts to try, in order."""

    person: Person
    cells: tuple[Cell, ...]
    hosts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, eq=False)
class Tools:
    """What finds, compares and reads faces; `probe` only where people are painted ones."""

    detector: Detector
    embedder: Embedder
    probe: AttributeProbe | None = None


@dataclass(frozen=True, eq=False)
class _Passed:
    """A painting that could be kept."""

    cell: int
    host: Host
    seed: int
    jpeg: bytes
    seen: Seen
    measures: Measures
    read: Mapping[str, str]
    right: bool
    tries: int


def sample_person(
    unit: Unit,
    shared: Shared,
    identity: Identity,
    paint: Paint,
    tools: Tools,
    on_try: OnTry = ignored,
) -> Sampled:
    """At most `config.count` different pictures of the person, each as its cell asks.

    A cell is painted until a picture passes in which its words are read, at most `config.tries`
    times; one in which nothing passed, as often again until anything does, over the same hosts with
    other noise. The same unit and models make the same pictures.
    """
    config, person = shared.config, unit.person
    # Copies: what the judge works out of prints is large, and the person outlives it.
    prints = [replace(one) for one in person.prints]
    judge = Judge(
        tools.detector, tools.embedder, shared.names, shared.centres, person.label, prints,
        shared.band, config.margin, shared.resolution,
    )  # fmt: skip
    passed: list[_Passed] = []
    rejected: list[Rejected] = []
    short: list[str] = []
    tried = [0] * len(unit.cells)

    def attempt(cell: int) -> bool:
        """Paints once more; whether the cell has what it asks for."""
        on_try(len(passed), config.count)
        number = tried[cell]
        tried[cell] += 1
        some, asked = unit.hosts[cell], unit.cells[cell]
        host = shared.hosts[some[number % len(some)]]
        seed = number_of(person.name, person.sha256, cell, number, config.seed)
        before, keep = host.read()
        made = paint(host, before, keep, words_of(shared.axes, asked), seed)
        seen = judge.look(made, host, before, [one.seen for one in passed])
        if isinstance(seen, str):
            rejected.append(Rejected(person.name, host.name, seed, asked, seen))
            return False
        measures = measures_of(made, seen.face)
        read = {
            **levels_of(shared.axes, measures, shared.thirds),
            **expressions_of(shared.axes, asked, made, seen.face, tools.probe),
        }
        wrong = [name for name in read if name in asked and read[name] != asked[name]]
        if wrong and config.strict:
            reason = ", ".join(f"{name} is {read[name]}" for name in wrong)
            rejected.append(Rejected(person.name, host.name, seed, asked, reason, seen.cosine))
            return False
        worded = {axis.name for axis in shared.axes if axis.in_words}
        right = not worded & {*wrong}
        side = max(seen.face.face.width, seen.face.face.height)
        image = with_quality(made, asked.get(QUALITY, ""), side, seed)
        jpeg, _ = generated_bytes(image, quality=QUALITY_OF_JPEG)
        passed.append(_Passed(cell, host, seed, jpeg, seen, measures, read, right, number + 1))
        return right

    more = round(config.extra * config.count)
    for cell in range(len(unit.cells)):
        tries, before = len(unit.hosts[cell]), len(passed)
        any(attempt(cell) for _ in range(tries))
        while len(passed) == before and tried[cell] < 2 * tries:
            attempt(cell)
        if len(passed) == before:
            said = ", ".join(f"{name} {level}" for name, level in unit.cells[cell].items())
            count, reason = tried[cell], rejected[-1].reason
            short.append(f"{said or 'any'}: {count} paintings, the last {reason}")
    left = [cell for cell, hosts in enumerate(unit.hosts) if tried[cell] < len(hosts)]
    for cell in left[:more]:
        attempt(cell)
    return _sampled(unit, shared, identity, passed, rejected, short)


def _sampled(
    unit: Unit,
    shared: Shared,
    identity: Identity,
    passed: Sequence[_Passed],
    rejected: Sequence[Rejected],
    short: Sequence[str],
) -> Sampled:
    tried = len(passed) + len(rejected)
    if not passed:
        return Sampled((), (), tuple(rejected), tuple(short), {"tries": float(tried)})
    centre = shared.centres[unit.person.label]
    vectors = torch.stack([one.seen.vector for one in passed])
    features = features_of([one.measures for one in passed], vectors - centre)
    kept = choose(
        features, [one.cell for one in passed], [one.right for one in passed], shared.config.count
    )
    best = [passed[index] for index in kept]
    return Sampled(
        tuple(_picture(n, one, unit, shared, identity) for n, one in enumerate(best)),
        tuple(one.jpeg for one in best),
        tuple(rejected),
        tuple(short),
        {"tries": float(tried), "host": fmean(one.seen.host for one in best)},
        tuple(tuple(one.seen.vector.tolist()) for one in best),
    )


def _picture(number: int, one: _Passed, unit: Unit, shared: Shared, identity: Identity) -> Picture:
    person, asked, seen = unit.person, unit.cells[one.cell], one.seen
    words = words_of(shared.axes, asked)
    (height, width), box = seen.face.size, seen.face.face
    return Picture(
        id=f"{folder_of(person)}-{number:03}", identity=person.name, label=person.label,
        path=f"{IMAGES}/{folder_of(person)}/{number:03}.jpg",
        sha256=hashlib.sha256(one.jpeg).hexdigest(), width=width, height=height,
        caption=", ".join((f"a photo of {person.name} {person.noun}", *words)),
        prompt=prompt_of(identity, one.host, words), negative=shared.negative,
        asked=dict(asked), read=dict(one.read),
        cosine=_short(seen.cosine), margin=None if seen.margin is None else _short(seen.margin),
        nearest=seen.nearest, alike=_short(seen.alike), tries=one.tries, seed=one.seed,
        host=one.host.name, host_sha256=one.host.sha256,
        box=(box.x0, box.y0, box.x1, box.y1), points=_points(from_bytes(one.jpeg), seen.face),
        identity_sha256=person.sha256, model=shared.model, settings=shared.settings,
        licence=shared.licence, consent=person.consent, version=__version__,
    )  # fmt: skip


def folder_of(person: Person) -> str:
    """The folder of a person's pictures: by label, so that sorting by name sorts by label."""
    plain = "".join(c if c.isalnum() or c in "-_" else "_" for c in person.name)
    return f"{person.label:04}_{plain[:64]}"


def _points(image: Tensor, face: FaceAttributes) -> tuple[tuple[float, float], ...]:
    """Both eyes, nose, corners of the mouth; none where they were not seen."""
    try:
        shape = shape_of(face, image)
    except PartError:
        shape = shape_of(face)
    five = shape.five
    if five is None:
        if {"eyes", "nose", "mouth"} - shape.anchors.keys():
            return ()
        five = [*shape.anchors["eyes"], *shape.anchors["nose"], *shape.anchors["mouth"]]
    return tuple((_short(float(x)), _short(float(y))) for x, y in five)


def _short(value: float) -> float:
    """Without the digits in which machines differ."""
    return round(value, 4)
