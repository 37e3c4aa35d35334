"""Real people for the benchmark: a folder of photos for each, and pictures to paint them into."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from facea_core.attributes import attribute_table
from facea_core.detection.base import Detector
from facea_core.detection.detect import DetectConfig, detect_attributes
from facea_core.errors import AssetError, ConfigError, ImageError, NoFaceError
from facea_core.identity.names import check_name
from facea_core.io.captions import caption_of
from facea_core.io.images import load_image
from facea_core.io.photos import read_photo
from facea_core.training.origin import photos_hash
from facea_core.types import Photo

from .metrics import PARTS
from .subjects import Scene, Subject

PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".heic", ".tif", ".tiff", ".bmp")
_LOG = logging.getLogger(__name__)

HELDOUT, ABOUT = "heldout", "about.json"


def person_folders(folder: Path) -> list[Path]:
    """The people of a folder, by name. Raises ConfigError if there are none, or a bad name."""
    found = sorted(path for path in folder.glob("*") if path.is_dir() and pictures(path))
    if not found:
        raise ConfigError(
            f"{folder} holds no folders with photos; make one per person, named after them, with "
            f"photos to learn from, others in {HELDOUT}/, and {ABOUT} with their noun"
        )
    for path in found:
        check_name(path.name)
    return found


def pictures(folder: Path) -> list[Path]:
    """The pictures right in a folder, by name."""
    return sorted(p for p in folder.glob("*") if p.suffix.lower() in PICTURES and p.is_file())


def read_scenes(folder: Path, count: int, detector: Detector) -> list[Scene]:
    """The first `count` pictures with a face; `NAME.txt` beside one is what is asked for in it.

    Raises ConfigError if there are fewer, NoFaceError for one without a face.
    """
    paths = pictures(folder)
    if len(paths) < count:
        raise ConfigError(f"{folder} holds {len(paths)} pictures to paint into, and {count} scenes "
                          "are asked for; add some, or ask for fewer")  # fmt: skip
    scenes = []
    for path in paths[:count]:
        image, _ = load_image(path)
        (face,) = detect_attributes([image], detector, _searched("face"))
        if face is None or face.score == 0:
            raise NoFaceError(f"no face was found in {path}; give another picture to paint into")
        said = path.with_suffix(".txt")
        prompt = said.read_text("utf-8").strip() if said.is_file() else ""
        scenes.append(Scene(path.stem, image, face, face.face, prompt))
    return scenes


def read_subject(folder: Path, number: int, scenes: Sequence[Scene], detector: Detector) -> Subject:
    """The person of a folder: photos right in it, others in `heldout/`, `about.json` about them.

    `about.json` may say `noun`, `attributes` and `caption`, and photo.txt what photo.jpg shows.
    Raises ImageError if no photo shows a face, AssetError if `about.json` cannot be read.
    """
    about = _about(folder / ABOUT)
    attributes = about.get("attributes", "female" if about.get("noun") == "woman" else "male")
    noun = about.get("noun", "person")
    photos = _photos(folder, detector, attributes)
    captions = [caption_of(folder / photo.name) for photo in photos]
    said = [replace(photo, caption=text) for photo, text in zip(photos, captions, strict=True)]
    heldout = _photos(folder / HELDOUT, detector, "face", needed=False)
    around = [Photo(scene.image, scene.target) for scene in scenes]
    return Subject(
        name=folder.name,
        number=number,
        noun=noun,
        attributes=attributes,
        photos=photos,
        heldout=heldout,
        scenes=scenes,
        caption=about.get("caption", f"a photo of a {noun}"),
        captions=captions,
        made_of=photos_hash([*said, *heldout, *around]),
    )


def _photos(
    folder: Path, detector: Detector, attributes: str, *, needed: bool = True
) -> list[Photo]:
    photos = []
    for path in pictures(folder):
        photo = read_photo(path)
        if photo.image is None:
            _LOG.warning("FaceA: left out: %s", photo.problem)
            continue
        (face,) = detect_attributes([photo.image], detector, _searched(attributes))
        if face is not None and face.score > 0:
            photos.append(Photo(photo.image, face, path.name))
    if needed and not photos:
        raise ImageError(f"no face was found in the photos of {folder}; give others")
    return photos


def _searched(attributes: str) -> DetectConfig:
    """Those, and what is compared. A part that a photo does not show is learned from the others."""
    names = dict.fromkeys([*(a.name for a in attribute_table(attributes)), *PARTS])
    return DetectConfig(", ".join(names), on_missing="pass")


def _about(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    try:
        said = json.loads(path.read_text("utf-8"))
        return {str(key): str(value) for key, value in said.items()}
    except (OSError, ValueError, AttributeError) as error:
        raise AssetError(
            f'cannot read {path} ({error}); write for example {{"noun": "woman"}}'
        ) from error
