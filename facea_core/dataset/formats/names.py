"""The formats a set of pictures can be written in, without torch: for flags, schemas and help."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from types import MappingProxyType

from ...errors import ConfigError, MissingDependencyError
from ...settings import check_installed, check_text

HELP = MappingProxyType(
    {
        "folder": "images/, a folder for each person (torchvision's ImageFolder)",
        "aligned": "aligned/, faces of 112x112 pixels at ArcFace's places, for face recognisers",
        "recordio": "recordio/, the aligned faces as train.rec and train.idx (insightface)",
        "webdataset": "webdataset/, tar files of at most 1000 pictures in mixed order",
        "parquet": "parquet/, tables with the pictures inside (Hugging Face datasets)",
        "kohya": "kohya/, pictures with captions beside them (LoRA trainers, ComfyUI's too)",
    }
)
"""A line of help for each format."""

FORMATS = tuple(HELP)

NEEDS = MappingProxyType({"webdataset": "webdataset", "parquet": "pyarrow"})
"""The package that a format is written with, where it is not one of FaceA's own."""


def parse_formats(text: str) -> tuple[str, ...]:
    """Names separated by commas or spaces as a tuple in the order of `FORMATS`, each once.

    Raises ConfigError for an unknown name, which names the nearest, and for none.
    """
    names = check_text("formats", text).replace(",", " ").split()
    if not names:
        raise ConfigError(f"no format is named; choose of {', '.join(FORMATS)}")
    for name in names:
        check_installed("format", name, FORMATS)
    return tuple(name for name in FORMATS if name in names)


def require_formats(formats: Iterable[str]) -> None:
    """Raises MissingDependencyError where packages are missing that `formats` are written with.

    Meant for the moment before hours of painting. Raises ConfigError for an unknown format.
    """
    chosen = set(formats)
    for name in chosen:
        check_installed("format", name, FORMATS)
    missing = [
        (name, package)
        for name, package in NEEDS.items()
        if name in chosen and importlib.util.find_spec(package) is None
    ]
    if missing:
        names, packages = zip(*missing, strict=True)
        raise MissingDependencyError(
            f"packages are missing for the formats {', '.join(names)}: "
            f"pip install {' '.join(packages)}"
        )
