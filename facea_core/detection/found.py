"""What was found in batches of images, as training takes it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from torch import Tensor

from ..errors import ConfigError, ImageError, MaskError, NoFaceError, PartError
from ..io.images import glance, other_scene
from ..types import DetectedFaces, FaceAttributes, Photo
from .base import Detector
from .config import DetectConfig
from .detect import Only, detect_attributes
from .user_masks import OwnMasks


def found_together(found: Sequence[DetectedFaces]) -> DetectedFaces:
    """What was found in several batches as one. Raises ConfigError for different words."""
    tables = list(dict.fromkeys(one.attributes for one in found))
    if len(tables) != 1:
        raise ConfigError(
            f"the photos were searched for {len(tables)} different tables of words "
            f"({'; '.join(tables)}); search all of them with one FaceA Attribute Detect"
        )
    faces = tuple(faces for one in found for faces in one.faces)
    glances = tuple(one for some in found for one in some.glances)
    return DetectedFaces(tables[0], faces, glances if len(glances) == len(faces) else ())


def photos_with_faces(
    images: Sequence[Tensor], found: DetectedFaces, captions: Sequence[str] = ()
) -> tuple[list[Photo], list[str]]:
    """The images in which a face was found, as training takes them, and notes on the others.

    Of several faces in an image the first is meant. `captions` are one for each image, or none.
    Raises ImageError if `found` is not of these images, by their number or by what they show,
    NoFaceError if no image is left.
    """
    if len(images) != len(found.faces):
        raise ImageError(
            f"there are {len(images)} pictures, and faces were searched in {len(found.faces)}; "
            "wire the same pictures into both"
        )
    for number, (image, seen) in enumerate(zip(images, found.glances, strict=False), start=1):
        if other_scene(glance(image), seen):
            raise ImageError(
                f"the face of photo {number} was found in another picture; wire the same pictures, "
                "in the same order, into FaceA Attribute Detect and here"
            )
    photos, notes = [], []
    said = captions or ("",) * len(images)
    together = zip(images, found.faces, said, strict=True)
    for number, (image, faces, caption) in enumerate(together, start=1):
        if faces:
            photos.append(Photo(image, faces[0], f"photo {number}", caption=caption))
        else:
            notes.append(f"photo {number} left out: not everything was found in it, or it is red")
    if not photos:
        raise NoFaceError(
            f"none of the {len(images)} photos is left to learn from; give others, or set "
            "on_missing to pass"
        )
    return photos, notes


def so_many(used: int, given: int) -> str:
    """How many photos are learned from: "3 photos", or "1 of 3 photos"."""
    some = f"{used} of {given}" if used < given else str(used)
    return f"{some} photo{'s' * (given > 1)}"


def smear_note(family: str, faces: Iterable[FaceAttributes | None]) -> list[str]:
    """A note where facea-tiny, which has only seen synthetic people, meets a photograph."""
    found_by = {face.detector for face in faces if face is not None}
    if family != "facea-tiny" or not found_by & {"mesh", "landmarks"}:
        return []
    return [
        "facea-tiny has only seen painted people: of a photograph it makes a smear. Take an "
        "SD 1.5, SD 2 or SDXL inpainting checkpoint for photographs"
    ]


def detect_named(
    path: Path, image: Tensor, detector: Detector, config: DetectConfig,
    own: OwnMasks | None = None, region: Tensor | None = None, only: Only | None = None,
) -> tuple[FaceAttributes | None, ...]:  # fmt: skip
    """`detect_attributes` for one image, its errors beginning with the file's name."""
    masks = None if own is None else [own]
    regions = None if region is None else [region]
    try:
        return detect_attributes([image], detector, config, masks, regions, only)
    except (MaskError, NoFaceError, PartError) as error:
        raise type(error)(f"{path}: {error}") from error
