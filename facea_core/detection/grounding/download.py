"""Grounding-DINO's published weights, fetched when somebody asks for them and at no other time."""

from __future__ import annotations

import hashlib
import http.client
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...errors import AssetError, ConfigError, quoted
from ...io.output_files import require_writable_folder
from .releases import RELEASES, Release

OnBytes = Callable[[int, int], None]
"""Called with (bytes there, bytes in all). To cancel, raise: what is there stays for next time."""

_CHUNK = 1 << 20
_TIMEOUT = 30.0


def download(
    name: str, folder: str | Path, on_bytes: OnBytes | None = None, release: Release | None = None
) -> Path:
    """The file of release `name` in `folder`; fetched unless it is there already.

    It grows under the name `<file>.part`, and a later call resumes it. It gets its name only when
    its length and SHA-256 are those of the release. Raises ConfigError for an unknown
    name and AssetError if the folder cannot be written, the network fails or the file is not the
    published one.
    """
    if release is None:
        if name not in RELEASES:
            raise ConfigError(
                f"unknown release {quoted(name)}; choose one of {', '.join(RELEASES)}"
            )
        release = RELEASES[name]
    folder = Path(folder)
    whole, part = folder / release.file, folder / f"{release.file}.part"
    if whole.exists():
        return whole
    require_writable_folder(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not part.exists() or part.stat().st_size < release.size:
            _fetch(release, part, on_bytes)
        _check(release, part)
        os.replace(part, whole)
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError) as error:
        reason = getattr(error, "reason", None) or error
        raise AssetError(
            f"cannot fetch {release.url} ({reason}); try again, it goes on where it stopped, or "
            f"put the file into {folder} yourself"
        ) from error
    except AssetError:
        raise
    except OSError as error:
        raise AssetError(
            f"cannot write {part} ({error.strerror or error}); check the free space"
        ) from error
    return whole


def _fetch(release: Release, part: Path, on_bytes: OnBytes | None) -> None:
    done = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(release.url, headers={"User-Agent": "FaceA"})
    if done:
        request.add_header("Range", f"bytes={done}-")
    with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:
        # A server that does not know ranges sends everything again.
        if answer.status != 206:
            done = 0
        with open(part, "r+b" if done else "wb") as file:
            file.seek(done)
            while chunk := _read(answer):
                file.write(chunk)
                done += len(chunk)
                if on_bytes:
                    on_bytes(done, release.size)


def _read(answer: Any) -> bytes:
    try:
        return answer.read(_CHUNK)
    except OSError as error:
        # Told apart from errors of the disk.
        raise urllib.error.URLError(error) from error


def _check(release: Release, part: Path) -> None:
    size = part.stat().st_size
    if size < release.size:
        raise AssetError(
            f"the connection ended after {size} of {release.size} bytes of {release.file}; try "
            "again, it goes on from there"
        )
    digest = hashlib.sha256()
    with open(part, "rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    if digest.hexdigest() != release.sha256:
        part.unlink()
        raise AssetError(
            f"{release.url} gave {size} bytes that are not the published {release.file} (SHA-256 "
            f"{release.sha256}); they were thrown away: try another network, or fetch it yourself"
        )
