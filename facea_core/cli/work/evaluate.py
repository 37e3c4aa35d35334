"""`facea evaluate`: from images and photos to likeness."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from ...audit import Likeness, judge_likeness, likeness_line, likeness_text
from ...detection.base import Detector
from ...detection.config import DetectConfig
from ...detection.found import detect_named
from ...errors import ConfigError
from ...evaluation import embedder_for, evaluate_identity, load_embedder
from ...io.photos import ReadPhoto, read_given
from ...types import Photo
from ..forms import Evaluate
from ..talk import bar, hand_over, note, notes, require_outputs, say
from .detectors import open_detector

AUTO = "auto"

_MEANS = {
    "training": "mean over all pictures and references",
    "heldout": "mean over all pictures and held-out photos",
    "copy_paste": "how much nearer to a reference than to a held-out photo; 0 is best",
}


def evaluate(flags: Evaluate, detection: DetectConfig) -> None:
    if not flags.generated or not flags.references:
        raise ConfigError("give the generated pictures and, after --references, the photos")
    require_outputs(flags.json)
    groups = (flags.generated, flags.references, flags.held_out)
    detector = open_detector(flags)
    named = None if flags.embedder == AUTO else load_embedder(flags.embedder)
    read = [read_given(group) if group else [] for group in groups]
    with bar("detecting", sum(map(len, groups)), "photo") as shown:
        searched, *known = (
            [face for photo in group for face in _photo(photo, detector, detection, shown.update)]
            for group in read
        )
    names, found = [name for name, _ in searched], [photo for _, photo in searched]
    generated = [photo for photo in found if photo is not None]
    references, heldout = ([photo for _, photo in group if photo is not None] for group in known)
    faces = [photo.attributes for photo in (*generated, *references, *heldout)]
    embedder = named or embedder_for(faces)
    figures = asdict(evaluate_identity(generated, references, heldout, embedder))
    figures = {
        key: None if isinstance(value, float) and math.isnan(value) else value
        for key, value in figures.items()
    }
    judged = judge_likeness(found, references, embedder)
    pictures = [{"name": name, **asdict(one)} for name, one in zip(names, judged, strict=True)]
    figures |= {"embedder": embedder.name, "pictures": pictures}
    hand_over(figures, flags.json)
    if str(flags.json) != "-":
        _show(names, judged, figures)


def _show(names: Sequence[str], judged: Sequence[Likeness], figures: dict[str, Any]) -> None:
    """A line per image with its verdict, then the means, then who is how often seen."""
    width = max(map(len, names))
    for name, one in zip(names, judged, strict=True):
        say(f"{name:<{width}}  {likeness_text(one)}")
    for key, about in _MEANS.items():
        if figures[key] is not None:
            say(f"{key:<{width}}  {figures[key]:.3f} ({about})")
    say(likeness_line(judged, figures["embedder"]))


def _photo(
    photo: ReadPhoto, detector: Detector, config: DetectConfig, advance: Callable[[], object]
) -> list[tuple[str, Photo | None]]:
    """The name and the face of an image, None if there is none; nothing of an unreadable file."""
    path, image, done, _ = photo
    if image is None:
        note(f"left out: {photo.problem}")
        advance()
        return []
    (face,) = detect_named(path, image, detector, config)
    advance()
    if face is None:
        note(f"{path}: left out, for no face was found in it")
        return [(path.name, None)]
    notes(str(path), [*done, *face.notes])
    return [(path.name, Photo(image, face, path.name, done))]
