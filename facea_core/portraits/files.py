"""Templates in a folder: pictures, beside each a JSON file that says more of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from ..errors import ConfigError, ImageError
from ..io.captions import caption_of
from ..io.files import atomic_path
from ..io.images import check_mask, load_image, save_image
from ..io.mask_files import read_mask
from ..io.photos import photos_of
from ..settings import check_text

ENDING, KEEP = ".template.json", ".keep.png"


@dataclass(frozen=True)
class TemplateFile:
    """A picture and what its file says: `faces` as in `template.examine`."""

    path: Path
    image: Tensor
    prompt: str = ""
    faces: str = ""
    keep: Tensor | None = None


def add_template(
    picture: Path, folder: Path, prompt: str = "", faces: str = "", keep: Path | None = None
) -> Path:
    """Copies a picture into the folder, upright and in sRGB, with what is to be known of it.

    Returns the new picture. Raises ImageError for a picture that cannot be read, MaskError for a
    mask of another size, ConfigError where a template of that name is there already.
    """
    image, _ = load_image(picture, longest=None)
    target = folder / f"{picture.stem}.png"
    if target.exists():
        raise ConfigError(
            f"there is a template {target.name} in {folder} already; rename the picture, or take "
            "the old one away"
        )
    mask = None if keep is None else check_mask(read_mask(keep)[0], image)
    folder.mkdir(parents=True, exist_ok=True)
    said = {"prompt": check_text("the prompt", prompt), "faces": faces}
    if mask is not None:
        save_image(mask.expand(-1, 3, -1, -1), folder / f"{picture.stem}{KEEP}")
    with atomic_path(folder / f"{picture.stem}{ENDING}") as temporary:
        temporary.write_text(json.dumps(said, indent=2, ensure_ascii=False) + "\n", "utf-8")
    # Last: what is there when the picture is, is a whole template.
    save_image(image, target)
    return target


def template_files(paths: Sequence[Path]) -> list[Path]:
    """The templates' pictures among pictures and folders of them, by name.

    Raises ImageError if there is none.
    """
    files = [one for one in photos_of(paths) if not one.name.endswith(KEEP)]
    if not files:
        raise ImageError("there is no template; give pictures, or folders of them")
    return files


def read_template(path: Path) -> TemplateFile:
    """A picture is one without a JSON file too; its prompt is that of photo.txt beside it, if any.

    Raises ImageError and MaskError for what cannot be read, ConfigError for bad JSON.
    """
    image, _ = load_image(path, longest=None)
    sheet, keep = (path.with_name(path.stem + ending) for ending in (ENDING, KEEP))
    said = _said(sheet) if sheet.is_file() else {"prompt": caption_of(path), "faces": ""}
    mask = check_mask(read_mask(keep)[0], image) if keep.is_file() else None
    return TemplateFile(path, image, said["prompt"], said["faces"], mask)


def _said(sheet: Path) -> dict[str, str]:
    try:
        read = json.loads(sheet.read_text("utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(
            f"cannot read {sheet.name} ({error}); write it again, or delete it"
        ) from error
    known = {"prompt", "faces"}
    if (
        not isinstance(read, dict)
        or not read.keys() <= known
        or not all(isinstance(value, str) for value in read.values())
    ):
        raise ConfigError(
            f"{sheet.name} is no description of a template; it is like "
            '{"prompt": "at night", "faces": "0, 2"}'
        )
    return {name: check_text(name, read.get(name, "")) for name in known}
