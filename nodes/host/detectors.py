"""Detectors in ComfyUI: Grounding-DINO's weights in its model folders, its work on its device."""

from __future__ import annotations

from pathlib import Path

import comfy.model_management
import comfy.utils
import folder_paths

from ...facea_core import detection
from ...facea_core.detection.grounding.download import download
from ...facea_core.detection.grounding.places import find_weights, hub_folders
from ...facea_core.detection.grounding.releases import RELEASES
from ...facea_core.errors import AssetError
from ...facea_core.settings import check_installed
from .progress import Progress, say

AUTO = "auto"
FOLDER = "grounding-dino"
"""The name of the model folder, the one that other packs use too."""

_FETCH = {
    f"download {name} ({release.size / 1e6:.0f} MB)": name for name, release in RELEASES.items()
}
_ROOM = 3 << 30
"""Bytes that Grounding-DINO needs at work on a card, about."""


def register_detectors() -> None:
    """Make the folder known, unless another pack or extra_model_paths.yaml did. Makes no folder."""
    folder_paths.add_model_folder_path(FOLDER, str(Path(folder_paths.models_dir) / FOLDER))


def detector_folders() -> list[Path]:
    return [Path(folder) for folder in folder_paths.get_folder_paths(FOLDER)]


def detector_models() -> list[str]:
    """What a user can choose from: what is there, and what can be fetched."""
    there = dict.fromkeys(path.name for path in find_weights(detector_folders()))
    return [AUTO, *there, *_FETCH]


def open_detector(name: str, model: str, node_id: str | None) -> detection.Detector:
    """The detector of that name; `model` is one of `detector_models`.

    Fetches weights only if `model` says so, with a bar. Raises ConfigError for a file that is not
    there, also where the detector needs none, and what `load_detector` raises.
    """
    check_installed("detector_model", model, detector_models())
    alive = Progress(1, node_id).alive
    chosen = None
    if name not in ("tiny", "mesh", "landmarks"):
        if model in _FETCH:
            chosen = _fetched(_FETCH[model], node_id)
        elif model != AUTO:
            chosen = _file(model)
    device = comfy.model_management.get_torch_device()
    if chosen is not None or name.startswith("grounding"):
        comfy.model_management.free_memory(_ROOM, device)
    folders = [*detector_folders(), *hub_folders()]
    return detection.load_detector(
        name, model=chosen, folders=folders, device=device, on_work=alive
    )


def _file(name: str) -> Path:
    for path in find_weights(detector_folders()):
        if path.name == name:
            return path
    searched = ", ".join(map(str, detector_folders()))
    raise AssetError(f"there is no detector {name!r} in {searched}; choose another, or auto")


def _fetched(release: str, node_id: str | None) -> Path:
    for path in find_weights(detector_folders()):
        if path.name == RELEASES[release].file:
            return path
    folder = detector_folders()[0]
    say(f"downloading {RELEASES[release].file} …", node_id)
    progress = Progress(RELEASES[release].size, node_id)
    return download(release, folder, progress.at)
