"""The checks: packages, machine, models, detectors, folders. Each yields lines and imports late."""

from __future__ import annotations

import importlib.util
import platform
import re
import shutil
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ..errors import AssetError
from ..io.output_files import nearest_existing, require_writable_folder
from ..machine import available_memory
from ..version import __version__
from .places import Places, shell_places
from .values import NOTE, OK, PROBLEM, Line, looked_at

NEEDED = {
    "torch": "2.4", "numpy": "", "scipy": "", "pillow": "10.1", "safetensors": "",
    "diffusers": "0.32", "transformers": "4.48",
}  # fmt: skip
"""Packages that FaceA cannot do without, and from which version on; as in pyproject.toml."""

OPTIONAL = ("torchvision", "pillow-heif", "dlib-bin", "face_recognition_models")
"""Packages whose versions matter in a bug report."""

SHIPPED = (
    "checkpoints/facea-tiny.safetensors",
    "controlnet/facea-tiny-control.safetensors",
    "facea-tiny-detector.safetensors",
    "facea-tiny-identity.safetensors",
    "mediapipe-face.safetensors",
    "clip-tokenizer/vocab.json",
)
_POINTER = 1000
"""Bytes below which a model that ships is a pointer of git-lfs or cut off."""

_TINY = Path(SHIPPED[0]).name
_LITTLE, _FULL = 5e9, 0.5e9
_NAMED = 8


def examine(
    places: Places | None = None, more: Sequence[Line] = (), device: Any = None
) -> list[Line]:
    """Everything, in under three seconds once torch is imported. Never raises, writes nothing.

    `more` are a host's own lines, which come after the packages; `device` is where it works, None
    is for FaceA to choose.
    """
    lines = looked_at("packages", packages)
    lines += more
    lines += looked_at("device", lambda: the_device(device))
    try:
        places = places or shell_places()
    except OSError as error:
        return [*lines, Line("folders", PROBLEM, f"the current folder is gone ({error})", "cd")]
    there = places
    lines += looked_at("models", lambda: models(there))
    lines += looked_at("detectors", lambda: detectors(there))
    lines += looked_at("pictures", pictures)
    return lines + looked_at("folders", lambda: folders(there))


