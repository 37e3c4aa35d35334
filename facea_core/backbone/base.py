"""The checkpoint that somebody names, with the autoencoder of another file where one is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ..errors import AssetError, BackboneError
from ..io.assets import asset
from . import keys
from .folder import WEIGHTS, Folder, snapshot_of
from .parts import identify
from .spec import TINY_FILE
from .stored import Slot, Stored, open_stored, read_header


def family_of(base: str | Path, vae: str | Path | None = None) -> str:
    """The name of the checkpoint's model family. Raises errors as `load_backbone` does."""
    stored = open_base(base, vae)
    return identify(stored.parts, stored.name)[0].spec.family


def open_base(base: str | Path, vae: str | Path | None = None) -> Stored:
    """The checkpoint at `base`, or "tiny" for the embedded facea-tiny, with the VAE at `vae`.

    Raises `AssetError`, `BackboneError` as `open_stored` does, also for the VAE.
    """
    stored = open_stored(asset(TINY_FILE) if str(base) == "tiny" else Path(base))
    if vae is None:
        return stored
    path = Path(vae)
    parts = replace(stored.parts, vae=_read_vae(path))
    return replace(stored, parts=parts, vae_name=path.name)


def _read_vae(path: Path) -> Mapping[str, Slot]:
    """The autoencoder in a file of its own, in a checkpoint, or in a folder of diffusers."""
    if (path / "snapshots").is_dir():
        path = snapshot_of(path)
    if path.is_dir():
        own = path / "vae" if (path / "vae").is_dir() else path
        files = Folder(own.parent).files(own.name, WEIGHTS)
        slots = {key: slot for file in files for key, slot in read_header(file)[0].items()}
    elif path.is_file():
        slots = read_header(path)[0]
    else:
        raise AssetError(f"VAE {path} does not exist; give a .safetensors file")
    inside = keys.below(slots, keys.VAE_PREFIX) or slots
    if not any(key.startswith(("encoder.conv_in.", "taesd_encoder.")) for key in inside):
        raise BackboneError(
            f"{path.name} holds no VAE that FaceA knows; give one as .safetensors, or a checkpoint "
            "that has one"
        )
    return inside
