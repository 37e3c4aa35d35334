"""Many damaged photos repaired into a folder: each on disk as soon as it is done."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ...errors import ConfigError, FaceAError
from ...io.files import read_plain
from ...io.generated_images import save_generated
from ...io.hashes import has_sha256, hash_of, sha256_of
from ...io.output_files import require_writable_folder, write_json
from ...io.photos import ENDINGS, photos_of
from ...version import __version__
from ..restoring import RestoreCommand
from ..talk import bar, hand_over, note, notes, require_outputs, say
from .enrolled import model_key
from .workshop import Workshop

LIST = "restored.json"

_FOR_ONE = ("mask", "region", "scratches", "pre_cleaned")
_LARGEST = 1 << 28


def check_album(flags: RestoreCommand) -> list[Path]:
    """The photos. Raises ConfigError for flags that are for a single one, and for a folder that is
    that of the photos, AssetError if nothing can be written."""
    for name in _FOR_ONE:
        if getattr(flags, name) is not None:
            raise ConfigError(f"--{name.replace('_', '-')} is for one photo; repair it by itself")
    for flag, folder in (("--out", flags.out), ("--strip", flags.strip)):
        if folder is not None and folder.suffix.lower() in ENDINGS:
            raise ConfigError(f"{flag} is {folder}; several photos need a folder")
    files = list(photos_of(flags.photos))
    folders = {path.parent.resolve() for path in files}
    if flags.out.resolve() in folders:
        raise ConfigError(f"--out is the folder of the photos, {flags.out}; give another one")
    require_writable_folder(flags.out)
    require_outputs(flags.json)
    return files


def restore_album(workshop: Workshop, files: Sequence[Path]) -> None:
    """Repairs one photo after the other; what an earlier run has repaired alike is found, and what
    cannot be repaired is listed with the reason."""
    flags, about = workshop.flags, _about(workshop)
    known = _listed(flags.out)
    done: dict[str, dict[str, Any]] = {}
    try:
        with bar("restoring", len(files), "photo") as shown:
            for path in files:
                entry = _entry(workshop, path, about, known)
                done[str(path)] = known[str(path)] = entry
                write_json({"photos": list(known.values())}, flags.out / LIST)
                shown.update()
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"stopped; {len(done)} of {len(files)} photos are done, and the same command goes on "
            "with the others"
        ) from None
    hand_over({"photos": list(done.values())}, flags.json)
    repaired = sum("image" in one for one in done.values())
    if not repaired:
        raise FaceAError(f"none of the {len(files)} photos was repaired; the reasons are above")
    if str(flags.json) != "-":
        say(f"{repaired} of {len(files)} photos repaired, in {flags.out}")


def _entry(
    workshop: Workshop, path: Path, about: Mapping[str, object], known: Mapping[str, dict[str, Any]]
) -> dict[str, Any]:
    """What became of a photo: found, repaired and written, or left out with the reason."""
    flags, before = workshop.flags, known.get(str(path), {})
    try:
        key = hash_of({**about, "photo": sha256_of(path)})
    except FaceAError as error:
        return _left_out(path, error)
    there = flags.out / before.get("image", "")
    if before.get("key") == key and has_sha256(there, before.get("sha256")):
        return before
    workshop.load()  # What cannot be loaded is no photo's fault.
    try:
        made = workshop.repair(path)
        name = _name(path, {one.get("image", "") for other, one in known.items()
                            if other != str(path)})  # fmt: skip
        save_generated(made.image, flags.out / name)
        if flags.strip is not None and made.strip is not None:
            save_generated(made.strip, flags.strip / name)
    except FaceAError as error:
        return _left_out(path, error)
    notes(str(path), made.notes)
    return {
        "photo": str(path), "image": name, **made.figures, "notes": made.notes, "key": key,
        "sha256": sha256_of(flags.out / name),
    }  # fmt: skip


def _left_out(path: Path, error: FaceAError) -> dict[str, Any]:
    note(f"{path}: left out, {error}")
    return {"photo": str(path), "problem": str(error)}


def _about(workshop: Workshop) -> Mapping[str, object]:
    """What all repaired photos depend on."""
    flags = workshop.flags
    settings = (workshop.config, workshop.painting, workshop.detection)
    return {
        "version": __version__, "settings": [asdict(one) for one in settings],
        "base": model_key(str(flags.base), flags.vae, flags.prediction),
        "people": [sha256_of(path) for path in flags.identity],
        "references": [sha256_of(path) for path in photos_of(flags.references)],
        "match": flags.match, "prompt": flags.prompt, "detector": flags.detector,
    }  # fmt: skip


def _name(path: Path, taken: set[str]) -> str:
    """The photo's name as PNG, with a number where another one of the folder has it."""
    name, number = f"{path.stem}.png", 1
    while name in taken:
        number += 1
        name = f"{path.stem}-{number}.png"
    return name


def _listed(out: Path) -> dict[str, dict[str, Any]]:
    """Photo -> what became of it by the list that lies in the folder."""
    try:
        entries = json.loads(read_plain(out / LIST, _LARGEST))["photos"]
        return {str(one["photo"]): dict(one) for one in entries}
    except (OSError, ValueError, KeyError, TypeError, FaceAError):
        return {}
