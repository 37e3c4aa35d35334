"""A set of one person whose pictures another program paints: what it needs beside the painting."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from ..detection import DetectConfig, detect_attributes, photos_with_faces
from ..detection.base import Detector
from ..errors import NoFaceError
from ..io.hashes import image_sha256
from ..io.images import from_bytes
from ..types import DetectedFaces, Identity, Photo
from .hosts import Host, host_of
from .measures import measures_of_set, reasons_of
from .parts import write_part
from .plan import key_of
from .run import Outcome, finish_set
from .sample import Shared, Unit, folder_of
from .values import Sampled

_FACE = DetectConfig("face, eyes, nose, mouth, hair", on_missing="skip")


def person_photos(
    images: Sequence[Tensor], found: DetectedFaces | None, detector: Detector
) -> tuple[list[Photo], list[str]]:
    """The photos (1, 3, H, W) in which the person's face is, and notes on the others.

    `found` is what was found in them; None = the largest face that the detector finds. Raises
    NoFaceError if there is no face in any, ImageError if `found` is not of these photos.
    """
    if found is not None:
        return photos_with_faces(images, found)
    faces = detect_attributes(images, detector, _FACE)
    photos, notes = [], []
    for number, (image, face) in enumerate(zip(images, faces, strict=True), start=1):
        if face is None:
            notes.append(f"photo {number} left out: no face was found in it")
        else:
            photos.append(Photo(image, face, f"photo {number}"))
    if not photos:
        raise NoFaceError(
            f"none of the {len(images)} photos shows a face; pictures are judged by photos of the "
            "person, so give some that show it"
        )
    return photos, notes


def hosts_of(
    images: Sequence[Tensor],
    detector: Detector,
    resolution: int,
    on_tick: Callable[[int, int], object] = lambda done, total: None,
) -> tuple[list[Host], list[str]]:
    """The hosts among pictures (1, 3, H, W) without files, and why others are none."""
    hosts, notes = [], []
    for number, image in enumerate(images, start=1):
        on_tick(number - 1, len(images))
        name = f"host {number}"
        host = host_of(image, name, image_sha256(image), detector, resolution)
        if isinstance(host, str):
            notes.append(f"{name} left out: {host}")
        else:
            hosts.append(host)
    return hosts, notes


def hash_of_identity(identity: Identity) -> str:
    """SHA-256 over what an identity paints with: its name, prompt, words and LoRA."""
    meta = identity.meta
    found = hashlib.sha256(repr((identity.name, meta.class_noun, meta.prompt)).encode())
    for name, tensor in _tensors(identity):
        found.update(f"{name} {tuple(tensor.shape)}".encode())
        found.update(tensor.detach().cpu().contiguous().float().numpy().tobytes())
    return found.hexdigest()


def _tensors(identity: Identity) -> Iterator[tuple[str, Tensor]]:
    for word in identity.words:
        for encoder, vectors in sorted(word.vectors.items()):
            yield f"{word.placeholder} {encoder}", vectors
    for path, layer in sorted(identity.lora.items()):
        yield f"{path} down {layer.alpha:g}", layer.down
        yield f"{path} up", layer.up


def kept_images(sampled: Sampled) -> list[Tensor]:
    """The kept pictures (1, 3, H, W), as their JPEG files show them."""
    return [from_bytes(jpeg) for jpeg in sampled.jpegs]


def set_figures(sampled: Sampled, shared: Shared) -> dict[str, Any]:
    """What became of a set of one person, as plain values for JSON."""
    band, count = shared.band, shared.config.count
    measured = measures_of_set([sampled], shared.axes, band, count, shared.centres[:1])
    return {
        "asked": count,
        "kept": len(sampled.pictures),
        "least likeness": round(band.lower, 4),
        "most likeness": round(band.upper, 4),
        "limits": band.source,
        "measures": {k: round(v, 4) for k, v in measured.items() if math.isfinite(v)},
        "rejected": dict(reasons_of([sampled])),
        "short": list(sampled.short),
        "pictures": [picture.row() for picture in sampled.pictures],
    }


def shortage(sampled: Sampled, shared: Shared) -> str:
    """Why there are fewer pictures than asked, and what to change; "" if there are as many."""
    kept, count = len(sampled.pictures), shared.config.count
    if kept >= count:
        return ""
    said = f"{kept} of {count} pictures passed"
    for reason, times in reasons_of([sampled]).items():
        tried = int(sampled.figures["tries"])
        return (
            f"{said}; of {tried} paintings most were rejected for: {reason} ({times} times). "
            f"{_advice(reason, shared)}"
        )
    return f"{said}; raise tries"


def require_pictures(sampled: Sampled, shared: Shared) -> None:
    """Raises NoFaceError where not one picture passed, with the most frequent reason."""
    if not sampled.pictures:
        raise NoFaceError(shortage(sampled, shared))


def _advice(reason: str, shared: Shared) -> str:
    band = shared.band
    if reason.startswith("unlike"):
        return (
            f"Set lower below {band.lower:.3f}, raise tries, or learn the person from more photos "
            "or in more steps"
        )
    if reason == "a copy by likeness":
        return f"Set upper above {band.upper:.3f}"
    if reason in ("a copy of another picture", "the same look as a picture that is kept"):
        return "Give more and other host pictures"
    if " is " in reason and shared.config.strict and "face" not in reason:
        return "Turn strict off, or raise tries"
    return "Give more host pictures with one large, clear face, raise tries, or take more steps"


def write_one(
    out: Path, shared: Shared, unit: Unit, sampled: Sampled, formats: Sequence[str]
) -> tuple[str, ...]:
    """Writes the set of this one person into the folder `out`, in these formats; notes.

    Raises AssetError if it cannot be written, and as `finish_set`.
    """
    write_part(out, folder_of(unit.person), key_of(unit, shared), sampled)
    title = f"Pictures of {unit.person.name}, painted by FaceA"
    _, notes = finish_set(out, shared, [unit], [Outcome(unit, sampled)], formats, title)
    return notes
