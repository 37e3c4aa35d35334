"""`facea evaluate`: compare generated pictures with photos of the person."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

from tyro.conf import Positional, arg

from ..detection.detect import DetectConfig
from ..errors import ConfigError
from ..evaluation import embedder_for, evaluate_identity, load_embedder
from ..photos import ReadPhoto
from ..types import Photo
from .detect import detect_named
from .detectors import DetectorFlags, open_detector
from .flags import ConfigFile, parse, read_config
from .photos import read_given
from .talk import bar, hand_over, note, notes, require_outputs, say

AUTO = "auto"


@dataclass(frozen=True)
class Evaluate(DetectorFlags):
    """Compare generated pictures with photos of the person.

    Likeness is a cosine of the embedder: 1 = alike. Compare only figures of one embedder.
    """

    generated: Positional[tuple[Path, ...]] = ()
    """Generated pictures."""
    references: tuple[Path, ...] = ()
    """The photos that were trained on."""
    held_out: tuple[Path, ...] = ()
    """Other photos of the same person."""
    embedder: str = "auto"
    """tiny (painted people) or landmarks (photographs); auto goes by who found the faces."""
    json: Annotated[Path | None, arg(metavar="FILE")] = None
    """Write the figures there; - is stdout."""
    config: ConfigFile = None
    """Flags from a JSON file."""


def run(arguments: Sequence[str]) -> None:
    flags, configs = parse(
        "facea evaluate",
        Evaluate,
        arguments,
        read_config(arguments),
        without=("attributes", "part_threshold", "faces"),
        detection=DetectConfig(attributes="face"),
    )
    if not flags.generated or not flags.references:
        raise ConfigError("give the generated pictures and, after --references, the photos")
    require_outputs(flags.json)
    groups = (flags.generated, flags.references, flags.held_out)
    detector = open_detector(flags)
    named = None if flags.embedder == AUTO else load_embedder(flags.embedder)
    read = [read_given(group) if group else [] for group in groups]
    with bar("detecting", sum(map(len, groups)), "photo") as shown:
        generated, references, heldout = (
            [face for photo in group for face in _photo(photo, detector, configs, shown.update)]
            for group in read
        )
    faces = [photo.attributes for photo in (*generated, *references, *heldout)]
    embedder = named or embedder_for(faces)
    figures = asdict(evaluate_identity(generated, references, heldout, embedder))
    figures = {
        key: None if isinstance(value, float) and math.isnan(value) else value
        for key, value in figures.items()
    }
    figures |= {"embedder": embedder.name}
    hand_over(figures, flags.json)
    if str(flags.json) != "-":
        for key, value in figures.items():
            say(f"{key:<12}{'-' if value is None else _text(value)}")


def _photo(photo: ReadPhoto, detector: Any, configs: dict[str, Any], advance: Any) -> list[Photo]:
    path, image, done, _ = photo
    if image is None:
        note(f"left out: {photo.problem}")
        advance()
        return []
    (face,) = detect_named(path, image, detector, configs["detection"])
    advance()
    if face is None:
        note(f"{path}: left out, for no face was found in it")
        return []
    notes(str(path), [*done, *face.notes])
    return [Photo(image, face, path.name, done)]


def _text(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)
