"""Files in ComfyUI's output folder, named and described as its own Save Image does."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any

import folder_paths
from comfy.cli_args import args

from ...facea_core.errors import AssetError, ConfigError, quoted
from ...facea_core.settings import check_text


def output_files(
    prefix: str, size: tuple[int, int], ending: str
) -> Iterator[tuple[Path, dict[str, str]]]:
    """New files, and how the front end is told of them; numbered on from those there are.

    `size` is (H, W), for prefixes that name it. Raises ConfigError for an empty prefix, AssetError
    for one that leads out of the output folder or names no place that can be.
    """
    folder, name, number, subfolder = _place("filename_prefix", prefix, size)
    for at in count():
        while True:
            file = f"{name.replace('%batch_num%', str(at))}_{number:05}_{ending}"
            number += 1
            if not os.path.lexists(os.path.join(folder, file)):
                break
        yield Path(folder, file), {"filename": file, "subfolder": subfolder, "type": "output"}


def output_folder(name: str) -> tuple[Path, str]:
    """A new folder in the output folder, and its name there with / between folders; numbered on
    from those there are. It can be made, and is not made yet.

    Raises ConfigError for an empty name, AssetError as `output_files` does.
    """
    folder, begun, number, subfolder = _place("folder", name, (0, 0))
    while os.path.lexists(os.path.join(folder, f"{begun}_{number:05}")):
        number += 1
    path = Path(folder, f"{begun}_{number:05}")
    try:
        path.mkdir(parents=True)
        path.rmdir()
    except (OSError, ValueError) as error:
        raise AssetError(
            f"cannot make the folder {quoted(name)} ({error}); give another"
        ) from error
    return path, (Path(subfolder) / path.name).as_posix()


def _place(setting: str, prefix: str, size: tuple[int, int]) -> tuple[str, str, int, str]:
    """Folder, beginning of a name, next number, and the folder's name in the output folder."""
    if not check_text(setting, prefix).strip():
        raise ConfigError(f"{setting} is empty; give the beginning of a name")
    height, width = size
    try:
        folder, name, number, subfolder, _ = folder_paths.get_save_image_path(
            prefix, folder_paths.get_output_directory(), width, height
        )
    except Exception as error:  # which is what the host raises
        reason = (str(error).splitlines() or [type(error).__name__])[0].strip("* ")
        raise AssetError(
            f"cannot save as {quoted(prefix)} ({reason}); give a name inside the output folder"
        ) from error
    return folder, name, number, subfolder


def graph_texts(prompt: Any, extra: Any) -> dict[str, str]:
    """The graph as Save Image writes it, JSON by name; nothing with `--disable-metadata`.

    `extra` is by name what the client sent with the prompt, for example the canvas.
    """
    if args.disable_metadata:
        return {}
    given = {} if prompt is None else {"prompt": prompt}
    # Programs may send anything.
    given |= extra if isinstance(extra, Mapping) else {}
    return {str(key): json.dumps(value) for key, value in given.items()}
