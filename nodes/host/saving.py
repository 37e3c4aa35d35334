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
    if not check_text("filename_prefix", prefix).strip():
        raise ConfigError("filename_prefix is empty; give the beginning of a file's name")
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
    for at in count():
        while True:
            file = f"{name.replace('%batch_num%', str(at))}_{number:05}_{ending}"
            number += 1
            if not os.path.lexists(os.path.join(folder, file)):
                break
        yield Path(folder, file), {"filename": file, "subfolder": subfolder, "type": "output"}


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
