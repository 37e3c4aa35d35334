"""`facea detect`: faces and their parts in photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import torch
from torch import Tensor
from tyro.conf import Positional, arg

from ..detection.detect import DetectConfig, detect_attributes, detect_faces, to_json
from ..detection.preview import preview as draw
from ..errors import ImageError, NoFaceError, PartError
from ..images import load_image, picture_format, resize, save_image
from ..types import FaceAttributes
from .detectors import DetectorFlags, open_detector
from .flags import ConfigFile, parse, read_config
from .talk import bar, hand_over, require_outputs, say

PREVIEW_HEIGHT = 512


@dataclass(frozen=True)
class Detect(DetectorFlags):
    """Find the face and its parts in each photo."""

    images: Positional[tuple[Path, ...]] = ()
    """Photos."""
    json: Annotated[Path | None, arg(metavar="FILE")] = None
    """Write boxes and scores there; - is stdout."""
    preview: Annotated[Path | None, arg(metavar="FILE")] = None
    """Draw every face, numbered, with its parts."""
    config: ConfigFile = None
    """Flags from a JSON file."""


def run(arguments: Sequence[str]) -> None:
    flags, configs = parse(
        "facea detect", Detect, arguments, read_config(arguments), detection=DetectConfig()
    )
    if not flags.images:
        raise ImageError("there are no pictures to search; give at least one file")
    if flags.preview is not None:
        picture_format(flags.preview)
    require_outputs(flags.json, flags.preview)
    config, detector = configs["detection"], open_detector(flags)
    loaded = [load_image(path) for path in flags.images]
    images = [image for image, _ in loaded]
    found = []
    with bar("detecting", len(images), "photo") as shown:
        for path, image in zip(flags.images, images, strict=True):
            found += detect_named(path, image, detector, config)
            shown.update()

    data = to_json(found)
    for path, (_, notes), face in zip(flags.images, loaded, data["faces"], strict=True):
        if face is not None:
            face |= {"file": str(path), "notes": [*notes, *face["notes"]]}
    if flags.preview is not None:
        everyone = [detect_faces(image, detector, config) for image in images]
        save_image(side_by_side(images, everyone), flags.preview)
    hand_over(data, flags.json)
    if str(flags.json) != "-":
        for path, face in zip(flags.images, data["faces"], strict=True):
            say(f"{path}: {_line(face)}")


def detect_named(
    path: Path, image: Tensor, detector, config: DetectConfig
) -> tuple[FaceAttributes | None, ...]:
    """`detect_attributes` for one picture, its errors beginning with the file's name."""
    try:
        return detect_attributes([image], detector, config)
    except (NoFaceError, PartError) as error:
        raise type(error)(f"{path}: {error}") from error


def side_by_side(images: Sequence[Tensor], faces: Sequence[Sequence[FaceAttributes]]) -> Tensor:
    """The previews of all pictures in one row of equal height, `(1, 3, H, W)`."""
    drawn = [draw(image, found) for image, found in zip(images, faces, strict=True)]
    if len(drawn) == 1:
        return drawn[0]
    factors = [PREVIEW_HEIGHT / image.shape[2] for image in drawn]
    return torch.cat(
        [
            resize(image, (PREVIEW_HEIGHT, max(round(image.shape[3] * factor), 1)))
            for image, factor in zip(drawn, factors, strict=True)
        ],
        dim=3,
    )


def _line(face: dict | None) -> str:
    if face is None:
        return "left out"
    parts = [f"{name} {part['score']:.2f}" for name, part in face["parts"].items()]
    box = " ".join(map(str, face["face"]))
    text = ", ".join([f"face {face['score']:.2f} at {box}", *parts])
    return f"{text} ({'; '.join([face['detector'], *face['notes']])})"
