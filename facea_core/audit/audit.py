"""The audit of a set of photos before a person is learned from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from ..attributes import Attribute
from ..detection.base import FACE
from ..errors import AuditError, ImageError, NoFaceError
from ..evaluation.embedders import Embedder
from ..io.images import check_image
from ..types import FaceAttributes
from .alike import SAME_PERSON, face_cosines, group, pictures_alike
from .config import AuditConfig
from .judge import judge
from .measure import SHOWN, is_face, measure
from .values import AMBER, RED, Audit, Finding, Measures, PhotoAudit

_ENOUGH = 3
"""Photos of a person that the method is made for."""


def audit_photos(
    images: Sequence[Tensor],
    found: Sequence[Sequence[FaceAttributes]],
    table: Sequence[Attribute],
    config: AuditConfig | None = None,
    embedder: Embedder | None = None,
    names: Sequence[str] = (),
) -> Audit:
    """Red, amber or green for each photo `(1, 3, H, W)`, with reasons, and for the set.

    `found[i]` are the faces of photo i, the person's first; a face of score 0 is none. `table` are
    the attributes that will be learned. Without an embedder nobody asks whether all photos show one
    person; with two photos it can only say that they differ, and an embedder without an entry in
    SAME_PERSON only measures. `names` are what the photos are called, else "photo 1" and on.
    Raises ImageError for an image that cannot be used, no images, or other lengths.
    """
    config = config or AuditConfig()
    if not len(images) == len(found) or (names and len(names) != len(images)):
        raise ImageError(
            f"there are {len(images)} photos, faces of {len(found)} and {len(names)} names; give "
            "as many of each"
        )
    if not images:
        raise ImageError("there are no photos to audit; give at least one")
    names = tuple(names) or tuple(f"photo {i + 1}" for i in range(len(images)))
    images = [_checked(image, name) for image, name in zip(images, names, strict=True)]
    faces = [tuple(face for face in some if is_face(face)) for some in found]
    measures = [
        measure(image, some, table, config.resolution)
        for image, some in zip(images, faces, strict=True)
    ]
    asked = [one.name for one in table if one.name != FACE]
    findings = [
        judge(one, some, len(asked), config) for one, some in zip(measures, faces, strict=True)
    ]
    _find_copies(images, faces, names, measures, findings, config)
    notes = _find_strangers(images, faces, names, measures, findings, embedder)
    photos = tuple(
        PhotoAudit(name, tuple(some), one)
        for name, some, one in zip(names, findings, measures, strict=True)
    )
    yaws = [one.yaw for one in measures if one.yaw is not None]
    spread = max(yaws) - min(yaws) if len(yaws) > 1 else None
    return Audit(photos, tuple(of_the_set(photos, table, spread, config)), spread, notes)


def apply_policy(
    audit: Audit, found: Sequence[tuple[FaceAttributes, ...]], policy: str
) -> tuple[tuple[FaceAttributes, ...], ...]:
    """The faces that training may use: as many entries as photos, whatever the policy.

    "warn" keeps all; "skip" empties those of red photos and raises NoFaceError if none is left;
    "stop" raises AuditError with every red photo and its reasons.
    """
    if policy == "stop" and audit.red:
        raise AuditError(
            f"{len(audit.red)} of {len(audit.photos)} photos are not good enough: {_reasons(audit)}"
            " Give other photos, or set the policy to skip or warn"
        )
    if policy != "skip":
        return tuple(found)
    kept = tuple(() if i in audit.red else some for i, some in enumerate(found))
    if not any(kept):
        raise NoFaceError(
            f"none of the {len(kept)} photos is left to learn from: {_reasons(audit)} Give other "
            "photos, or set the policy to warn"
        )
    return kept


def _reasons(audit: Audit) -> str:
    lines = []
    for photo in (audit.photos[i] for i in audit.red):
        texts = [finding.text for finding in photo.findings if finding.status == RED]
        lines.append(f"{photo.name}: {'; '.join(texts)}.")
    return " ".join(lines)


def _checked(image: Tensor, name: str) -> Tensor:
    try:
        image = check_image(image)
    except ImageError as error:
        raise ImageError(f"{name}: {error}") from error
    if len(image) != 1:
        raise ImageError(f"{name}: one picture (1, 3, H, W) is needed, not {tuple(image.shape)}")
    return image


def _find_copies(
    images: Sequence[Tensor],
    faces: Sequence[tuple[FaceAttributes, ...]],
    names: Sequence[str],
    measures: list[Measures],
    findings: list[list[Finding]],
    config: AuditConfig,
) -> None:
    """Adds what is twice the same image; the best of each stays as it is."""
    count = len(images)
    whole, face = pictures_alike(images, [some[0] if some else None for some in faces])
    alike = torch.maximum(whole, face).fill_diagonal_(-1.0).tolist()
    copies = [[value >= config.likeness.red for value in row] for row in alike]

    def worth(i: int) -> tuple[bool, float, int]:
        red = any(finding.status == RED for finding in findings[i])
        one = measures[i]
        size = min(one.face_px or 0, SHOWN * config.resolution)
        # Of two that hardly differ the first is kept.
        return not red, round(size * (1 - round(one.blur or 0.0, 1))), -i

    best = {i: max(some, key=worth) for some in group(copies) for i in some}
    for i in range(count):
        others = [j for j in range(count) if j != i]
        if not others:
            return
        twin = max(others, key=lambda j: alike[i][j])
        measures[i] = replace(measures[i], twin=twin, twin_alike=alike[i][twin])
        like = f"{alike[i][twin]:.2f}"
        if best[i] != i:
            findings[i].append(
                Finding("duplicate", RED, f"the same picture as {names[best[i]]}, which is the "
                        f"better one (alike {alike[i][best[i]]:.2f}): give another photo")
            )  # fmt: skip
        elif alike[i][twin] >= config.likeness.amber and not copies[i][twin]:
            findings[i].append(
                Finding("alike", AMBER, f"almost the same picture as {names[twin]} (alike {like}): "
                        "another pose or light teaches more")
            )  # fmt: skip


def _find_strangers(
    images: Sequence[Tensor],
    faces: Sequence[tuple[FaceAttributes, ...]],
    names: Sequence[str],
    measures: list[Measures],
    findings: list[list[Finding]],
    embedder: Embedder | None,
) -> tuple[str, ...]:
    """Adds whose face is not like the others'; says what could not be judged."""
    there = [i for i, some in enumerate(faces) if some]
    if embedder is None:
        return ("nobody looked whether all photos show one person: no embedder was given",)
    if len(there) < 2:
        return ()
    cosines = face_cosines(
        [images[i] for i in there], [faces[i][0] for i in there], embedder
    ).tolist()
    count = len(there)
    for a, i in enumerate(there):
        mean = (sum(cosines[a]) - cosines[a][a]) / (count - 1)
        measures[i] = replace(measures[i], likeness=mean)
    if embedder.name not in SAME_PERSON:
        return (f"from where on the embedder {embedder.name} sees one person is not known",)
    other, same = SAME_PERSON[embedder.name]
    groups = group([[value >= same for value in row] for row in cosines])
    if len(groups) == 1:
        return ()
    main = groups[0]
    if len(main) > len(groups[1]):
        for a, i in enumerate(there):
            if a not in main:
                near = max(cosines[a][b] for b in main)
                sure = near < other
                text = "somebody else, it seems" if sure else "perhaps somebody else"
                findings[i].append(
                    Finding("stranger", RED if sure else AMBER, f"{text}: {near:.2f} alike with "
                            f"the nearest of the others; one person's photos are {same:.2f} and "
                            "more: look whether it is the same person")
                )  # fmt: skip
        return ()
    for a, i in enumerate(there):
        b = max((b for b in range(count) if b != a), key=lambda b: cosines[a][b])
        findings[i].append(
            Finding("stranger", AMBER, "the photos do not all look like one person, and none is in "
                    f"the majority: this one is {cosines[a][b]:.2f} alike with {names[there[b]]}, "
                    f"one person's are {same:.2f} and more: look who is meant")
        )  # fmt: skip
    return ()


def of_the_set(
    photos: Sequence[PhotoAudit],
    table: Sequence[Attribute],
    spread: float | None,
    config: AuditConfig,
) -> list[Finding]:
    """What is wrong with the photos together; `spread` is the range of their yaw in degrees."""
    found = []
    usable = [photo for photo in photos if photo.status != RED]
    if len(usable) < _ENOUGH:
        found.append(
            Finding("few_photos", AMBER, f"{len(usable)} of {len(photos)} photos can be used; "
                    f"{_ENOUGH} or more make a better likeness")
        )  # fmt: skip
    if spread is not None and spread < config.yaw_spread:
        found.append(
            Finding("same_direction", AMBER, "the head looks the same way in all photos (yaw "
                    f"within {spread:.0f} degrees): add one from another side")
        )  # fmt: skip
    never = [
        name for name in (one.name for one in table if one.name != FACE)
        if all(not one.measures.faces or name in one.measures.missing for one in photos)
    ]  # fmt: skip
    if never and any(photo.measures.faces for photo in photos):
        found.append(
            Finding("unseen_part", AMBER, f"no photo shows {', '.join(never)}: leave that out of "
                    "the attributes, or add a photo that does")
        )  # fmt: skip
    return found
