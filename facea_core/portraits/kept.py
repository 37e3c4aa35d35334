"""Portraits on disk as soon as each is there: a run that is stopped goes on, the best come first.

What is known of each lies under `.parts`, by the key of everything that it depends on, and so does
the picture until it gets a name by its rank, which changes when others come.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from glob import escape
from pathlib import Path
from typing import Any

from ..errors import AssetError, FaceAError
from ..io.files import atomic_path, read_plain
from ..io.generated_images import generated_bytes
from ..io.hashes import has_sha256
from ..types import Composition
from .ranking import ranked, score

PARTS, LIST = ".parts", "portraits.json"

_LARGEST = 1 << 26


@dataclass(frozen=True)
class Portrait:
    """One portrait: the name of its template, its `score` (see `ranking`), the boxes of its crops
    and the notes on them. `sha256` is that of its PNG."""

    template: str
    sha256: str
    score: float | None = None
    crops: tuple[tuple[int, ...], ...] = ()
    notes: tuple[str, ...] = ()


def write_portrait(out: Path, key: str, template: str, made: Composition) -> Portrait:
    """Raises AssetError where nothing can be written."""
    data, _ = generated_bytes(made.image, "PNG")
    crops = tuple(tuple(plan.box) for plan in made.plans)
    one = Portrait(template, hashlib.sha256(data).hexdigest(), score(made), crops, made.notes)
    parts = out / PARTS
    with atomic_path(parts / f"{key}.png") as temporary:
        temporary.write_bytes(data)
    # Last: a portrait without it is painted again.
    with atomic_path(parts / f"{key}.json") as temporary:
        temporary.write_text(json.dumps(asdict(one)), "utf-8")
    return one


def read_portrait(out: Path, key: str) -> Portrait | None:
    """What was painted under that key; None if it is not there, or another picture by now."""
    try:
        said = json.loads(read_plain(out / PARTS / f"{key}.json", _LARGEST))
        crops, notes = (tuple(said.pop(name)) for name in ("crops", "notes"))
        one = Portrait(**said, crops=tuple(map(tuple, crops)), notes=notes)
        return one if _found(out, key, one) else None
    except (OSError, ValueError, KeyError, TypeError, FaceAError):
        return None


def rank_portraits(out: Path, portraits: Mapping[str, Portrait]) -> list[tuple[str, Portrait]]:
    """Names the portraits, by key, by their rank and lists them in portraits.json.

    Portraits that an earlier list has and this one has not are taken away, where they are still
    what it lists. Raises AssetError where nothing can be written.
    """
    keys = list(portraits)
    order = [keys[number] for number in ranked([portraits[key].score for key in keys])]
    digits = max(len(str(len(order))), 2)
    names = {
        key: f"{place:0{digits}}-{portraits[key].template}.png"
        for place, key in enumerate(order, start=1)
    }
    before = _listed(out)
    _rename(out, names, portraits)
    entries = [{"image": names[key], **_entry(portraits[key])} for key in order]
    with atomic_path(out / LIST) as temporary:
        temporary.write_text(json.dumps({"portraits": entries}, indent=2) + "\n", "utf-8")
    for name, sha256 in before.items():
        if name not in names.values() and has_sha256(out / name, sha256):
            (out / name).unlink(missing_ok=True)
    for part in (out / PARTS).glob("*.*"):
        if part.stem not in portraits:
            part.unlink(missing_ok=True)
    return [(names[key], portraits[key]) for key in order]


def _entry(one: Portrait) -> dict[str, Any]:
    said = asdict(one)
    return {name: said[name] for name in ("template", "score", "crops", "notes", "sha256")}


def _found(out: Path, key: str, one: Portrait) -> Path | None:
    """Where the picture lies: in the parts, or under a name of any rank."""
    named = sorted(out.glob(f"*-{escape(one.template)}.png"))
    places = (out / PARTS / f"{key}.png", *named)
    return next((path for path in places if has_sha256(path, one.sha256)), None)


def _rename(out: Path, names: Mapping[str, str], portraits: Mapping[str, Portrait]) -> None:
    """Through the parts, for one may have another's name; a kill in between loses none."""
    try:
        for key, name in names.items():
            place = _found(out, key, portraits[key])
            if place is not None and place != out / name:
                os.replace(place, out / PARTS / f"{key}.png")
        for key, name in names.items():
            if (part := out / PARTS / f"{key}.png").is_file():
                os.replace(part, out / name)
    except OSError as error:
        raise AssetError(
            f"cannot rename portraits in {out} ({error.strerror}); check its permissions"
        ) from error


def _listed(out: Path) -> dict[str, str]:
    """Name -> SHA-256 of the portraits that lie in the folder by an earlier list."""
    try:
        entries: Sequence[Any] = json.loads(read_plain(out / LIST, _LARGEST))["portraits"]
        some = {str(one["image"]): str(one["sha256"]) for one in entries}
    except (OSError, ValueError, KeyError, TypeError, FaceAError):
        return {}
    return {name: sha256 for name, sha256 in some.items() if Path(name).name == name}