def installed(package: str) -> str | None:
    """The version of a package, without importing it; None if it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def packages() -> Iterator[Line]:
    yield Line("facea", OK, f"{__version__}, Python {platform.python_version()}, {_system()}")
    for name, least in NEEDED.items():
        found = installed(name)
        if found is None:
            yield Line(name, PROBLEM, "not installed", f"pip install {name}")
        elif _numbers(found) < _numbers(least):
            text = f"{found}; FaceA needs {least} or newer"
            yield Line(name, PROBLEM, text, f"pip install -U {name}")
        else:
            yield Line(name, OK, found)
    for name in OPTIONAL:
        yield Line(name, OK, installed(name) or "not installed (optional)")


def the_device(device: Any = None) -> Iterator[Line]:
    """What trains and paints, and with how much memory."""
    try:
        import torch
    except Exception as error:
        reason = str(error).strip().splitlines()[:1] or [type(error).__name__]
        remedy = "reinstall torch as pytorch.org says for this machine"
        yield Line("device", PROBLEM, f"torch cannot be imported ({reason[0]})", remedy)
        return
    device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    if device.type == "cuda":
        yield from _card(torch, device)
    elif device.type == "cpu":
        has_card = shutil.which("nvidia-smi") is not None
        if has_card and not torch.cuda.is_available():
            text = f"CPU, though there is an NVIDIA card: torch {torch.__version__} cannot use it"
            yield Line("device", PROBLEM, text, "install torch built for CUDA, or fix the driver")
        else:
            text = "CPU: facea-tiny trains in minutes, full-size models take hours"
            yield Line("device", NOTE, text, "train full-size models on a GPU")
    else:
        yield Line("device", OK, str(device))
    if (free := available_memory()) is not None:
        yield Line("memory", OK, f"{free / 1e9:.1f} GB free for this process")


def _card(torch: Any, device: Any) -> Iterator[Line]:
    from ..training.gpu.allocator import NOTE as SLOWER
    from ..training.gpu.allocator import is_async

    free, total = torch.cuda.mem_get_info(device)
    bf16 = "bf16" if torch.cuda.is_bf16_supported() else "no bf16"
    name = torch.cuda.get_device_name(device)
    text = f"{name}, {free / 1e9:.1f} of {total / 1e9:.1f} GB free, CUDA {torch.version.cuda}"
    yield Line("device", OK, f"{text}, {bf16}")
    slower, _, remedy = SLOWER.partition(": ")
    if is_async(device):
        yield Line("allocator", NOTE, slower, remedy)
    else:
        yield Line("allocator", OK, torch.cuda.get_allocator_backend())


def models(places: Places) -> Iterator[Line]:
    """What ships, by size; checkpoints by name only."""
    assets = Path(__file__).parents[1] / "assets"
    broken = [name for name in SHIPPED if not _is_whole(assets / name)]
    if broken:
        text = f"missing or cut off in {assets}: {', '.join(broken)}"
        yield Line("facea-tiny", PROBLEM, text, "reinstall the pack")
    else:
        yield Line("facea-tiny", OK, "all files that ship with FaceA are there")
    names = [name for name in places.checkpoint_names() if Path(name).name != _TINY]
    fit = [name for name in names if "inpaint" in name.lower()]
    sought = ", ".join(map(str, places.checkpoints)) or "no folder"
    remedy = "put an inpainting checkpoint of SD 1.5, SD 2 or SDXL there to paint photographs"
    if fit:
        yield Line("checkpoints", OK, f"{len(names)} in {sought}; for inpainting: {_listed(fit)}")
    else:
        text = f"{len(names)} in {sought}; none is called an inpainting model"
        yield Line("checkpoints", NOTE, text, remedy)


def detectors(places: Places) -> Iterator[Line]:
    """Which detectors can work here, and why one cannot."""
    from ..detection.grounding.places import find_weights
    from ..dlib_models import landmarks_available

    yield Line("mesh", OK, "available, for photographs")
    if landmarks_available():
        yield Line("landmarks", OK, "available, for photographs")
    else:
        text = "not available: dlib or face_recognition_models is not installed"
        remedy = "pip install dlib-bin face_recognition_models, to tell whose face a photo shows"
        yield Line("landmarks", NOTE, text, remedy)
    found = find_weights(places.grounding)
    sought = ", ".join(map(str, places.grounding)) or "no folder"
    if found:
        yield Line("grounding-dino", OK, f"available: {_listed([str(one) for one in found])}")
    else:
        remedy = "optional: choose a download in FaceA Attribute Detect or --detector-download"
        yield Line("grounding-dino", NOTE, f"no weights in {sought}", remedy)
    yield Line("tiny", OK, "available, for painted faces")


def pictures() -> Iterator[Line]:
    if importlib.util.find_spec("pillow_heif") is None:
        yield Line("HEIC", NOTE, "photos of iPhones cannot be read", "pip install pillow-heif")
    else:
        yield Line("HEIC", OK, "photos of iPhones can be read")


def folders(places: Places) -> Iterator[Line]:
    """Whether files can be written where FaceA writes, and how much room there is."""
    for what, folder in places.written.items():
        try:
            require_writable_folder(folder)
            free = shutil.disk_usage(nearest_existing(folder)).free
        except (AssetError, OSError) as error:
            yield Line(what, PROBLEM, str(error), f"make {folder} writable")
            continue
        text = f"{folder} can be written, {free / 1e9:.1f} GB free"
        if free < _FULL:
            yield Line(what, PROBLEM, text, "make room on this disk")
        elif free < _LITTLE:
            yield Line(what, NOTE, text, "make room on this disk soon")
        else:
            yield Line(what, OK, text)


def _is_whole(path: Path) -> bool:
    try:
        return path.stat().st_size > _POINTER
    except OSError:
        return False


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _numbers(text: str) -> tuple[int, ...]:
    """The leading numbers of a version: "2.11.0+cu130" is (2, 11, 0)."""
    found = re.match(r"\d+(\.\d+)*", text)
    return tuple(map(int, found[0].split("."))) if found else ()


def _system() -> str:
    return f"{platform.system()} {platform.machine()}"
