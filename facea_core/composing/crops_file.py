"""A file that says where crops belong, so that they can be put back another day."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from ..errors import AssetError, ConfigError, ImageError
from ..io.files import atomic_path, open_plain
from ..io.tensor_files import check_seal, parse_json, read_header, read_tensors, sealed
from .batch import Jobs
from .config import ComposeConfig
from .cropped import FaceCrops, crop_faces
from .faces import TargetFace

META = "facea_crops"
"""The metadata's key of what is not tensors."""


def save_crops(given: FaceCrops, path: str | Path) -> None:
    """Write where the crops of one picture belong, without the picture: masks and settings.

    Whole or not at all. Raises AssetError, and ImageError for crops of several pictures.
    """
    if len(given.jobs) != 1:
        raise ImageError(f"the crops of one picture fit into a file, not of {len(given.jobs)}")
    (job,) = given.jobs
    tensors: dict[str, Tensor] = {}
    for number, face in enumerate(job.faces):
        tensors[f"mask.{number}"] = face.mask.float().contiguous()
        if face.around is not None:
            tensors[f"around.{number}"] = face.around.float().contiguous()
    about = {
        "side": given.side,
        "config": asdict(given.config),
        "size": list(job.image.shape[-2:]),
        "image": _fingerprint(job.image),
    }
    with atomic_path(Path(path)) as temporary:
        temporary.write_bytes(sealed(tensors, {META: json.dumps(about)}, META))


def load_crops(path: str | Path, image: Tensor) -> FaceCrops:
    """The crops of `image (1, 3, H, W)` as they were when the file was written.

    Raises AssetError for a file that cannot be read or is none of FaceA's, ImageError for a picture
    of another size. Another picture of the same size leaves a note.
    """
    path = Path(path)
    try:
        with open_plain(path) as file:
            header = read_header(file)
            about = parse_json(header.metadata[META])
            tensors = read_tensors(file, header)
            check_seal(header, tensors, META)
        size, side, config = tuple(about["size"]), about["side"], ComposeConfig(**about["config"])
        faces = [_face(tensors, number, size) for number in range(_count(tensors))]
    except OSError as error:
        raise AssetError(f"cannot read {path} ({error.strerror or error})") from error
    except (ConfigError, KeyError, TypeError, ValueError) as error:
        raise AssetError(
            f"{path.name} does not say where crops belong ({error}); give the file that `facea "
            "crop` wrote"
        ) from error
    if tuple(image.shape[-2:]) != size:
        raise ImageError(
            f"the picture is {tuple(image.shape[-2:])} (H, W), and the crops were cut from {size}; "
            "give the picture that they were cut from"
        )
    given = crop_faces(Jobs.of(image, faces), side, config)
    if _fingerprint(image) == about["image"]:
        return given
    other = "this is not the picture that the crops were cut from"
    return replace(given, notes=(*given.notes, other))


def _count(tensors: dict[str, Any]) -> int:
    return sum(name.startswith("mask.") for name in tensors)


def _face(tensors: dict[str, Tensor], number: int, size: tuple[int, ...]) -> TargetFace:
    mask, around = tensors[f"mask.{number}"], tensors.get(f"around.{number}")
    for one in (mask, mask if around is None else around):
        if tuple(one.shape) != (1, 1, *size):
            raise ValueError(f"a mask has the shape {tuple(one.shape)}")
    return TargetFace(mask, around=around)


def _fingerprint(image: Tensor) -> str:
    """A picture by its 8-bit values."""
    levels = (image * 255).round().byte().contiguous()
    return hashlib.sha256(levels.numpy().tobytes()).hexdigest()
