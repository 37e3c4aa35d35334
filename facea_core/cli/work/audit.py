"""`facea audit`: from photos to verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from ...attributes import Attribute
from ...audit import (
    Audit,
    AuditConfig,
    apply_policy,
    audit_embedder,
    audit_json,
    audit_photos,
    audit_text,
    draw_audit,
    upright_photo,
    with_unreadable,
)
from ...audit.learnable import distinct_names
from ...detection.config import EVERY_FACE, DetectConfig
from ...detection.detect import detect_faces
from ...detection.user_masks import fitted, put_on, read_own_masks
from ...errors import ImageError
from ...evaluation.embedders import Embedder
from ...io.images import picture_format, save_image
from ...io.output_files import require_writable_folder
from ...io.photos import ReadPhoto, photos_of, read_given
from ...types import FaceAttributes
from ..forms import AuditCommand
from ..talk import bar, hand_over, inked, notes, require_outputs, say
from .detectors import open_detector

NOTHING = torch.full((1, 3, 240, 320), 0.5)
"""What is drawn where a photo could not be read."""


def audit_files(flags: AuditCommand, detection: DetectConfig, config: AuditConfig) -> None:
    flags = replace(flags, images=photos_of(flags.images))
    if not flags.images:
        raise ImageError("there are no photos to audit; give at least one file")
    if flags.overlay is not None:
        picture_format(flags.overlay)
    require_outputs(flags.json, flags.overlay)
    if flags.crops is not None:
        require_writable_folder(flags.crops)
    own = read_own_masks(flags.images, flags.own_masks) if flags.own_masks else None
    embedder = audit_embedder(flags.embedder, config.resolution)
    given = read_given(flags.images)
    detector, found = open_detector(flags), []
    with bar("detecting", len(given), "photo") as shown:
        for number, photo in enumerate(given):
            found.append(())
            if photo.image is not None:
                notes(str(photo.path), photo.notes)
                faces = detect_faces(photo.image, detector, detection)
                faces = chosen_first(faces, detection.face_index)
                if own:
                    size = (photo.image.shape[-2], photo.image.shape[-1])
                    masks = fitted(own[number], photo.image, str(photo.path))
                    faces = put_on(faces, masks, size)
                found[-1] = faces
            shown.update()

    audit = audit_given(given, found, detection.table, config, embedder)
    images = [NOTHING if photo.image is None else photo.image for photo in given]
    if flags.overlay is not None:
        save_image(in_a_row(list(draw_audit(images, found, audit))), flags.overlay)
    if flags.crops is not None:
        write_crops(flags.images, images, found, flags.crops, flags.crop_size)
    hand_over(audit_json(audit), flags.json)
    if str(flags.json) != "-":
        say(audit_text(audit, inked))
    # Last: what was asked for is written before an error ends the command. To leave photos out
    # means something to who learns from them.
    if config.policy == "stop":
        apply_policy(audit, found, config.policy)


def audit_given(
    given: Sequence[ReadPhoto],
    found: Sequence[tuple[FaceAttributes, ...]],
    table: Sequence[Attribute],
    config: AuditConfig,
    embedder: Embedder | None,
) -> Audit:
    """`audit_photos` of the photos that could be read; the others are red."""
    names = distinct_names([photo.path for photo in given])
    there = [i for i, photo in enumerate(given) if photo.image is not None]
    images = [photo.image for photo in given if photo.image is not None]
    audit = audit_photos(
        images, [found[i] for i in there], table, config, embedder, [names[i] for i in there]
    )
    problems = {i: (names[i], photo.problem) for i, photo in enumerate(given) if photo.problem}
    return with_unreadable(audit, problems, table, config) if problems else audit


def chosen_first(faces: Sequence[FaceAttributes], index: int) -> tuple[FaceAttributes, ...]:
    """The faces with number `index` in front; none if there is no such face."""
    index = 0 if index == EVERY_FACE else index
    if index >= len(faces):
        return ()
    return (faces[index], *faces[:index], *faces[index + 1 :])


def in_a_row(pictures: Sequence[Tensor]) -> Tensor:
    """Images of any size side by side, white below the lower ones, `(1, 3, H, W)`."""
    height = max(picture.shape[2] for picture in pictures)
    return torch.cat(
        [F.pad(one, (0, 0, 0, height - one.shape[2]), value=1.0) for one in pictures], dim=3
    )


def write_crops(
    paths: Sequence[Path],
    images: Sequence[Tensor],
    found: Sequence[tuple[FaceAttributes, ...]],
    folder: Path,
    side: int,
) -> None:
    """`NAME.face.png` of each photo with a face; numbered where two photos have one name."""
    taken: set[str] = set()
    for number, (path, image, faces) in enumerate(zip(paths, images, found, strict=True), start=1):
        if faces:
            name = path.stem if path.stem not in taken else f"{path.stem}-{number}"
            taken.add(name)
            save_image(upright_photo(image, faces[0], side)[0], folder / f"{name}.face.png")
