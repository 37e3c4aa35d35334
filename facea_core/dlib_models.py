"""Where dlib's networks for photographs lie, if that extra is installed; none is imported."""

from __future__ import annotations

import importlib.util
from pathlib import Path

MODELS = "face_recognition_models"
INSTALL = "install it with: pip install dlib-bin face_recognition_models, or use the detector mesh"


def landmarks_available() -> bool:
    """Whether the optional packages (dlib and its models) are installed. Imports none of them."""
    return importlib.util.find_spec("dlib") is not None and model_folder() is not None


def model_folder() -> Path | None:
    """Where `face_recognition_models` keeps its files, or None if it is not installed.

    The package itself is not imported: it needs pkg_resources, which setuptools has dropped.
    """
    spec = importlib.util.find_spec(MODELS)
    places = spec.submodule_search_locations if spec else None
    return Path(next(iter(places))) / "models" if places else None
