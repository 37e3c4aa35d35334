"""What was measured so far, a line of JSON per picture: a benchmark can stop anywhere and go on."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from facea_core.errors import AssetError, ConfigError
from facea_core.io.files import atomic_path
from facea_core.io.output_files import write_json

ABOUT, LINES = "benchmark.json", "pictures*.jsonl"
Row = Mapping[str, Any]


class Journal:
    """The lines of one process in `folder`; several processes have a file each.

    Raises ConfigError if the folder holds a benchmark that was told something else.
    """

    def __init__(self, folder: Path, about: Mapping[str, Any], share: int = 1) -> None:
        self.path = folder / (f"pictures-{share}.jsonl" if share > 1 else "pictures.jsonl")
        try:
            known = json.loads((folder / ABOUT).read_text("utf-8"))
        except FileNotFoundError:
            write_json(about, folder / ABOUT)
            known = about
        except (OSError, ValueError) as error:
            raise AssetError(f"cannot read {folder / ABOUT} ({error}); use a new folder") from error
        other = [f"{key}: {known.get(key)!r}, now {about[key]!r}" for key in about
                 if known.get(key) != about[key]]  # fmt: skip
        if other:
            raise ConfigError(
                f"{folder} holds another benchmark ({'; '.join(other)}); use a new folder"
            )
        _drop_torn_line(self.path)

    def add(self, row: Row) -> None:
        """On disk when it returns. Raises AssetError."""
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise AssetError(
                f"cannot write {self.path} ({error.strerror or error}); check the free space, then "
                "start it again: it goes on from here"
            ) from error


def read_rows(folder: str | Path) -> list[dict[str, Any]]:
    """All lines in the folder, by person, arm and scene, whoever wrote them; each picture once."""
    rows = {}
    for path in sorted(Path(folder).glob(LINES)):
        for row in _lines(path):
            rows[row["person"], row["arm"], row["scene"]] = row
    return [rows[key] for key in sorted(rows)]


def _lines(path: Path) -> Iterable[dict[str, Any]]:
    for line in path.read_text("utf-8").split("\n")[:-1]:
        yield json.loads(line)


def _drop_torn_line(path: Path) -> None:
    """A process that was killed may have written half of its last line."""
    if not path.exists() or path.read_bytes().endswith(b"\n"):
        return
    whole = path.read_bytes().rpartition(b"\n")[0]
    with atomic_path(path) as temporary:
        temporary.write_bytes(whole + b"\n" if whole else b"")
