"""Whether generated images show the person of some photos: a number and a word for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from ..detection.base import Detector
from ..detection.config import DetectConfig
from ..detection.detect import detect_chosen
from ..detection.load import load_detector
from ..errors import NoFaceError
from ..evaluation.embedders import Embedder, embedder_for, load_embedder
from ..evaluation.names import EMBEDDERS
from ..settings import check_choice
from ..types import FaceAttributes, OnTick, Photo
from .alike import SAME_PERSON, face_cosines

SAME, UNSURE, OTHER = "same person", "unsure", "somebody else"
NO_FACE, UNKNOWN = "no face", "not known"
TINY = "tiny"

_NO_REFERENCE = (
    "none of the references shows a face to compare with; give photos of the person in which it "
    "is upright and lit"
)


@dataclass(frozen=True)
class Likeness:
    """One image beside the references: cosines in [-1, 1], None where no face was found.

    `nearest` is the cosine with the reference number `reference` (from 0), which is most like it,
    `mean` that with all of them. The verdict goes by `nearest`, as SAME_PERSON was measured.
    """

    verdict: str
    nearest: float | None = None
    mean: float | None = None
    reference: int | None = None


def verdict(cosine: float, embedder: str) -> str:
    """Who a face is whose nearest photo is this much alike, by that embedder's SAME_PERSON."""
    if embedder not in SAME_PERSON:
        return UNKNOWN
    other, same = SAME_PERSON[embedder]
    return SAME if cosine >= same else OTHER if cosine < other else UNSURE


def judge_likeness(
    generated: Sequence[Photo | None], references: Sequence[Photo], embedder: Embedder
) -> tuple[Likeness, ...]:
    """One answer per generated image, None of them being one without a face.

    Raises NoFaceError without any reference.
    """
    if not references:
        raise NoFaceError(_NO_REFERENCE)
    seen = [photo for photo in generated if photo is not None]
    photos = [*seen, *references]
    cosines = face_cosines(
        [one.image for one in photos], [one.attributes for one in photos], embedder
    )[: len(seen), len(seen) :]
    rows = iter(cosines.tolist())
    return tuple(
        Likeness(NO_FACE) if photo is None else _judged(next(rows), embedder.name)
        for photo in generated
    )


def _judged(row: Sequence[float], embedder: str) -> Likeness:
    nearest = max(row)
    return Likeness(verdict(nearest, embedder), nearest, sum(row) / len(row), row.index(nearest))


def likeness_line(judged: Sequence[Likeness], embedder: str) -> str:
    """How many are who, and from where on they count as one person."""
    counts = [(word, sum(one.verdict == word for one in judged)) for word in
              (SAME, UNSURE, OTHER, NO_FACE, UNKNOWN)]  # fmt: skip
    said = ", ".join(f"{count} {word}" for word, count in counts if count)
    if embedder not in SAME_PERSON:
        return said
    other, same = SAME_PERSON[embedder]
    return f"{said} (by {embedder}: {same:g} and more is one person, under {other:g} another)"


def likeness_text(one: Likeness) -> str:
    """The number and its word, "0.88 somebody else"; of no face the word alone."""
    return one.verdict if one.nearest is None else f"{one.nearest:.2f} {one.verdict}"


@dataclass(frozen=True)
class Comparison:
    """Generated images beside references, by which embedder; `notes` on what was left out."""

    embedder: str
    pictures: tuple[Likeness, ...]
    notes: tuple[str, ...] = ()


def compare_pictures(
    generated: Sequence[Tensor],
    references: Sequence[Tensor],
    embedder: str = "auto",
    on_tick: OnTick | None = None,
) -> Comparison:
    """Finds the largest face of each image `(1, 3, H, W)` and judges those of `generated`.

    "tiny" is for synthetic people, "landmarks" for photographs, "auto" goes by the references.
    `on_tick` is called after each image that was searched, references first. Raises ConfigError
    for another name or references of both kinds, NoFaceError if no reference shows a face,
    MissingDependencyError for photographs without the packages of landmarks.
    """
    check_choice("embedder", embedder, EMBEDDERS)
    count = len(references) + len(generated)

    def tick(done: int, _: int) -> None:
        if on_tick:
            on_tick(done, count)

    known, searcher = _references(references, embedder, tick)
    if not any(known):
        raise NoFaceError(f"{_NO_REFERENCE} (searched by: {searcher.name})")
    faces = [face for face in known if face]
    judge = load_embedder(searcher.name) if searcher.name in EMBEDDERS[1:] else embedder_for(faces)
    if searcher.name != judge.name:
        searcher = load_detector(judge.name)
    seen = _largest(generated, searcher, lambda done, of: tick(len(references) + done, of))
    notes = [
        f"reference {number} left out: no face was found in it"
        for number, face in enumerate(known, start=1) if face is None
    ]  # fmt: skip
    notes += [
        f"picture {number}: {face.others + 1} faces, the largest is judged"
        for number, face in enumerate(seen, start=1) if face is not None and face.others
    ]  # fmt: skip
    judged = judge_likeness(_photos(generated, seen), _there(references, known), judge)
    numbers = [i for i, face in enumerate(known) if face is not None]
    judged = tuple(
        one if one.reference is None else replace(one, reference=numbers[one.reference])
        for one in judged
    )
    return Comparison(judge.name, judged, tuple(notes))


_Faces = list[FaceAttributes | None]


def _references(images: Sequence[Tensor], embedder: str, tick: OnTick) -> tuple[_Faces, Detector]:
    """The references' faces and who found them; who finds all of a mixed lot knows its kind."""
    searcher = load_detector(embedder)
    found = _largest(images, searcher, tick)
    kinds = {face.detector for face in found if face is not None}
    if len(kinds) > 1 and TINY in kinds:
        painted = load_detector(TINY)
        again = _largest(images, painted, tick)
        if all(again):
            return again, painted
    return found, searcher


def _largest(images: Sequence[Tensor], searcher: Detector, tick: OnTick) -> _Faces:
    config = DetectConfig("face", on_missing="skip")
    found = detect_chosen(images, searcher, config, on_tick=tick)
    return [next(iter(faces), None) for faces in found]


def _photos(images: Sequence[Tensor], faces: _Faces) -> list[Photo | None]:
    return [
        None if face is None else Photo(image, face)
        for image, face in zip(images, faces, strict=True)
    ]


def _there(images: Sequence[Tensor], faces: _Faces) -> list[Photo]:
    return [photo for photo in _photos(images, faces) if photo is not None]


def comparison_json(found: Comparison) -> dict[str, Any]:
    """Plain values; what was not measured is null. Images and references count from 1."""
    return {
        "embedder": found.embedder,
        "pictures": [
            {
                "picture": number,
                "likeness": None if one.nearest is None else round(one.nearest, 4),
                "verdict": one.verdict,
                "mean": None if one.mean is None else round(one.mean, 4),
                "nearest_reference": None if one.reference is None else one.reference + 1,
            }
            for number, one in enumerate(found.pictures, start=1)
        ],
        "summary": likeness_line(found.pictures, found.embedder),
        "notes": list(found.notes),
    }
