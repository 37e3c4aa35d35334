"""The photos that a person is learned from: read, faces found, red ones left out.

What is done to each, and what is left out, is said with `on_note`, a line each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ..attributes import Attribute, attribute_table
from ..detection.base import Detector
from ..detection.config import DetectConfig
from ..detection.found import detect_named
from ..detection.user_masks import OwnMasks
from ..errors import AuditError, TrainingError
from ..io.captions import caption_of, has_caption
from ..io.photos import read_given
from ..types import Photo
from .alike import audit_embedder
from .audit import apply_policy, audit_photos
from .captions import captioned
from .config import AuditConfig
from .values import Audit

OnNote = Callable[[str], object]


def found_photos(
    paths: Sequence[Path],
    detector: Detector,
    config: DetectConfig,
    policy: str,
    on_note: OnNote,
    *,
    captions: bool = False,
    own: Sequence[OwnMasks] | None = None,
    on_photo: Callable[[], object] = lambda: None,
    on_file: Callable[[], object] = lambda: None,
) -> tuple[list[Photo], dict[Photo, Path]]:
    """The photos with their faces; `captions` = with what the .txt file beside each says. Then
    the files of those that lack one and are to have it, for `named_photos`.

    `own` are the user's masks of each; `on_file` is called before each is read, which all are
    first, `on_photo` when each is done. One that cannot be read is left out, whatever was said of
    red ones, or an error with the policy "stop". Raises TrainingError where no photo is left, and
    as `read_given` and `detect_attributes` do.
    """
    if not paths:
        raise TrainingError("there are no photos to learn from; give three of one person")
    attribute_table(config.attributes)
    given, photos, bare = read_given(paths, on_file), [], {}
    problems = [photo.problem for photo in given if photo.problem]
    if problems and policy == "stop":
        raise AuditError(
            f"{len(problems)} of {len(given)} photos cannot be read: {'; '.join(problems)}"
        )
    for number, (path, image, done, error) in enumerate(given):
        if image is None:
            on_note(f"left out: {error}")
            on_photo()
            continue
        (face,) = detect_named(path, image, detector, config, own[number] if own else None)
        on_photo()
        if face is None:
            on_note(f"{path}: left out, for not everything was found in it")
            continue
        for text in (*done, *face.notes):
            on_note(f"{path}: {text}")
        photos.append(Photo(image, face, path.name, done, caption_of(path) if captions else ""))
        if captions and not has_caption(path):
            bare[photos[-1]] = path
    if not photos:
        raise TrainingError("no photo is left to learn from; give others, or on_missing pass")
    return photos, bare


def audited_photos(
    photos: Sequence[Photo], table: Sequence[Attribute], config: AuditConfig, on_note: OnNote
) -> list[Photo]:
    """Those that may be learned from, after `config.policy`. Raises as `apply_policy` does."""
    found = [(photo.attributes,) for photo in photos]
    audit = audit_photos(
        [photo.image for photo in photos],
        found,
        table,
        config,
        audit_embedder("auto", config.resolution),
        distinct_names([Path(photo.name) for photo in photos]),
    )
    for line in _findings(audit):
        on_note(line)
    kept = apply_policy(audit, found, config.policy)
    for photo, faces in zip(photos, kept, strict=True):
        if not faces:
            on_note(f"{photo.name}: left out, for it is red")
    return [photo for photo, faces in zip(photos, kept, strict=True) if faces]


def named_photos(
    photos: Sequence[Photo],
    bare: Mapping[Photo, Path],
    on_note: OnNote,
    alive: Callable[[], object] = lambda: None,
) -> list[Photo]:
    """The photos, those in `bare` with a caption of what is seen of them (`captioned`).

    `alive` is called before each: raise in it to cancel.
    """

    def on_photo(*_: int) -> None:
        alive()

    named = captioned(photos, bare, on_photo)
    for before, photo in zip(photos, named, strict=True):
        if before in bare:
            on_note(f"{bare[before]}: said of it: {photo.caption or 'nothing'}")
    return named


def distinct_names(paths: Sequence[Path]) -> list[str]:
    """File names, with their folders where two are the same."""
    names = [path.name for path in paths]
    return [str(path) if names.count(path.name) > 1 else path.name for path in paths]


def _findings(audit: Audit) -> list[str]:
    everything = ", ".join(photo.name for photo in audit.photos)
    of_each = [(photo.name, finding) for photo in audit.photos for finding in photo.findings]
    of_all = [(everything, finding) for finding in audit.findings]
    return [f"{name}: {one.status}: {one.text}" for name, one in (*of_each, *of_all)]
