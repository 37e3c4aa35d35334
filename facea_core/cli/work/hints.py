"""`facea hints`: from a picture, and photos of a person, to a hint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from torch import Tensor

from ...detection.base import Detector
from ...detection.config import DetectConfig
from ...detection.detect import detect_chosen
from ...hints import FaceShape, HintConfig, draw_hints, hint_json, person_shape
from ...io.images import load_image, picture_format, save_image
from ...io.photos import photos_of, read_given
from ...types import DetectedFaces
from ..hinting import HintsCommand
from ..talk import hand_over, note, notes, require_outputs, say
from .detect import read_region
from .detectors import open_detector


def draw(flags: HintsCommand, config: HintConfig, detection: DetectConfig) -> None:
    for path in (flags.out, flags.mask):
        if path is not None:
            picture_format(path)
    require_outputs(flags.out, flags.mask, flags.json)
    image, done = load_image(flags.image, longest=None)
    detector, region = open_detector(flags), read_region(flags.region)
    person = _person(flags, config, detection, detector)
    found = _found([image], detector, detection, region)
    (hint,) = draw_hints([image], found, config, person)
    said = [*done, *hint.notes]
    save_image(hint.image, flags.out)
    if flags.mask is not None:
        save_image(hint.mask.expand(-1, 3, -1, -1), flags.mask)
    data = {"image": str(flags.image), "kind": config.kind, **hint_json(hint), "notes": said}
    hand_over(data, flags.json)
    notes(str(flags.image), said)
    if str(flags.json) != "-":
        say(str(flags.out))


def _person(
    flags: HintsCommand, config: HintConfig, detection: DetectConfig, detector: Detector
) -> FaceShape | None:
    """The face of the photos that can be read, if it is asked for."""
    paths = photos_of(flags.photos)
    if not paths or config.blend == 0:
        return person_shape(None, None, config)
    given = read_given(paths)
    for photo in given:
        if photo.image is None:
            note(f"left out: {photo.problem}")
    photos = [photo.image for photo in given if photo.image is not None]
    everyone = replace(detection, face_index=0, faces="")
    return person_shape(_found(photos, detector, everyone), photos, config)


def _found(
    images: Sequence[Tensor], detector: Detector, config: DetectConfig, region: Tensor | None = None
) -> DetectedFaces:
    regions = None if region is None else [region]
    faces = detect_chosen(images, detector, config, regions=regions)
    return DetectedFaces("", faces)
